//! What an earlier run has left half done is put right before helm is let near it. helm refuses a
//! release whose last revision is pending, takes a first install that failed for something to be
//! upgraded, and starts a hook anew that is still at work. What is to be done is the word of
//! [`recovery`](crate::recovery); here it is done.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, Up};
use crate::event::EventKind;
use crate::plan::Step;
use crate::recovery::{self, FirstInstall, Intent, LeftAlone};
use crate::runner::asking::Limits;
use crate::runner::ports::{
    DeployError, History, ObserveError, Observer, Refusal, RevisionEnd, Trouble,
};
use crate::runner::tracked::{LeftBehind, Phase};
use crate::snapshot::{
    ContainerState, Contents, ObjectRef, Observation, Pod, Record, RecordStatus, Snapshot,
};

/// Before it is asked again what is still there of what was removed.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a hook of an earlier run may take until its first container runs. One that takes longer
/// fails to start. Of a release that has little time, half of that.
const STARTS: Duration = Duration::from_secs(30);

/// Waits until all that was removed is gone: what helm makes anew would go with it.
///
/// # Errors
/// It is not known in time whether it is.
async fn gone(
    observer: &dyn Observer,
    limits: &Limits,
    contents: &Contents,
) -> Result<(), ObserveError> {
    let objects = contents.removable();
    loop {
        let lingering = || observer.lingering(&objects);
        let left = limits.until_answered(lingering).await?;
        let Some(first) = left.first() else {
            return Ok(());
        };
        if limits.within(tokio::time::sleep(PAUSE)).await.is_none() {
            let text = format!("{} is still there", first.object.short());
            return Err(ObserveError::Conflict(text));
        }
    }
}

impl Up<'_> {
    /// Lets the release begin, once nothing of an earlier run stands in its way. It has its place
    /// among the helms.
    pub(super) fn clear_the_way(&mut self, at: usize) {
        let step = self.releases[at].step;
        let (namespace, name) = (step.namespace.as_str(), step.release.as_str());
        let last = self.world.last_record(namespace, name);
        let Some(last) =
            last.filter(|it| it.status.is_half_done() || it.status == RecordStatus::Failed)
        else {
            self.see_off(at);
            return;
        };
        if last.status.is_half_done()
            && !self.releases[at].taken_away
            && let Some(refusal) = self.doubt(step, last)
        {
            self.push_refusal(at, refusal);
            return;
        }
        let (observer, revision) = (self.observer, last.revision);
        // How far the hooks of a first install came stands in its own record.
        let failed = self.failed_first(step);
        let first = failed.unwrap_or(revision);
        let limits = self.releases[at].limits();
        let left = async move {
            let last = limits.read_contents(observer, step, revision).await?;
            let first = match first == revision {
                true => last.clone(),
                false => limits.read_contents(observer, step, first).await?,
            };
            let may = failed.map_or_else(Vec::new, |_| recovery::may_hold_data(&last));
            let survey = || observer.survey(&may);
            let holds_data = !may.is_empty() && !limits.until_answered(survey).await?.is_empty();
            Ok(LeftBehind {
                last,
                first,
                holds_data,
            })
        };
        let left = left.map(move |left| Done::LeftBehind(at, left));
        self.work.push(left.boxed_local());
    }

    /// What an earlier run has left of the release is known.
    pub(super) fn left_behind(&mut self, at: usize, left: Result<LeftBehind, ObserveError>) {
        match left {
            Ok(left) => {
                self.touched.learn(at, &left.last);
                let release = &mut self.releases[at];
                release.left_behind = Some(left);
                let starts = STARTS.min(release.step.timeout / 2);
                (release.starts_until).get_or_insert_with(|| Instant::now() + starts);
                self.go_on_clearing(at);
            }
            // It has just been removed, so the next is an install.
            Err(ObserveError::NotFound(_)) => {
                self.releases[at].before = 0;
                self.prepare(at);
            }
            Err(error) => self.push_refusal(
                at,
                Refusal {
                    trouble: match &error {
                        error if error.passes().is_some() => Trouble::Unreachable,
                        _ => Trouble::Clear,
                    },
                    ..LeftAlone::unreadable(&error).into()
                },
            ),
        }
    }

    /// Waits for hooks that are still at work, then takes the next step.
    pub(super) fn go_on_clearing(&mut self, at: usize) {
        let release = &self.releases[at];
        let Some(left) = &release.left_behind else {
            return;
        };
        let step = release.step;
        let mut hooks = left.last.hooks.iter().map(|hook| &hook.object);
        let may_start = release
            .starts_until
            .is_some_and(|until| Instant::now() < until);
        let at_work =
            hooks.find(|object| self.runs(object) || (may_start && self.is_starting(object)));
        if let Some(object) = at_work {
            let on = format!(
                "hook {}, which an earlier helm has left at work",
                object.short()
            );
            self.wait_for(at, on);
            return;
        }
        let LeftBehind {
            last,
            first,
            holds_data,
        } = left.clone();
        self.releases[at].left_behind = None;
        let (namespace, name) = (step.namespace.as_str(), step.release.as_str());
        let record = self.world.last_record(namespace, name);
        let ours = record.is_some_and(|record| record.is_of(&self.stack));
        match record.map(|it| it.status) {
            Some(status) if status.is_pending() => self.close_revision(at, last.revision, status),
            Some(status @ RecordStatus::Uninstalling) => self.take_away(at, status, &last),
            Some(status @ RecordStatus::Failed) if self.failed_first(step).is_some() => {
                let named = (&step.release, &step.namespace);
                match recovery::after(named, &first, &self.world, ours, holds_data) {
                    FirstInstall::Upgraded => self.see_off(at),
                    FirstInstall::Refused(why) => self.push_refusal(at, why.into()),
                    FirstInstall::Anew => self.take_away(at, status, &last),
                }
            }
            _ => self.see_off(at),
        }
    }

    /// A container of the hook runs: what only fails to, helm may make anew.
    fn runs(&self, hook: &ObjectRef) -> bool {
        self.pods_of_hook(hook).any(|pod| {
            let mut all = pod.init_statuses.iter().chain(&pod.statuses);
            all.any(|it| matches!(it.state, ContainerState::Running { .. }))
        })
    }

    /// The hook is under way to its first container, as far as can be seen.
    fn is_starting(&self, hook: &ObjectRef) -> bool {
        let job = self.world.job(hook);
        if job.is_some_and(|job| job.suspended || job.has_ended()) {
            return false;
        }
        let mut pods = self.pods_of_hook(hook).peekable();
        match pods.peek() {
            None => job.is_some(),
            Some(_) => pods.any(Pod::is_starting),
        }
    }

    fn pods_of_hook(&self, hook: &ObjectRef) -> impl Iterator<Item = &Pod> {
        let of_job = self
            .world
            .job(hook)
            .map(|job| self.world.pods_of(&job.meta.uid));
        of_job.into_iter().flatten().chain(self.world.pod(hook))
    }

    /// When what is still starting by then is taken to fail to.
    pub(super) fn starts_until(&self) -> impl Iterator<Item = (usize, Instant)> {
        let releases = self.releases.iter().enumerate();
        let cleared = releases.filter(|(_, it)| it.left_behind.is_some());
        cleared.filter_map(|(at, it)| Some((at, it.starts_until?)))
    }

    /// The oldest revision there is of a release that failed last and was never deployed.
    fn failed_first(&self, step: &Step) -> Option<u32> {
        let (namespace, release) = (step.namespace.as_str(), step.release.as_str());
        let last = self.world.last_record(namespace, release)?;
        let own = self.world.records.values();
        let own = own.filter(|it| it.namespace == namespace && it.release == release);
        recovery::first_of(own).filter(|_| last.status == RecordStatus::Failed)
    }

    /// Why the helm that left this revision may still be at work.
    fn doubt(&self, step: &Step, last: &Record) -> Option<Refusal> {
        let is_going_back = self
            .releases
            .iter()
            .any(|it| it.step.id == step.id && it.back.is_some());
        if last.status == RecordStatus::Uninstalling && is_going_back {
            return Some(Refusal {
                trouble: Trouble::Clear,
                sentence: format!(
                    "its revision {} is uninstalling: what is being removed can't go back",
                    last.revision
                ),
                hints: vec!["`stackctl up --recover` installs it again".to_owned()],
                ..Refusal::default()
            });
        }
        if self.recover {
            return None;
        }
        let named = (&step.release, &step.namespace);
        let intent = match is_going_back {
            true => Intent::Rollback,
            false => Intent::Up,
        };
        recovery::doubt(&self.stack, last, &self.unsure, named, intent).map(Refusal::from)
    }

    /// Notes on a pending revision that it has failed: the next one then is an upgrade over the last
    /// that was deployed, and nothing has gone back in between.
    fn close_revision(&mut self, at: usize, revision: u32, status: RecordStatus) {
        self.tell_recovery(at, status);
        let (observer, step) = (self.observer, self.releases[at].step);
        let (limits, gate) = (self.releases[at].limits(), self.gate.clone());
        let closed = async move {
            let close = async || {
                gate.opened().await;
                let closed = observer.close(
                    &step.namespace,
                    &step.release,
                    revision,
                    RevisionEnd::Failed,
                );
                closed.await
            };
            Done::Closed(at, limits.until_answered(close).await)
        };
        self.work.push(closed.boxed_local());
    }

    pub(super) fn closed(&mut self, at: usize, record: Result<Record, ObserveError>) {
        match record {
            Ok(record) => {
                self.world
                    .apply(&Observation::Seen(Snapshot::Record(record)));
                self.clear_the_way(at);
            }
            Err(error) => self.push_refusal(
                at,
                Refusal {
                    trouble: Trouble::Clear,
                    sentence: format!("its pending revision can't be closed: {error}"),
                    ..Refusal::default()
                },
            ),
        }
    }

    /// Removes what is left of it, to be installed anew.
    fn take_away(&mut self, at: usize, status: RecordStatus, contents: &Contents) {
        self.tell_recovery(at, status);
        let release = &mut self.releases[at];
        release.taken_away = true;
        let (deployer, step, cancel) = (self.deployer, release.step, release.cancel.clone());
        let limits = release.limits();
        let limit = release.remaining(Instant::now());
        let (observer, contents) = (self.observer, contents.clone());
        let removed = async move {
            let removed = deployer
                .remove(step, History::Deleted, limit, cancel.clone())
                .await;
            if removed.is_err() {
                return Done::TakenAway(at, removed);
            }
            let gone = gone(observer, &limits, &contents).await;
            Done::TakenAway(
                at,
                gone.map_err(|error| match cancel.gently.is_cancelled() {
                    true => DeployError::Cancelled,
                    false => DeployError::Refused(Refusal::unclear(format!(
                        "what was removed of it is not known to be gone: {error}"
                    ))),
                }),
            )
        };
        self.work.push(removed.boxed_local());
    }

    pub(super) fn taken_away(&mut self, at: usize, removed: Result<(), DeployError>) {
        match removed {
            Ok(()) => {
                // helm begins to count anew.
                self.releases[at].before = 0;
                let step = self.releases[at].step;
                self.world
                    .forget_records(step.namespace.as_str(), step.release.as_str());
                self.prepare(at);
            }
            Err(error) => {
                let failed = async move { Done::Deployed(at, Err(error)) };
                self.work.push(failed.boxed_local());
            }
        }
    }

    pub(super) fn push_refusal(&mut self, at: usize, refusal: Refusal) {
        let refused = async move { Done::Deployed(at, Err(DeployError::Refused(refusal))) };
        self.work.push(refused.boxed_local());
    }

    fn tell_recovery(&mut self, at: usize, from: RecordStatus) {
        self.emitter.emit(EventKind::ReleaseRecovering {
            release: self.releases[at].step.id.clone(),
            from: from.as_str().to_owned(),
        });
    }

    pub(super) fn wait_for(&mut self, at: usize, on: String) {
        let known = self.releases[at].assessment.waiting.as_ref();
        if known.is_none_or(|waiting| waiting.on != on) {
            self.tell_waiting(at, on);
        }
    }

    /// A release that waits for a hook of an earlier run has nothing at work that would give its
    /// place among the helms back.
    pub(super) fn give_up_clearing(&mut self, at: usize) {
        if self.releases[at].left_behind.take().is_some() {
            self.helm_ended(at);
        }
    }

    /// Whether it is still being cleared, and the run goes on.
    pub(super) fn may_go_on(&self, at: usize) -> bool {
        self.cancelled.is_none() && self.releases[at].phase == Phase::Deploying
    }
}
