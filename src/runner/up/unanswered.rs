//! A helm that got no answer from the API server. What it has done by then stands in its record, and
//! it is no more: once the API server answers, the release is taken up as one that an earlier run has
//! left half done.

use futures::FutureExt;

use super::{Done, Up};
use crate::event::EventKind;
use crate::runner::asking::{unless, until_answered};
use crate::runner::ports::{ObserveError, Refusal, Trouble};
use crate::snapshot::{Observation, Record, RecordStatus, Snapshot};
use crate::verdict::Assessment;

/// How often helm is let try once more: it may ask elsewhere than we do, and never get an answer.
const TRIES: u32 = 3;

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
        let (observer, step, cancel) = (self.observer, release.step, release.cancel.clone());
        self.emitter.emit(EventKind::Warning {
            release: Some(step.id.clone()),
            message: format!("{}; helm is let try again once it does", said.sentence),
        });
        self.tell_waiting(at, "the API server to answer".to_owned());
        let answered = async move {
            let ask = || observer.revisions(&step.namespace, &step.release);
            Done::Answered(at, unless(&cancel, until_answered(ask)).await)
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
}
