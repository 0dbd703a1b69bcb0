//! The run that brings releases up: the loop, its beginning and its end. What it does with one
//! release is in `deploying` while helm is at work, and in `judging` from then on.

mod deploying;
mod judging;

use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, LocalBoxStream};
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::emitter::Emitter;
use super::log_keeper::{LogItem, LogKeeper};
use super::ports::{DeployError, Deployer, ObserveError, Observer};
use super::tracked::{HelmSaid, Phase, Tracked};
use super::{Channels, SETTLE, Settings, run_started};
use crate::event::{CancelReason, EventKind, Outcome, PodChanged, Verb, VerdictClass};
use crate::names::{ReleaseId, RunId};
use crate::plan::{Plan, Queue};
use crate::snapshot::{Contents, Observation, Pod, World};
use crate::verdict::CompletedRule;

/// How long a failure waits for the last lines of its log and for its cause to be seen.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Log lines that a verdict shows.
const PROOF_LINES: usize = 20;
/// Observations taken in before everything is judged again.
const BATCH: usize = 512;

/// Brings the plan's releases up. Returns how the run ended; everything else is in the events.
///
/// # Errors
/// The cluster can't be watched at all; nothing was started then.
pub async fn up(
    plan: &Plan,
    deployer: &dyn Deployer,
    observer: &dyn Observer,
    settings: &Settings,
    channels: Channels,
) -> Result<Outcome, ObserveError> {
    let mut emitter = Emitter::new(channels.events, settings.started_at);
    emitter.emit(run_started(Verb::Up, plan, settings));
    let observations = observer.observations();
    let namespaces = plan.namespaces();
    let mut cancel = channels.cancel;
    tokio::select! {
        watching = observer.watch(&namespaces) => watching?,
        Some(reason) = cancel.recv() => {
            emitter.emit(EventKind::RunCancelling { reason });
            let outcome = super::outcome(Some(reason), &[], Outcome::Ready);
            emitter.finish(outcome);
            return Ok(outcome);
        }
    }
    let run = Up {
        deployer,
        observer,
        run: settings.run.clone(),
        parallel: settings.parallel.max(1),
        helms: 0,
        completed: settings.completed,
        deadline: settings.timeout.map(|limit| Instant::now() + limit),
        queue: Queue::forward(plan),
        releases: plan.steps().iter().map(Tracked::new).collect(),
        world: World::default(),
        logs: LogKeeper::default(),
        work: FuturesUnordered::new(),
        emitter,
        cancelled: None,
        time_up: false,
        ready_since: None,
        failures: Vec::new(),
    };
    Ok(run.run(observations, cancel).await)
}

struct Up<'p> {
    deployer: &'p dyn Deployer,
    observer: &'p dyn Observer,
    run: RunId,
    parallel: usize,
    /// Helm processes at work, those of releases that are given up among them.
    helms: usize,
    completed: CompletedRule,
    deadline: Option<Instant>,
    queue: Queue,
    releases: Vec<Tracked<'p>>,
    world: World,
    logs: LogKeeper,
    work: FuturesUnordered<LocalBoxFuture<'p, Done>>,
    emitter: Emitter,
    cancelled: Option<CancelReason>,
    /// The run's deadline has passed.
    time_up: bool,
    /// Since when everything has been ready without a break.
    ready_since: Option<Instant>,
    failures: Vec<VerdictClass>,
}

/// What comes back from the side; the first number is the release's position in the plan.
enum Done {
    Deployed(usize, Result<(), DeployError>),
    Contents(usize, Result<Contents, ObserveError>),
    LookedAt(usize, Result<Vec<Observation>, ObserveError>),
    Marked(usize, Result<(), ObserveError>),
}

impl Up<'_> {
    async fn run(
        mut self,
        mut observations: LocalBoxStream<'static, Observation>,
        mut cancel: UnboundedReceiver<CancelReason>,
    ) -> Outcome {
        // What the watches saw at first is the baseline, so it has to be in before anything starts.
        while let Some(Some(seen)) = observations.next().now_or_never() {
            self.world.apply(&seen);
        }
        loop {
            self.start_what_may();
            if self.is_over() {
                break;
            }
            let wake = self.next_wake();
            tokio::select! {
                Some(reason) = cancel.recv() => self.cancel(reason),
                Some(done) = self.work.next() => self.done(done),
                Some(seen) = observations.next() => {
                    self.observe(&seen);
                    for _ in 0..BATCH {
                        let Some(Some(seen)) = observations.next().now_or_never() else { break };
                        self.observe(&seen);
                    }
                }
                item = self.logs.next() => {
                    let ended = item.line.is_none();
                    self.log(&item);
                    // A line changes no judgement; an end may complete the proof of one.
                    if !ended {
                        continue;
                    }
                }
                () = super::sleep_until(wake) => {}
            }
            self.judge_all();
        }
        let outcome = self.outcome();
        self.emitter.finish(outcome);
        outcome
    }

    fn start_what_may(&mut self) {
        while self.cancelled.is_none() && self.helms < self.parallel {
            let Some(at) = self.queue.start_next() else {
                return;
            };
            self.start(at);
        }
    }

    /// Nothing is started any more once the run's time is up; what is under way expires by itself.
    fn end_at_deadline(&mut self) {
        let is_up = self.deadline.is_some_and(|end| end <= Instant::now());
        if !is_up || self.time_up || self.cancelled.is_some() {
            return;
        }
        self.time_up = true;
        let waiting = self.queue.cancel();
        if waiting.is_empty() {
            return;
        }
        let reason = CancelReason::Deadline;
        self.emitter.emit(EventKind::RunCancelling { reason });
        for at in waiting {
            self.end(at, |release| EventKind::ReleaseCancelled { release });
            self.failures.push(VerdictClass::Expired);
        }
    }

    fn observe(&mut self, seen: &Observation) {
        match seen {
            Observation::Interrupted { what, why } => self.emitter.emit(EventKind::Warning {
                release: None,
                message: format!("can't watch {what}: {why}"),
            }),
            Observation::Resumed { what } => self.emitter.emit(EventKind::Warning {
                release: None,
                message: format!("watching {what} again"),
            }),
            Observation::Seen(_) | Observation::Gone(_) => self.world.apply(seen),
        }
    }

    fn log(&mut self, item: &LogItem) {
        let Some(source) = self.logs.keep(item) else {
            return;
        };
        let Some(line) = item.line.clone() else {
            return;
        };
        self.emitter.emit(EventKind::ContainerLog {
            release: self.releases[source.step].step.id.clone(),
            pod: source.pod,
            container: item.instance.container.clone(),
            role: source.role,
            attempt: item.instance.attempt,
            line,
        });
    }

    fn done(&mut self, done: Done) {
        if let Done::Deployed(..) = done {
            self.helms -= 1;
        }
        match done {
            Done::Deployed(at, Ok(())) if self.cancelled.is_some() => {
                if self.releases[at].phase == Phase::Deploying {
                    self.end(at, |release| EventKind::ReleaseCancelled { release });
                }
            }
            Done::Deployed(at, Ok(())) => self.releases[at].helm_done = true,
            Done::Deployed(at, Err(error)) => self.not_deployed(at, error),
            Done::Contents(at, Ok(contents)) => self.releases[at].contents = Some(contents),
            Done::Contents(at, Err(error)) => self.refused(
                at,
                HelmSaid {
                    message: format!("helm's record of it can't be read: {error}"),
                    output: Vec::new(),
                    hints: Vec::new(),
                },
            ),
            Done::LookedAt(at, Ok(seen)) => {
                for answer in &seen {
                    self.world.apply_answer(answer);
                }
                self.releases[at].looked_at = true;
            }
            Done::LookedAt(at, Err(error)) => {
                if self.releases[at].phase == Phase::Converging {
                    self.warn(at, format!("its objects can't be read: {error}"));
                    self.look(at, deploying::PAUSE);
                }
            }
            Done::Marked(_, Ok(())) => {}
            Done::Marked(at, Err(error)) => {
                self.warn(at, format!("its record can't be marked: {error}"));
            }
        }
    }

    fn warn(&mut self, at: usize, message: String) {
        self.emitter.emit(EventKind::Warning {
            release: Some(self.releases[at].step.id.clone()),
            message,
        });
    }

    /// Looks at every release again and lets it go on where it can.
    fn judge_all(&mut self) {
        self.end_at_deadline();
        let now = Instant::now();
        for at in 0..self.releases.len() {
            if matches!(
                self.releases[at].phase,
                Phase::Deploying | Phase::Converging | Phase::Ready
            ) {
                self.read_record(at);
                self.assess(at);
                self.follow_logs(at);
                self.decide(at, now);
            }
        }
    }

    fn end(&mut self, at: usize, event: impl FnOnce(ReleaseId) -> EventKind) {
        let release = &mut self.releases[at];
        release.phase = Phase::Ended;
        self.emitter.emit(event(release.step.id.clone()));
    }

    fn cancel(&mut self, reason: CancelReason) {
        if self.cancelled.is_some() {
            for release in &self.releases {
                release.cancel.now.cancel();
            }
            return;
        }
        self.cancelled = Some(reason);
        self.emitter.emit(EventKind::RunCancelling { reason });
        let mut ended = self.queue.cancel();
        for (at, release) in self.releases.iter().enumerate() {
            match release.phase {
                Phase::Deploying if release.helm_done => ended.push(at),
                Phase::Deploying => release.cancel.gently.cancel(),
                Phase::Converging => ended.push(at),
                Phase::Waiting | Phase::Ready | Phase::Ended => {}
            }
        }
        for at in ended {
            self.end(at, |release| EventKind::ReleaseCancelled { release });
        }
    }

    /// Everything has ended, nothing runs beside us, and what is ready has stayed so for a moment.
    fn is_over(&mut self) -> bool {
        let still = |r: &Tracked| matches!(r.phase, Phase::Waiting) || r.is_active();
        // A run that was cancelled waits for helm alone, others for their marks too.
        let at_work = if self.cancelled.is_some() {
            self.helms > 0
        } else {
            !self.work.is_empty()
        };
        if self.releases.iter().any(still) || at_work {
            self.ready_since = None;
            return false;
        }
        if self.cancelled.is_some() || !self.releases.iter().any(|r| r.phase == Phase::Ready) {
            return true;
        }
        let since = *self.ready_since.get_or_insert_with(Instant::now);
        since.elapsed() >= self.settle_time()
    }

    fn next_wake(&self) -> Option<Instant> {
        let settled = self.ready_since.map(|since| since + SETTLE);
        let run = self
            .deadline
            .filter(|_| !self.time_up && self.cancelled.is_none());
        let active = self.releases.iter().filter(|r| r.is_active());
        let ends = active.flat_map(|r| match &r.doom {
            Some(doom) => [Some(doom.until), None],
            None => [r.deadline, r.patience.next(&r.assessment.findings)],
        });
        ends.flatten().chain(settled).chain(run).min()
    }

    /// A pod without a readiness probe counts as ready the moment it runs, so its first moments
    /// prove little.
    fn settle_time(&self) -> Duration {
        let release = |r: &Tracked| r.phase == Phase::Ready && self.has_unprobed_pod(r);
        if self.releases.iter().any(release) {
            SETTLE
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
    fn pods<'a>(&'a self, release: &'a Tracked) -> impl Iterator<Item = (&'a Pod, &'a PodChanged)> {
        let current = release.assessment.pods.iter().filter(|p| !p.outgoing);
        current.filter_map(|view| {
            let found = self.world.pods.values().find(|pod| {
                pod.meta.name == view.pod && pod.meta.namespace == release.step.namespace.as_str()
            });
            found.map(|pod| (pod, view))
        })
    }

    fn outcome(&self) -> Outcome {
        super::outcome(self.cancelled, &self.failures, Outcome::Ready)
    }
}
