use std::time::Duration;

use crate::budget::Budgets;
use crate::names::{Namespace, ReleaseId, ReleaseName};
use crate::profile::{ChartSource, Release, Values};

/// One release of a plan, with all that is needed to install it.
#[derive(Debug, Clone)]
pub struct Step {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    pub chart: ChartSource,
    /// In the order in which helm takes them; `set` comes after all.
    pub values: Vec<Values>,
    pub set: serde_json::Map<String, serde_json::Value>,
    /// Positions in the plan, each smaller than the step's own.
    pub needs: Vec<usize>,
    pub timeout: Duration,
    pub budgets: Budgets,
}

impl Step {
    pub(super) fn new(release: &Release, needs: Vec<usize>) -> Step {
        Step {
            id: release.id.clone(),
            release: release.release.clone(),
            namespace: release.namespace.clone(),
            chart: release.chart.clone(),
            values: release.values.clone(),
            set: release.set.clone(),
            needs,
            timeout: release.timeout,
            budgets: release.budgets.clone(),
        }
    }
}
