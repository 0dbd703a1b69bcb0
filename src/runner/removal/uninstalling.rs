//! What helm is asked to do: to uninstall a release, and to forget it once the rest is removed.

use futures::FutureExt;

use super::{Done, Down, Phase};
use crate::runner::ports::{DeployError, History, ObserveError, Refusal};

impl Down<'_> {
    pub(super) fn remove(&mut self, at: usize) {
        self.find_owners(at);
        self.expect_hooks(at);
        let release = &mut self.releases[at];
        release.phase = Phase::Removing;
        let (step, cancel, limit) = (release.step, release.cancel.clone(), release.left());
        let (observer, deployer, limits) = (self.observer, self.deployer, release.limits());
        let revision = release.contents.revision;
        // Whoever takes this up after a kill has to know what helm has left.
        let history = match release.leftovers.as_slice() {
            [] => History::Deleted,
            _ => History::Kept,
        };
        let removed = async move {
            let note = || observer.mark_removal(&step.namespace, &step.release, revision);
            if history == History::Kept
                && let Err(error) = limits.until_answered(note).await
                && !matches!(error, ObserveError::NotFound(_))
            {
                let why = match cancel.gently.is_cancelled() {
                    true => DeployError::Cancelled,
                    false => DeployError::Refused(Refusal::unclear(format!(
                        "its removal can't be noted on its record: {error}"
                    ))),
                };
                return Done::Removed(at, Err(why));
            }
            Done::Removed(at, deployer.remove(step, history, limit, cancel).await)
        };
        self.work.push(removed.boxed_local());
    }

    /// Has helm delete the record that was kept until now.
    pub(super) fn forget(&mut self, at: usize) {
        let release = &mut self.releases[at];
        release.phase = Phase::Forgetting;
        let (cancel, limit) = (release.cancel.clone(), release.left());
        let deployer = self.deployer;
        let forgotten = deployer.remove(release.step, History::Deleted, limit, cancel);
        let forgotten = forgotten.map(move |done| Done::Removed(at, done));
        self.work.push(forgotten.boxed_local());
    }
}
