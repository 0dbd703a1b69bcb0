//! When a run ends: by itself, by its deadline, by a signal, or blind.

use std::time::Duration;

use tokio::time::Instant;

use super::{REST_OF_LOG, Up};
use crate::event::{CancelReason, EventKind, Outcome, PodChanged, VerdictClass};
use crate::memory::{EndedRelease, ReleaseEnd};
use crate::names::ReleaseId;
use crate::plan::Step;
use crate::runner::tracked::{GRACE, Phase, Tracked};
use crate::runner::{BroughtUp, Ended, OnFailure, SETTLE, outcome};
use crate::snapshot::{Pod, Record, Uid};
use crate::wording;

impl Up<'_> {
    /// Nothing is started any more once the run's time is up; what is under way expires by itself.
    pub(super) fn end_at_deadline(&mut self) {
        let is_up = self.deadline.is_some_and(|end| end <= Instant::now());
        if !is_up || self.closed.is_some() || self.cancelled.is_some() {
            return;
        }
        for _ in 0..self.close(CancelReason::Deadline) {
            self.failures.push(VerdictClass::Expired);
        }
    }

    /// Starts nothing new from here on. Returns how many releases that leaves out.
    fn close(&mut self, reason: CancelReason) -> usize {
        self.closed = Some(reason);
        let waiting = self.queue.cancel();
        if !waiting.is_empty() {
            self.emitter.emit(EventKind::RunCancelling { reason });
        }
        for &at in &waiting {
            self.end(at, |release| EventKind::ReleaseCancelled { release });
        }
        waiting.len()
    }

    /// A helm that was asked to end and does not would keep the run for ever.
    pub(super) fn kill_helms(&mut self, now: Instant) {
        for at in 0..self.releases.len() {
            if self.releases[at].kill_helm(now) {
                let time = wording::duration(GRACE);
                let step = self.releases[at].step;
                let what = match step.before.is_empty() && step.after.is_empty() {
                    true => "helm",
                    false => "helm or command",
                };
                self.warn(
                    at,
                    format!(
                        "its {what} was killed: asked to end, it was still at work after {time}"
                    ),
                );
            }
        }
    }

    pub(super) fn end(&mut self, at: usize, event: impl FnOnce(ReleaseId) -> EventKind) {
        self.give_up_clearing(at);
        let release = &mut self.releases[at];
        let had_begun = release.phase != Phase::Waiting;
        release.phase = Phase::Ended;
        self.turned = true;
        self.logs.close(at);
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
            // With nothing left to start, it ends as it would have.
            if self.closed.is_none() && self.close(reason) == 0 {
                self.closed = None;
            }
            return;
        }
        self.cancelled = Some(reason);
        self.emitter.emit(EventKind::RunCancelling { reason });
        let now = Instant::now();
        let mut ended = self.queue.cancel();
        for (at, release) in self.releases.iter_mut().enumerate() {
            match release.phase {
                Phase::Deploying if release.helm_done || release.left_behind.is_some() => {
                    ended.push(at);
                }
                Phase::Deploying => release.stop_helm(now),
                Phase::Converging => {
                    release.stop_helm(now);
                    ended.push(at);
                }
                Phase::Waiting | Phase::Ready | Phase::Ended => {}
            }
        }
        for at in ended {
            self.end(at, |release| EventKind::ReleaseCancelled { release });
        }
    }

    /// Everything has ended, nothing runs beside us, what is ready has stayed so for a moment, and
    /// the last lines of its logs are in.
    pub(super) fn is_over(&mut self) -> bool {
        let still = |r: &Tracked| matches!(r.phase, Phase::Waiting) || r.is_active();
        // A run that was cancelled waits for helm alone, others for their marks too.
        let at_work = if self.cancelled.is_some() {
            self.helms > 0
        } else {
            !self.work.is_empty()
        };
        if self.releases.iter().any(still) || at_work {
            self.quiet_since = None;
            return false;
        }
        if self.cancelled.is_some() {
            return true;
        }
        let since = *self.quiet_since.get_or_insert_with(Instant::now);
        since.elapsed() >= self.quiet_time()
    }

    pub(super) fn next_wake(&self) -> Option<Instant> {
        let quiet = self.quiet_since.map(|since| since + self.quiet_time());
        let run = self
            .deadline
            .filter(|_| self.closed.is_none() && self.cancelled.is_none());
        let active = self.releases.iter().filter(|r| r.is_active());
        let ends = active.flat_map(|r| match &r.doom {
            Some(doom) => [Some(doom.until), None],
            None => [r.deadline, r.patience.next(&r.assessment.findings)],
        });
        let waiting = self.releases.iter().filter(|r| r.phase == Phase::Waiting);
        let ends = ends.chain(waiting.map(|r| r.deadline));
        let kills = self.releases.iter().map(|r| r.kill_at);
        let kills = kills.chain(self.releases.iter().map(|r| r.unrecorded));
        let shuts = self.gate.shuts_at().filter(|_| !self.shut);
        let now = Instant::now();
        let starts = self.starts_until().map(|(_, until)| until);
        let starts = starts.filter(|until| *until > now).min();
        let others = [
            quiet,
            run,
            shuts,
            starts,
            self.outage.end(),
            self.logs.next_turn(),
        ];
        ends.chain(kills).chain(others).flatten().min()
    }

    /// How long a run whose releases have all ended goes on, to see them stay ready: a pod without
    /// a readiness probe counts as ready the moment it runs, so its first moments prove little.
    fn quiet_time(&self) -> Duration {
        let unproven =
            |r: &Tracked| r.phase == Phase::Ready && !r.is_proven() && self.has_unprobed_pod(r);
        // Who goes back anyway learns nothing from it.
        let is_lost =
            matches!(self.on_failure, OnFailure::GoBack(Some(_))) && !self.failures.is_empty();
        if !is_lost && self.releases.iter().any(unproven) {
            SETTLE
        } else if self.logs.is_behind() {
            REST_OF_LOG
        } else {
            Duration::ZERO
        }
    }

    fn has_unprobed_pod(&self, release: &Tracked) -> bool {
        self.pods(release).any(|(pod, _)| {
            pod.phase == "Running" && pod.containers.iter().any(|c| !c.has_readiness_probe)
        })
    }

    /// The pods of the release's present revision.
    pub(super) fn pods<'a>(
        &'a self,
        release: &'a Tracked,
    ) -> impl Iterator<Item = (&'a Pod, &'a PodChanged)> {
        let assessment = &release.assessment;
        let pods = assessment.pod_uids.iter().zip(&assessment.pods);
        pods.filter(|(_, view)| !view.outgoing)
            .filter_map(|(uid, view)| Some((self.world.pods.get(uid)?, view)))
    }

    pub(super) fn ended(&self) -> Ended {
        let mut ended = Ended::early(self.outcome());
        let mut all = self.releases.iter();
        ended.together = all.all(|r| r.phase == Phase::Ready || self.stays_verified(r));
        for release in &self.releases {
            let id = &release.step.id;
            let end = match release.phase {
                Phase::Ready if release.settled.is_some() => Some(ReleaseEnd::Unchanged),
                Phase::Ready => Some(ReleaseEnd::Ready),
                _ => release.end,
            };
            ended.releases.extend(end.map(|end| EndedRelease {
                id: id.clone(),
                revision: release.revision,
                end,
            }));
            let is_remembered = release.settled.is_some_and(|before| before.remembered);
            let (Phase::Ready, Some(contents)) = (release.phase, &release.contents) else {
                continue;
            };
            let record = self.record_of(release.step, contents.revision);
            if is_remembered {
                let record = record.filter(|_| !self.is_identified(id));
                ended
                    .identified
                    .extend(record.map(|uid| (id.clone(), contents.revision, uid)));
            } else {
                ended.verified.push(BroughtUp {
                    id: id.clone(),
                    revision: contents.revision,
                    record,
                    objects: contents.objects.clone(),
                    hooks: release.hooks.clone(),
                    lost: release.lost_hooks.clone(),
                });
            }
        }
        ended
    }

    /// It was verified before, and a run that went back has never got to it.
    fn stays_verified(&self, release: &Tracked) -> bool {
        let (namespace, name) = (&release.step.namespace, &release.step.release);
        let last = self.world.last_record(namespace.as_str(), name.as_str());
        self.goes_back
            && release.back.is_none()
            && release.end != Some(ReleaseEnd::Failed)
            && last.is_some_and(Record::is_verified)
    }

    fn record_of(&self, step: &Step, revision: u32) -> Option<Uid> {
        let (namespace, release) = (step.namespace.as_str(), step.release.as_str());
        let record = self.world.record(namespace, release, revision)?;
        Some(record.uid.clone())
    }

    /// It is remembered which record of helm's was verified.
    fn is_identified(&self, id: &ReleaseId) -> bool {
        let known = self.known.get(id).and_then(|known| known.verified.as_ref());
        known.is_some_and(|verified| verified.record.is_some())
    }

    fn outcome(&self) -> Outcome {
        let superseded = self.closed.filter(|it| *it == CancelReason::Superseded);
        outcome(
            self.cancelled.or(superseded),
            &self.failures,
            Outcome::Ready,
        )
    }
}
