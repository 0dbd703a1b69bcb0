//! Profile -> [`Plan`]. Holding a plan proves that the graph has no cycle, as that of a profile has none, and
//! that every name in it is resolved. It knows neither clocks nor clusters.

mod queue;
mod reduction;
mod step;

pub use queue::Queue;
pub use step::{Leftover, Sooner, Step};

use std::collections::{BTreeSet, HashMap};

use crate::names::{Namespace, ReleaseId, StackName};
use crate::order;
use crate::profile::Profile;
pub use crate::profile::{Command, Labels, Rollback, Until};

/// The releases of a stack in an order that respects every need.
#[derive(Debug, Clone)]
pub struct Plan {
    pub stack: StackName,
    pub namespace: Namespace,
    /// Whether we may make namespaces that are missing.
    pub create_namespace: bool,
    steps: Vec<Step>,
}

/// Which of a profile's releases a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    All,
    /// These and all that they need, near or far.
    WithNeeds(Vec<ReleaseId>),
    /// These alone; needs on others are taken as met.
    Only(Vec<ReleaseId>),
    /// These and all that needs them, near or far: what a removal has to take along.
    WithDependents(Vec<ReleaseId>),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("the profile has no release `{id}`")]
    Unknown {
        id: ReleaseId,
        known: Vec<ReleaseId>,
    },
}

impl Plan {
    /// # Errors
    /// A selected id that the profile doesn't have.
    pub fn new(profile: &Profile, selection: &Selection) -> Result<Plan, PlanError> {
        let index: HashMap<&ReleaseId, usize> = profile
            .releases
            .iter()
            .enumerate()
            .map(|(at, release)| (&release.id, at))
            .collect();
        let needs: Vec<Vec<usize>> = profile
            .releases
            .iter()
            .map(|release| {
                let known = release.needs.iter().filter_map(|need| index.get(&need.id));
                known.copied().collect()
            })
            .collect();
        let chosen = choose(profile, &index, &needs, selection)?;

        let kept: Vec<usize> = profile
            .order
            .iter()
            .copied()
            .filter(|at| chosen.contains(at))
            .collect();
        let position: HashMap<usize, usize> = kept
            .iter()
            .enumerate()
            .map(|(new, &old)| (old, new))
            .collect();
        let steps = kept
            .iter()
            .map(|&old| {
                let release = &profile.releases[old];
                let edges = release.needs.iter().filter_map(|need| {
                    let position = position.get(index.get(&need.id)?)?;
                    Some((*position, need.until.clone()))
                });
                Step::new(release, &edges.collect::<Vec<_>>())
            })
            .collect();
        Ok(Plan {
            stack: profile.name.clone(),
            namespace: profile.namespace.clone(),
            create_namespace: profile.create_namespace,
            steps,
        })
    }

    /// Releases that no profile names, to be removed: each with what it is known to have needed.
    pub fn of_leftovers(stack: StackName, namespace: Namespace, all: &[Leftover]) -> Plan {
        let position = |id: &ReleaseId| all.iter().position(|it| it.id == *id);
        let needs = |it: &Leftover| it.needs.iter().filter_map(position).collect();
        let needs: Vec<Vec<usize>> = all.iter().map(needs).collect();
        // What is known may be of several times, and go round in a cycle.
        let (order, needs) = match order::topological(&needs) {
            Ok(order) => (order, needs),
            Err(_) => ((0..all.len()).collect(), vec![Vec::new(); all.len()]),
        };
        let place = |old: &usize| order.iter().position(|it| it == old);
        let steps = order
            .iter()
            .map(|&old| Step::leftover(&all[old], needs[old].iter().filter_map(place).collect()))
            .collect();
        Plan {
            stack,
            namespace,
            create_namespace: false,
            steps,
        }
    }

    /// In topological order; a step's `needs` are positions in this list.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// For each step the positions of those that need it directly.
    pub fn dependents(&self) -> Vec<Vec<usize>> {
        let mut dependents = vec![Vec::new(); self.steps.len()];
        for (at, step) in self.steps.iter().enumerate() {
            for &need in &step.needs {
                dependents[need].push(at);
            }
        }
        dependents
    }

    /// For each step the needs that no other need implies.
    pub fn reduced_needs(&self) -> Vec<Vec<usize>> {
        reduction::transitive(&self.needs(), |step, need| {
            self.steps[step].sooner_than_ready(need).is_empty()
        })
    }

    /// One of its releases is of this name, helm's, in this namespace.
    pub fn has(&self, namespace: &str, release: &str) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|it| it.release.as_str() == release && it.namespace.as_str() == namespace)
    }

    /// Every namespace that a release goes to, and the stack's own, each once.
    pub fn namespaces(&self) -> Vec<Namespace> {
        let own = std::iter::once(&self.namespace);
        let all: BTreeSet<&Namespace> =
            own.chain(self.steps.iter().map(|s| &s.namespace)).collect();
        all.into_iter().cloned().collect()
    }

    /// A release may bring this namespace: all that go there come after others, and it is not the
    /// stack's own, which has to be there first.
    pub fn may_be_brought(&self, namespace: &Namespace) -> bool {
        let mut there = self.steps.iter().filter(|it| it.namespace == *namespace);
        *namespace != self.namespace && there.all(|step| !step.needs.is_empty())
    }

    /// All that the step at `at` needs, near or far, the nearest first.
    pub fn before(&self, at: usize) -> Vec<usize> {
        let mut before = self.steps[at].needs.clone();
        let mut next = 0;
        while let Some(&need) = before.get(next) {
            for &further in &self.steps[need].needs {
                if !before.contains(&further) {
                    before.push(further);
                }
            }
            next += 1;
        }
        before
    }

    fn needs(&self) -> Vec<Vec<usize>> {
        self.steps.iter().map(|step| step.needs.clone()).collect()
    }
}

fn choose(
    profile: &Profile,
    index: &HashMap<&ReleaseId, usize>,
    needs: &[Vec<usize>],
    selection: &Selection,
) -> Result<BTreeSet<usize>, PlanError> {
    let find = |id: &ReleaseId| {
        index.get(id).copied().ok_or_else(|| PlanError::Unknown {
            id: id.clone(),
            known: profile.releases.iter().map(|r| r.id.clone()).collect(),
        })
    };
    let roots = |ids: &[ReleaseId]| ids.iter().map(find).collect::<Result<Vec<_>, _>>();
    Ok(match selection {
        Selection::All => (0..needs.len()).collect(),
        Selection::Only(ids) => roots(ids)?.into_iter().collect(),
        Selection::WithNeeds(ids) => reachable(roots(ids)?, |at| needs[at].clone()),
        Selection::WithDependents(ids) => reachable(roots(ids)?, |at| {
            (0..needs.len())
                .filter(|&d| needs[d].contains(&at))
                .collect()
        }),
    })
}

fn reachable(mut open: Vec<usize>, next: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        if seen.insert(at) {
            open.extend(next(at));
        }
    }
    seen
}
