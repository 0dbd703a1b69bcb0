//! What helm is asked to do: to uninstall a release, and to forget it once the rest is removed. What a
//! run must know that takes this up after a kill is written down before.

use futures::FutureExt;

use super::sweep::remaining;
use super::{Done, Down, Phase};
use crate::event::EventKind;
use crate::memory::Left;
use crate::plan::Plan;
use crate::runner::Gate;
use crate::runner::ports::{DeployError, History, ObserveError, Observer, Refusal};
use crate::snapshot::{Lingering, ObjectRef, Remaining};

/// What helm is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Uninstall(History),
    /// To delete the record of what it has uninstalled.
    Forget,
}

/// Writes down what is left of releases, with what is remembered of the stack, as long as it is ours.
pub(super) struct Notes<'p> {
    plan: &'p Plan,
    observer: &'p dyn Observer,
    gate: Gate,
}

impl Notes<'_> {
    pub(super) async fn remember(&self, left: &Left) -> Result<(), ObserveError> {
        self.gate.opened().await;
        let (stack, home) = (&self.plan.stack, &self.plan.namespace);
        self.observer.remember(stack, home, left).await
    }
}

impl<'p> Down<'p> {
    pub(super) fn notes(&self) -> Notes<'p> {
        Notes {
            plan: self.plan,
            observer: self.observer,
            gate: self.gate.clone(),
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        let release = &mut self.releases[at];
        release.keeps_record = !release.leftovers.is_empty();
        let history = match release.keeps_record {
            true => History::Kept,
            false => History::Deleted,
        };
        self.ask_helm(at, Task::Uninstall(history));
    }

    /// Has helm delete the record that was kept until now.
    pub(super) fn forget(&mut self, at: usize) {
        self.ask_helm(at, Task::Forget);
    }

    /// Writes down first what the next run has to know if this one is killed.
    fn ask_helm(&mut self, at: usize, task: Task) {
        let stays = self.stays(at);
        let release = &self.releases[at];
        let mut goes = match task {
            // As long as there is a record, it tells of the rest.
            Task::Uninstall(History::Kept) => Vec::new(),
            Task::Uninstall(History::Deleted) | Task::Forget => self.objects(release),
        };
        goes.extend(release.swept.iter().cloned());
        let asked: Vec<ObjectRef> = stays.iter().chain(&goes).cloned().collect();
        let (is_ours, notes) = (self.tells_ours(at), self.notes());
        let release = &mut self.releases[at];
        release.phase = Phase::Noting;
        let (step, observer, limits) = (release.step, self.observer, release.limits());
        let noted = async move {
            let there = match asked.as_slice() {
                [] => Vec::new(),
                asked => limits.until_answered(|| observer.lingering(asked)).await?,
            };
            let lasts = |it: &Lingering| stays.contains(&it.object) || !it.finalizers.is_empty();
            let left = there
                .into_iter()
                .filter(|it| is_ours(it) && !it.is_owned && lasts(it));
            let left = Left {
                release: step.release.clone(),
                namespace: step.namespace.clone(),
                objects: left.map(remaining).collect(),
            };
            if !left.objects.is_empty() {
                limits.until_answered(|| notes.remember(&left)).await?;
            }
            Ok(left.objects)
        };
        let noted = async move { Done::Noted(at, task, noted.await) };
        self.work.push(noted.boxed_local());
    }

    pub(super) fn noted(
        &mut self,
        at: usize,
        task: Task,
        noted: Result<Vec<Remaining>, ObserveError>,
    ) {
        if self.releases[at].phase != Phase::Noting {
            return;
        }
        if self.cancelled.is_some() {
            self.end(at, |release| EventKind::ReleaseCancelled { release });
            return;
        }
        match noted {
            Ok(noted) => {
                self.releases[at].noted = noted;
                self.start_helm(at, task);
            }
            // It was asked for until the release's time was up.
            Err(error) if error.passes().is_some() => {
                let on = format!("an answer to what there is of it: {error}");
                self.releases[at].waiting = Some(on);
                self.expire(at);
            }
            Err(error) => {
                let why = format!("its removal can't be noted: {error}");
                self.fail(at, Refusal::unclear(why).verdict());
            }
        }
    }

    fn start_helm(&mut self, at: usize, task: Task) {
        let history = match task {
            Task::Uninstall(history) => {
                self.find_owners(at);
                self.expect_hooks(at);
                self.releases[at].phase = Phase::Removing;
                history
            }
            Task::Forget => {
                self.releases[at].phase = Phase::Forgetting;
                History::Deleted
            }
        };
        let release = &self.releases[at];
        let (step, cancel, limit) = (release.step, release.cancel.clone(), release.left());
        let (observer, deployer, limits) = (self.observer, self.deployer, release.limits());
        let revision = release.contents.revision;
        let removed = async move {
            let mark = || observer.mark_removal(&step.namespace, &step.release, revision);
            let marked = match history {
                History::Deleted => Ok(()),
                History::Kept => limits.until_answered(mark).await,
            };
            let removed = match marked {
                Ok(()) | Err(ObserveError::NotFound(_)) => {
                    deployer.remove(step, history, limit, cancel).await
                }
                Err(_) if cancel.gently.is_cancelled() => Err(DeployError::Cancelled),
                Err(error) => Err(DeployError::Refused(Refusal::unclear(format!(
                    "its removal can't be noted: {error}"
                )))),
            };
            Done::Removed(at, removed)
        };
        self.work.push(removed.boxed_local());
    }
}
