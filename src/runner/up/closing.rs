//! A helm that has ended badly and left its revision pending: `helm rollback` does so where a hook fails
//! (`pkg/action/rollback.go`, `performRollback`), and any helm that is killed. It is at work no more, so
//! the revision is noted as failed, and nobody after us has to ask who is at work on it.

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, Up};
use crate::runner::asking::Limits;
use crate::runner::ports::{DeployError, RevisionEnd, Trouble};
use crate::runner::tracked::GRACE;

impl Up<'_> {
    /// Closes the revision that this helm was to make, should it still be pending. The release keeps
    /// its place among the helms until then.
    pub(super) fn close_own(&mut self, at: usize, revision: u32, error: DeployError) {
        let release = &mut self.releases[at];
        (release.helm_works, release.kill_at) = (false, None);
        let (step, observer, gate) = (release.step, self.observer, self.gate.clone());
        let run = self.run.clone();
        let limits = Limits {
            cancel: release.cancel.now.clone(),
            until: Some(Instant::now() + GRACE),
        };
        let closed = async move {
            let (namespace, name) = (&step.namespace, &step.release);
            let is_ours = limits
                .until_answered(|| observer.revisions(namespace, name))
                .await
                .is_ok_and(|records| {
                    let mut records = records.iter();
                    records.any(|it| {
                        it.revision == revision
                            && it.status.is_pending()
                            && it.marks.run.as_deref() == Some(run.as_str())
                    })
                });
            if is_ours && gate.is_open() {
                let close = || observer.close(namespace, name, revision, RevisionEnd::Failed);
                // Who comes next finds it pending otherwise, and does the same.
                let _ = limits.until_answered(close).await;
            }
            Done::Deployed(at, Err(error))
        };
        self.work.push(closed.boxed_local());
    }
}

/// helm has ended, and what it did can be asked for.
pub(super) fn may_be_closed(error: &DeployError) -> bool {
    match error {
        DeployError::Cancelled => true,
        DeployError::Refused(said) => said.trouble != Trouble::Unreachable,
    }
}
