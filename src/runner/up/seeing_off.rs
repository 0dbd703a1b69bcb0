//! Objects that are being deleted when a release is about to write them: what helm writes on one goes
//! with it. So they are waited for, and helm makes them anew.

use std::time::Duration;

use futures::FutureExt;

use super::{Done, Up};
use crate::memory::Left;
use crate::plan::Step;
use crate::runner::asking::Limits;
use crate::runner::ports::{Cancel, Deployer, ObserveError, Observer, Refusal, Trouble};
use crate::runner::removal::going;
use crate::snapshot::{Lingering, ObjectRef};

/// Before it is asked again what is still there.
const PAUSE: Duration = Duration::from_secs(1);

/// A release, and what its next revision may write.
struct Coming<'p> {
    step: &'p Step,
    /// What earlier removals have left of it.
    left: Vec<ObjectRef>,
    /// Revisions whose objects may be in it.
    revisions: Vec<u32>,
    /// The number of an upgrade. A rollback brings what the revision has that it goes back to.
    upgrade: Option<u32>,
    observer: &'p dyn Observer,
    deployer: &'p dyn Deployer,
    limits: Limits,
    cancel: Cancel,
}

impl Up<'_> {
    /// Lets the release begin, once nothing that it is about to write is going any more.
    pub(super) fn see_off(&mut self, at: usize) {
        let release = &self.releases[at];
        let (step, before) = (release.step, release.before);
        let left = Left::of(&self.remembered, &step.release, &step.namespace).into_iter();
        let left: Vec<ObjectRef> = left.map(|it| it.object).collect();
        if before == 0 && left.is_empty() {
            self.prepare(at);
            return;
        }
        let (namespace, name) = (step.namespace.as_str(), step.release.as_str());
        let mut revisions = Vec::new();
        if before > 0 {
            revisions.push(release.back.unwrap_or(before));
        }
        if release.back.is_none() {
            // What the last revision has dropped may come again.
            let earlier = self.world.record_before(namespace, name, before);
            revisions.extend(earlier.map(|record| record.revision));
        }
        let coming = Coming {
            step,
            left,
            revisions,
            upgrade: release.back.is_none().then_some(before + 1),
            observer: self.observer,
            deployer: self.deployer,
            limits: release.limits(),
            cancel: release.cancel.clone(),
        };
        let asked = async move { Done::StillGoing(at, coming.going().await) };
        self.work.push(asked.boxed_local());
    }

    fn ask_again_what_goes(&mut self, at: usize, objects: Vec<ObjectRef>) {
        let (observer, limits) = (self.observer, self.releases[at].limits());
        let asked = async move {
            limits.within(tokio::time::sleep(PAUSE)).await;
            Done::StillGoing(at, still_going(observer, &limits, &objects).await)
        };
        self.work.push(asked.boxed_local());
    }

    pub(super) fn still_going(&mut self, at: usize, left: Result<Vec<Lingering>, ObserveError>) {
        match left {
            Ok(left) if left.is_empty() => self.prepare(at),
            Ok(left) => {
                self.wait_for(at, going(&left));
                self.ask_again_what_goes(at, left.into_iter().map(|it| it.object).collect());
            }
            Err(error) if error.passes().is_some() => {
                let refusal = Refusal {
                    trouble: Trouble::Unreachable,
                    sentence: format!("what of it is being deleted can't be told: {error}"),
                    ..Refusal::default()
                };
                self.push_refusal(at, refusal);
            }
            // helm will say what it makes of a record that can't be read.
            Err(_) => self.prepare(at),
        }
    }
}

impl Coming<'_> {
    /// What is going of all that it is about to write. What is written is only asked for where
    /// something goes at all, for that takes a helm.
    async fn going(self) -> Result<Vec<Lingering>, ObserveError> {
        let mut objects = self.left;
        for (at, &revision) in self.revisions.iter().enumerate() {
            let contents = self
                .limits
                .read_contents(self.observer, self.step, revision);
            match contents.await {
                Ok(contents) => objects.extend(contents.objects),
                Err(error) if at == 0 || error.passes().is_some() => return Err(error),
                // helm has no use for an earlier one.
                Err(_) => {}
            }
        }
        objects.sort();
        objects.dedup();
        let mut going = still_going(self.observer, &self.limits, &objects).await?;
        if let Some(revision) = self.upgrade
            && !going.is_empty()
        {
            let applied = self.deployer.would_apply(self.step, revision, self.cancel);
            // Where helm can't tell, all of it may be written.
            if let Ok(applied) = applied.await {
                let own = self.step.namespace.as_str();
                going.retain(|it| applied.iter().any(|new| is_same(&it.object, new, own)));
            }
        }
        Ok(going)
    }
}

async fn still_going(
    observer: &dyn Observer,
    limits: &Limits,
    objects: &[ObjectRef],
) -> Result<Vec<Lingering>, ObserveError> {
    let lingering = || observer.lingering(objects);
    let mut left = limits.until_answered(lingering).await?;
    left.retain(|it| it.is_going);
    Ok(left)
}

/// `written` is as a chart writes it, and `there` where it lives.
fn is_same(there: &ObjectRef, written: &ObjectRef, own: &str) -> bool {
    let is_there = match (&there.namespace, &written.namespace) {
        (Some(there), written) => there == written.as_deref().unwrap_or(own),
        (None, _) => true,
    };
    let (kind, name) = (&there.kind, &there.name);
    is_there && there.group() == written.group() && *kind == written.kind && *name == written.name
}
