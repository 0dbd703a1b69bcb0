use std::path::PathBuf;
use std::time::Duration;

use crate::budget::{Budgets, DEFAULT_TIMEOUT};
use crate::names::{Namespace, ReleaseId, ReleaseName};
use crate::profile::{ChartSource, Command, Labels, Release, Rollback, Until, Values, ValuesFrom};

/// One release of a plan, with all that is needed to install it.
#[derive(Debug, Clone)]
pub struct Step {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    pub chart: ChartSource,
    /// In the order in which helm takes them, then `values_from`; `set` comes after all.
    pub values: Vec<Values>,
    pub values_from: Vec<ValuesFrom>,
    pub set: serde_json::Map<String, serde_json::Value>,
    /// On helm's record of it.
    pub labels: Labels,
    /// What runs before helm and once it is ready, in order.
    pub before: Vec<Command>,
    pub after: Vec<Command>,
    pub rollback: Rollback,
    /// Its upgrades take fields from whoever else has set them.
    pub force_conflicts: bool,
    /// Positions in the plan, each once and smaller than the step's own.
    pub needs: Vec<usize>,
    /// Those of the needs that are met before they are ready.
    pub sooner: Vec<Sooner>,
    pub timeout: Duration,
    pub budgets: Budgets,
}

/// A release that no profile names any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    /// What it is known to have needed.
    pub needs: Vec<ReleaseId>,
}

/// A need on a part of a release: it is met once all of these are, whether or not the rest of the
/// release is ready by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sooner {
    /// The position of the release that is needed.
    pub need: usize,
    /// None of them is [`Until::Ready`].
    pub until: Vec<Until>,
}

impl Step {
    /// `edges` are the release's needs as far as they are in the plan: positions, and until when.
    pub(super) fn new(release: &Release, edges: &[(usize, Until)]) -> Step {
        let mut needs: Vec<usize> = Vec::new();
        for &(need, _) in edges {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        let until = |need: usize| {
            let edges = edges.iter().filter(move |edge| edge.0 == need);
            edges.map(|edge| edge.1.clone()).collect::<Vec<_>>()
        };
        let all = needs.iter().map(|&need| Sooner {
            need,
            until: until(need),
        });
        let sooner = all.filter(|it| !it.until.contains(&Until::Ready)).collect();
        Step {
            id: release.id.clone(),
            release: release.release.clone(),
            namespace: release.namespace.clone(),
            chart: release.chart.clone(),
            values: release.values.clone(),
            values_from: release.values_from.clone(),
            set: release.set.clone(),
            labels: release.labels.clone(),
            before: release.before.clone(),
            after: release.after.clone(),
            rollback: release.rollback,
            force_conflicts: release.force_conflicts,
            needs,
            sooner,
            timeout: release.timeout,
            budgets: release.budgets.clone(),
        }
    }

    /// One that is only to be removed.
    pub(super) fn leftover(leftover: &Leftover, needs: Vec<usize>) -> Step {
        Step {
            id: leftover.id.clone(),
            release: leftover.release.clone(),
            namespace: leftover.namespace.clone(),
            chart: ChartSource::Directory(PathBuf::new()),
            values: Vec::new(),
            values_from: Vec::new(),
            set: serde_json::Map::new(),
            labels: Labels::default(),
            before: Vec::new(),
            after: Vec::new(),
            rollback: Rollback::default(),
            force_conflicts: false,
            needs,
            sooner: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            budgets: Budgets::default(),
        }
    }

    /// What a need is met by before it is ready, empty if it has to be ready.
    pub fn sooner_than_ready(&self, need: usize) -> &[Until] {
        let sooner = self.sooner.iter().find(|it| it.need == need);
        sooner.map_or(&[], |it| &it.until)
    }
}
