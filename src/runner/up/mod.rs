//! The run that brings releases up: the loop, its beginning and its end. What it does with one
//! release is in `deploying` while helm is at work, and in `judging` from then on.

mod clearing;
mod commands;
mod deploying;
mod ending;
mod first_install;
mod judging;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, LocalBoxStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::begin::{Begun, begin};
use super::emitter::Emitter;
use super::hold::Holds;
use super::logs::{LogItem, LogKeeper};
use super::outage::Outage;
use super::ports::{self, DeployError, Deployer, ObserveError, Observer, Refusal};
use super::sooner::Sooner;
use super::touched::Touched;
use super::tracked::{Phase, Tracked};
use super::{Channels, Gate, Settings};
use crate::event::{CancelReason, EventKind, Outcome, Verb, VerdictClass};
use crate::names::{RunId, StackName};
use crate::plan::{Plan, Queue};
use crate::snapshot::{Contents, Observation, Pod, Record, Snapshot, Uid, World};
use crate::verdict::CompletedRule;

/// How long a failure waits for the last lines of its log and for its cause to be seen.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The same where the container has ended, and only a slow API server or node keeps back the rest.
const REST_OF_LOG: Duration = Duration::from_secs(5);
/// Log lines that a verdict shows.
const PROOF_LINES: usize = 20;
/// Observations taken in before everything is judged again.
const BATCH: usize = 512;

/// Brings the plan's releases up. Returns how the run ended; everything else is in the events.
///
/// # Errors
/// The cluster can't be watched at all, and nothing was started then; or its API server has not
/// answered for too long, and what becomes of the stack is not known.
pub async fn up(
    plan: &Plan,
    deployer: &dyn Deployer,
    observer: &dyn Observer,
    settings: &Settings,
    channels: Channels,
) -> Result<Outcome, ObserveError> {
    let unsure = channels.unsure.clone();
    let (emitter, observations, cancel, gate) =
        match begin(Verb::Up, plan, observer, settings, channels).await? {
            Begun::Watching {
                emitter,
                observations,
                cancel,
                gate,
            } => (emitter, observations, cancel, gate),
            Begun::Cancelled(outcome) => return Ok(outcome),
        };
    let run = Up {
        deployer,
        observer,
        run: settings.run.clone(),
        stack: plan.stack.clone(),
        recover: settings.recover,
        unsure,
        parallel: settings.parallel.max(1),
        helms: 0,
        completed: settings.completed,
        deadline: settings.timeout.map(|limit| Instant::now() + limit),
        queue: Queue::forward(plan),
        releases: plan.steps().iter().map(Tracked::new).collect(),
        world: World::default(),
        unjudged: BTreeSet::new(),
        unjudged_pods: HashSet::new(),
        touched: Touched::new(plan),
        holds: Holds::new(plan),
        sooner: Sooner::new(plan),
        outage: Outage::default(),
        logs: LogKeeper::default(),
        work: FuturesUnordered::new(),
        emitter,
        gate,
        cancelled: None,
        closed: None,
        turned: false,
        quiet_since: None,
        failures: Vec::new(),
    };
    run.run(observations, cancel).await
}

struct Up<'p> {
    deployer: &'p dyn Deployer,
    observer: &'p dyn Observer,
    run: RunId,
    stack: StackName,
    /// Releases that a helm may still be at work on are taken up all the same.
    recover: bool,
    /// Runs whose helms may still be at work.
    unsure: Vec<RunId>,
    parallel: usize,
    /// Helm processes and commands at work, those of releases that are given up among them.
    helms: usize,
    completed: CompletedRule,
    deadline: Option<Instant>,
    queue: Queue,
    releases: Vec<Tracked<'p>>,
    world: World,
    /// Releases that something has happened to since they were judged.
    unjudged: BTreeSet<usize>,
    /// Pods that were seen since then.
    unjudged_pods: HashSet<Uid>,
    touched: Touched,
    holds: Holds,
    sooner: Sooner,
    outage: Outage,
    logs: LogKeeper,
    work: FuturesUnordered<LocalBoxFuture<'p, Done>>,
    emitter: Emitter,
    gate: Gate,
    cancelled: Option<CancelReason>,
    /// Nothing new is started any more, and what is under way goes on: the run's deadline has
    /// passed, or another run asks for the stack.
    closed: Option<CancelReason>,
    /// A release has taken a turn that may matter to others.
    turned: bool,
    /// Since when every release has ended and nothing has run beside us.
    quiet_since: Option<Instant>,
    failures: Vec<VerdictClass>,
}

/// What comes back from the side; the first number is the release's position in the plan.
enum Done {
    /// What an earlier run has left, and its first install.
    LeftBehind(
        usize,
        Result<Contents, ObserveError>,
        Result<Contents, ObserveError>,
    ),
    /// A revision that was pending is so no more.
    Closed(usize, Result<Record, ObserveError>),
    TakenAway(usize, Result<(), DeployError>),
    /// The commands before helm are through up to this one.
    Prepared(usize, usize),
    Deployed(usize, Result<(), DeployError>),
    Contents(usize, Result<Contents, ObserveError>),
    /// All that the release brings is watched, as far as it can be by now.
    Watched(usize),
    LookedAt(usize, Result<Vec<Observation>, ObserveError>),
    /// A command after it has ended.
    Concluded(usize, Result<(), DeployError>),
    Marked(usize, Result<(), ObserveError>),
}

impl Up<'_> {
    async fn run(
        mut self,
        mut observations: LocalBoxStream<'static, Observation>,
        mut cancel: UnboundedReceiver<CancelReason>,
    ) -> Result<Outcome, ObserveError> {
        // What the watches saw at first is the baseline, so it has to be in before anything starts.
        while let Some(seen) = ports::at_hand(&mut observations) {
            self.observe(&seen);
        }
        loop {
            self.start_what_may();
            if self.is_over() {
                break;
            }
            if let Some(error) = self.outage.too_long(Instant::now()) {
                return Err(error);
            }
            let wake = self.next_wake();
            tokio::select! {
                Some(reason) = cancel.recv() => self.cancel(reason),
                Some(done) = self.work.next() => self.done(done),
                Some(seen) = observations.next() => {
                    self.observe(&seen);
                    for _ in 0..BATCH {
                        let Some(seen) = ports::at_hand(&mut observations) else { break };
                        self.observe(&seen);
                    }
                }
                item = self.logs.next() => {
                    if !self.log(item) {
                        continue;
                    }
                }
                () = self.gate.renewed() => {}
                () = super::sleep_until(wake) => {}
            }
            self.judge();
        }
        let outcome = self.outcome();
        self.emitter.finish(outcome);
        Ok(outcome)
    }

    fn start_what_may(&mut self) {
        while self.cancelled.is_none() && self.gate.is_open() && self.helms < self.parallel {
            let Some(at) = self.queue.start_next() else {
                return;
            };
            self.start(at);
        }
    }

    fn observe(&mut self, seen: &Observation) {
        if self.outage.tell(seen, &mut self.emitter) {
            return;
        }
        match seen {
            Observation::Gone(gone) => {
                if let Snapshot::Pod(pod) = gone {
                    self.look_at_the_end_of(pod);
                    self.logs.tell_gone(pod);
                }
                self.unjudged.extend(self.touched.by(&self.world, gone));
                self.world.apply(seen);
            }
            Observation::Seen(snapshot) => {
                self.world.apply(seen);
                self.unjudged.extend(self.touched.by(&self.world, snapshot));
                if let Snapshot::Pod(pod) = snapshot {
                    self.logs.tell(pod);
                    self.unjudged_pods.insert(pod.meta.uid.clone());
                }
            }
            _ => {}
        }
    }

    /// A pod's deletion tells its last state, which may be the only word on how it ended: it is
    /// judged before the pod is forgotten.
    fn look_at_the_end_of(&mut self, pod: &Pod) {
        let uid = &pod.meta.uid;
        let is_known = self.world.pods.get(uid) == Some(pod);
        if is_known && !self.unjudged_pods.contains(uid) {
            return;
        }
        let last = Snapshot::Pod(pod.clone());
        let touched = self.touched.by(&self.world, &last);
        if !touched.is_empty() {
            self.world.apply(&Observation::Seen(last));
            self.unjudged.extend(touched);
            self.judge();
        }
    }

    /// Takes note of a part of a log. Returns whether it may change a judgement: a line does not,
    /// but its repetition does, and an end may complete a proof.
    fn log(&mut self, item: LogItem) -> bool {
        let Some(heard) = self.logs.keep(item, Instant::now()) else {
            return false;
        };
        let release = &self.releases[heard.step];
        if heard.turned {
            self.unjudged.insert(heard.step);
        }
        let Some(line) = heard.line else {
            return true;
        };
        if release.phase != Phase::Ended {
            self.emitter.emit(EventKind::ContainerLog {
                release: release.step.id.clone(),
                pod: line.pod,
                container: line.container,
                role: line.role,
                attempt: line.attempt,
                line: line.text,
            });
        }
        heard.turned
    }

    fn done(&mut self, done: Done) {
        if let Done::Deployed(at, _) | Done::Concluded(at, _) = done {
            self.helm_ended(at);
        }
        let (Done::LeftBehind(at, ..)
        | Done::Closed(at, _)
        | Done::TakenAway(at, _)
        | Done::Prepared(at, _)
        | Done::Deployed(at, _)
        | Done::Concluded(at, _)
        | Done::Contents(at, _)
        | Done::Watched(at)
        | Done::LookedAt(at, _)
        | Done::Marked(at, _)) = done;
        self.unjudged.insert(at);
        match done {
            Done::LeftBehind(..) | Done::Closed(..) | Done::TakenAway(..)
                if !self.may_go_on(at) =>
            {
                self.helm_ended(at);
                self.not_deployed(at, DeployError::Cancelled);
            }
            Done::LeftBehind(at, last, first) => self.left_behind(at, last, first),
            Done::Closed(at, record) => self.closed(at, record),
            Done::TakenAway(at, removed) => self.taken_away(at, removed),
            Done::Prepared(at, next) => self.prepared(at, next),
            Done::Concluded(at, ended) => self.concluded(at, ended),
            Done::Deployed(at, Ok(())) if self.cancelled.is_some() => {
                if self.releases[at].phase == Phase::Deploying {
                    self.end(at, |release| EventKind::ReleaseCancelled { release });
                }
            }
            Done::Deployed(at, Ok(())) => self.releases[at].helm_done = true,
            Done::Deployed(at, Err(error)) => self.not_deployed(at, error),
            Done::Contents(at, Ok(contents)) => self.learn(at, contents),
            Done::Contents(at, Err(error)) => self.refused(
                at,
                Refusal::unclear(format!("helm's record of it can't be read: {error}")),
            ),
            Done::LookedAt(at, Ok(seen)) => {
                for answer in &seen {
                    self.world.apply_answer(answer);
                }
                self.releases[at].looked_at = true;
            }
            Done::LookedAt(at, Err(error)) => {
                if self.releases[at].phase == Phase::Converging {
                    // That the API server does not answer is said by whoever watches it.
                    if !matches!(error, ObserveError::Unreachable(_)) {
                        self.warn(at, format!("its objects can't be read: {error}"));
                    }
                    self.look(at, deploying::PAUSE);
                }
            }
            Done::Watched(_) | Done::Marked(_, Ok(())) => {}
            Done::Marked(at, Err(error)) => {
                self.warn(at, format!("its record can't be marked: {error}"));
            }
        }
    }

    /// A place among the helms is free again.
    fn helm_ended(&mut self, at: usize) {
        self.helms -= 1;
        self.releases[at].helm_works = false;
        self.releases[at].kill_at = None;
    }

    fn warn(&mut self, at: usize, message: String) {
        self.emitter.emit(EventKind::Warning {
            release: Some(self.releases[at].step.id.clone()),
            message,
        });
    }
}
