//! What helm is asked to do: to uninstall a release, and to forget it once the rest is removed. What a
//! run must know that takes this up after a kill is written down before.

use futures::FutureExt;

use super::sweep::remaining;
use super::{Done, Down, Phase};
use crate::memory::Left;
use crate::plan::Plan;
use crate::runner::Gate;
use crate::runner::ports::{DeployError, History, ObserveError, Observer, Refusal};

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
        self.find_owners(at);
        self.expect_hooks(at);
        let release = &mut self.releases[at];
        release.phase = Phase::Removing;
        let history = match release.leftovers.as_slice() {
            [] => History::Deleted,
            _ => History::Kept,
        };
        self.ask_helm(at, history);
    }

    /// Has helm delete the record that was kept until now.
    pub(super) fn forget(&mut self, at: usize) {
        self.releases[at].phase = Phase::Forgetting;
        self.ask_helm(at, History::Deleted);
    }

    fn ask_helm(&mut self, at: usize, history: History) {
        let stays = match self.releases[at].is_noted {
            true => Vec::new(),
            false => self.stays(at),
        };
        let (is_ours, notes) = (self.tells_ours(at), self.notes());
        let release = &mut self.releases[at];
        release.is_noted = true;
        let (step, cancel, limit) = (release.step, release.cancel.clone(), release.left());
        let (observer, deployer, limits) = (self.observer, self.deployer, release.limits());
        let (revision, noted) = (release.contents.revision, release.noted.clone());
        let removed = async move {
            let note = async {
                let there = match stays.as_slice() {
                    [] => Vec::new(),
                    stays => limits.until_answered(|| observer.lingering(stays)).await?,
                };
                let left = there.into_iter().filter(|it| is_ours(it) && !it.is_owned);
                let left = Left {
                    release: step.release.clone(),
                    namespace: step.namespace.clone(),
                    objects: left.map(remaining).collect(),
                };
                if !left.objects.is_empty() {
                    limits.until_answered(|| notes.remember(&left)).await?;
                    *noted.borrow_mut() = left.objects;
                }
                let mark = || observer.mark_removal(&step.namespace, &step.release, revision);
                match history {
                    History::Deleted => Ok(()),
                    History::Kept => match limits.until_answered(mark).await {
                        Err(ObserveError::NotFound(_)) => Ok(()),
                        marked => marked,
                    },
                }
            };
            if let Err(error) = note.await {
                let why = match cancel.gently.is_cancelled() {
                    true => DeployError::Cancelled,
                    false => DeployError::Refused(Refusal::unclear(format!(
                        "its removal can't be noted: {error}"
                    ))),
                };
                return Done::Removed(at, Err(why));
            }
            Done::Removed(at, deployer.remove(step, history, limit, cancel).await)
        };
        self.work.push(removed.boxed_local());
    }
}
