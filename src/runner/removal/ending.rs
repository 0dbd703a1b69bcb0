//! How a release ends, and the removal as a whole.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Down, Phase, vanishing};
use crate::event::{CancelReason, EventKind, Outcome, Verdict, VerdictClass};
use crate::memory::ReleaseEnd;
use crate::names::ReleaseId;
use crate::snapshot::ObjectRef;
use crate::wording;

impl Down<'_> {
    pub(super) fn removed(&mut self, at: usize) {
        let release = &self.releases[at];
        let is_swept = |object: &&ObjectRef| release.swept.contains(object);
        let kept = release.contents.kept.iter().filter(|it| !is_swept(it));
        let kept = kept.chain(release.left.iter().map(|it| &it.object));
        let kept: BTreeSet<String> = kept.map(ObjectRef::short).collect();
        let kept = kept.into_iter().collect();
        self.end_well(at, kept, false);
    }

    /// Nobody has installed it, and no removal has left anything of it.
    pub(super) fn nothing_there(&mut self, at: usize) {
        self.end_well(at, Vec::new(), true);
    }

    fn end_well(&mut self, at: usize, kept: Vec<String>, untouched: bool) {
        self.end(at, |release| EventKind::ReleaseRemoved {
            release,
            kept,
            untouched,
        });
        self.queue.succeed(at);
    }

    /// Another stack has taken the release over since.
    pub(super) fn leave_to(&mut self, at: usize, owner: &str) {
        let step = self.releases[at].step;
        self.emitter.emit(EventKind::Warning {
            release: Some(step.id.clone()),
            message: format!(
                "release `{}` in `{}` is of {owner} by now, and stays",
                step.release, step.namespace
            ),
        });
        let kept = vec![format!("release/{}", step.release)];
        self.end_well(at, kept, true);
    }

    pub(super) fn expire(&mut self, at: usize) {
        let release = &mut self.releases[at];
        release.stop_helm();
        let waiting = release.waiting.clone();
        // It may have begun in the middle of a second.
        let limit = wording::duration(release.limit + Duration::from_millis(999));
        if release.phase == Phase::Removing
            && let Some(verdict) = self.expired_at_hook(at, &limit)
        {
            self.fail(at, verdict);
            return;
        }
        let release = &self.releases[at];
        let hints = vanishing::remedies(release.lingering.as_deref().unwrap_or_default());
        let verdict = Verdict {
            class: VerdictClass::Expired,
            sentence: match waiting {
                Some(waiting) => format!("not gone after {limit}: waits for {waiting}"),
                None => format!("not gone after {limit}"),
            },
            chain: Vec::new(),
            evidence: Vec::new(),
            hints,
        };
        self.fail(at, verdict);
    }

    pub(super) fn fail(&mut self, at: usize, verdict: Verdict) {
        self.failures.push(verdict.class);
        self.end(at, |release| EventKind::ReleaseFailed { release, verdict });
        let by = vec![self.releases[at].step.id.clone()];
        for blocked in self.queue.fail(at) {
            let by = by.clone();
            self.end(blocked, |release| EventKind::ReleaseBlocked { release, by });
        }
    }

    pub(super) fn end(&mut self, at: usize, event: impl FnOnce(ReleaseId) -> EventKind) {
        let release = &mut self.releases[at];
        let had_begun = release.phase != Phase::Waiting;
        release.phase = Phase::Ended;
        self.logs.close(at);
        let release = &mut self.releases[at];
        let event = event(release.step.id.clone());
        release.end = ReleaseEnd::of(&event, had_begun);
        self.emitter.emit(event);
    }

    pub(super) fn cancel(&mut self, reason: CancelReason) {
        if self.cancelled.is_some() {
            if reason.is_a_signal() {
                for release in &self.releases {
                    release.cancel.now.cancel();
                }
            }
            return;
        }
        if reason == CancelReason::Superseded {
            let waiting = self.queue.cancel();
            if !waiting.is_empty() {
                self.superseded = true;
                self.emitter.emit(EventKind::RunCancelling { reason });
            }
            for at in waiting {
                self.end(at, |release| EventKind::ReleaseCancelled { release });
            }
            return;
        }
        self.cancelled = Some(reason);
        self.emitter.emit(EventKind::RunCancelling { reason });
        let mut ended = self.queue.cancel();
        for (at, release) in self.releases.iter_mut().enumerate() {
            match release.phase {
                Phase::Reading | Phase::Noting | Phase::Removing | Phase::Forgetting => {
                    release.stop_helm();
                }
                Phase::Vanishing | Phase::Failing => {
                    release.cancel.gently.cancel();
                    ended.push(at);
                }
                Phase::Waiting | Phase::Ended => {}
            }
        }
        for at in ended {
            self.end(at, |release| EventKind::ReleaseCancelled { release });
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        let superseded = self.superseded.then_some(CancelReason::Superseded);
        crate::runner::outcome(
            self.cancelled.or(superseded),
            &self.failures,
            Outcome::Removed,
        )
    }
}
