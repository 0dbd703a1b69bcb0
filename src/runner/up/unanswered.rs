//! A helm that got no answer from the API server. What it has done by then stands in its record, and
//! it is no more: once the API server answers, the release is taken up as one that an earlier run has
//! left half done.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, Up};
use crate::event::EventKind;
use crate::runner::ports::{ObserveError, Refusal, RevisionEnd, Trouble};
use crate::runner::tracked::Phase;
use crate::snapshot::{Observation, Record, RecordStatus, Snapshot};
use crate::verdict::Assessment;

/// How often helm is let try once more: it may ask elsewhere than we do, and never get an answer.
const TRIES: u32 = 3;
/// How long the watch may take to tell that a helm which returned well is through.
const LAST_WORD: Duration = Duration::from_secs(3);

impl Up<'_> {
    /// Whether helm may get an answer when it asks once more.
    pub(super) fn may_ask_again(&self, at: usize, said: &Refusal) -> bool {
        let release = &self.releases[at];
        said.trouble == Trouble::Unreachable
            && release.back.is_none()
            && release.doom.is_none()
            && release.unanswered < TRIES
            && self.cancelled.is_none()
    }

    /// Waits until the API server answers us. The release has its place among the helms again.
    pub(super) fn ask_again(&mut self, at: usize, said: &Refusal) {
        self.helms += 1;
        let release = &mut self.releases[at];
        release.helm_works = true;
        release.unanswered += 1;
        let (observer, step, limits) = (self.observer, release.step, release.limits());
        self.emitter.emit(EventKind::Warning {
            release: Some(step.id.clone()),
            message: format!("{}; helm is let try again once it does", said.sentence),
        });
        self.tell_waiting(at, "the API server to answer".to_owned());
        let answered = async move {
            let ask = || observer.revisions(&step.namespace, &step.release);
            Done::Answered(at, limits.until_answered(ask).await)
        };
        self.work.push(answered.boxed_local());
    }

    /// Goes on from what helm has done.
    pub(super) fn answered(&mut self, at: usize, revisions: Result<Vec<Record>, ObserveError>) {
        let revisions = match revisions {
            Ok(revisions) => revisions,
            Err(error) => {
                let sentence = format!("what helm has done of it can't be read: {error}");
                self.push_refusal(at, Refusal::unclear(sentence));
                return;
            }
        };
        for record in &revisions {
            let seen = Observation::Seen(Snapshot::Record(record.clone()));
            self.world.apply(&seen);
        }
        let release = &mut self.releases[at];
        let last = revisions.iter().max_by_key(|record| record.revision);
        let is_through = last.is_some_and(|last| {
            last.revision > release.before
                && last.status == RecordStatus::Deployed
                && last.marks.run.as_deref() == Some(self.run.as_str())
        });
        if is_through {
            release.helm_done = true;
            self.helm_ended(at);
            return;
        }
        release.before = last.map_or(0, |last| last.revision);
        (release.asked, release.contents) = (None, None);
        release.assessment = Assessment::default();
        self.clear_the_way(at);
    }

    /// Its record says so in a moment, unless helm could not write that.
    pub(super) fn helm_returned(&mut self, at: usize) {
        let release = &mut self.releases[at];
        release.helm_done = true;
        release.unrecorded = Some(Instant::now() + LAST_WORD);
    }

    /// Closes the records of helms that returned well long enough ago: a helm whose last write was
    /// lost says nothing of it (helm `pkg/action/install.go`, `performInstall`).
    pub(super) fn close_unrecorded(&mut self, now: Instant) {
        for at in 0..self.releases.len() {
            let release = &mut self.releases[at];
            if release.unrecorded.is_none_or(|end| end > now) {
                continue;
            }
            release.unrecorded = None;
            let (observer, step, before) = (self.observer, release.step, release.before);
            let (namespace, name) = (step.namespace.as_str(), step.release.as_str());
            let last = self.world.last_record(namespace, name);
            let is_recorded = last.is_some_and(|last| {
                last.revision > before && last.status == RecordStatus::Deployed
            });
            if release.phase != Phase::Deploying || is_recorded {
                continue;
            }
            let (limits, gate) = (release.limits(), self.gate.clone());
            let within = limits.clone();
            let recorded = async move {
                let (namespace, name) = (&step.namespace, &step.release);
                let revisions = || observer.revisions(namespace, name);
                let revisions = limits.until_answered(revisions).await?;
                let last = revisions.into_iter().max_by_key(|it| it.revision);
                match last.filter(|last| last.revision > before) {
                    Some(last) if last.status.is_pending() => {
                        let (revision, end) = (last.revision, RevisionEnd::Deployed);
                        let close = async || {
                            gate.opened().await;
                            observer.close(namespace, name, revision, end).await
                        };
                        limits.until_answered(close).await.map(Some)
                    }
                    last => Ok(last),
                }
            };
            let recorded = async move { Done::Recorded(at, within.unless(recorded).await) };
            self.work.push(recorded.boxed_local());
        }
    }

    /// How the record stands of a helm that returned well.
    pub(super) fn recorded(&mut self, at: usize, record: Result<Option<Record>, ObserveError>) {
        let sentence = match record {
            Ok(Some(record)) => {
                let status = record.status;
                self.world
                    .apply(&Observation::Seen(Snapshot::Record(record)));
                if status == RecordStatus::Deployed {
                    return;
                }
                format!(
                    "helm returned well, and its record says {}",
                    status.as_str()
                )
            }
            Ok(None) => "helm returned well, and there is no record of what it has made".to_owned(),
            Err(error) => format!("helm returned well, and its record can't be read: {error}"),
        };
        self.refused(at, Refusal::unclear(sentence));
    }
}
