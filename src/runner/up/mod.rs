//! The run that brings releases up: the loop, its beginning and its end. What it does with one
//! release is in `deploying` while helm is at work, and in `judging` from then on.

mod back;
mod clearing;
mod closing;
mod commands;
mod deploying;
mod done;
mod door;
mod ending;
mod judging;
mod lost_hooks;
mod seeing_off;
mod unanswered;
mod unchanged;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use self::done::Done;
use super::begin::{Begun, Watching, begin};
use super::emitter::Emitter;
use super::hold::Holds;
use super::logs::{LogItem, LogKeeper};
use super::outage::Outage;
use super::ports::{self, Deployer, ObserveError, Observer};
use super::removal::{Standing, prune};
use super::sooner::Sooner;
use super::touched::Touched;
use super::tracked::{Phase, Tracked};
use super::{Back, Channels, Ended, Ends, Gate, Known, OnFailure, Settings};
use crate::event::{CancelReason, EventKind, Outcome, Verb, VerdictClass};
use crate::memory::{Left, WentBack};
use crate::names::{ReleaseId, RunId};
use crate::plan::{Plan, Queue};
use crate::recovery::Intent;
use crate::snapshot::{Observation, Pod, Snapshot, StackId, Uid, World};
use crate::verdict::{CompletedRule, Waiting};

/// How long a failure waits for the last lines of its log and for its cause to be seen.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);
/// The same where the container has ended, and only a slow API server or node keeps back the rest.
pub(super) const REST_OF_LOG: Duration = Duration::from_secs(5);
/// How often what may not be watched is read.
pub(super) const READ_AGAIN: Duration = Duration::from_secs(3);
/// Log lines that a verdict shows.
pub(super) const PROOF_LINES: usize = 20;
/// Observations taken in before everything is judged again.
const BATCH: usize = 512;

/// Brings the plan's releases up. Returns how that ended; everything else is in the events.
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
) -> Result<Ended, ObserveError> {
    match begin(Verb::Up, plan, observer, settings, channels).await? {
        Begun::Watching(watching) => {
            let (mut run, ends) = Up::new(plan, deployer, observer, settings, watching);
            super::tell_orphans(&mut run.emitter, settings, Verb::Up);
            run.run(ends, settings).await
        }
        Begun::Cancelled(outcome) => Ok(Ended::early(outcome)),
    }
}

/// Brings the plan's releases back to earlier revisions, one for each: those that need others first.
/// Returns as [`up`].
///
/// # Errors
/// As those of [`up`].
pub async fn back(
    plan: &Plan,
    back: &Back,
    deployer: &dyn Deployer,
    observer: &dyn Observer,
    settings: &Settings,
    channels: Channels,
) -> Result<Ended, ObserveError> {
    match begin(Verb::Rollback, plan, observer, settings, channels).await? {
        Begun::Watching(watching) => {
            let (mut run, ends) = Up::new(plan, deployer, observer, settings, watching);
            run.tell_passed_over(&back.passed_over);
            run.tell_left(&back.left);
            run.go_back(&back.to);
            // An earlier rollback may have brought some back already.
            run.settled = None;
            run.run(ends, settings).await
        }
        Begun::Cancelled(outcome) => Ok(Ended::early(outcome)),
    }
}

struct Up<'p> {
    plan: &'p Plan,
    deployer: &'p dyn Deployer,
    observer: &'p dyn Observer,
    run: RunId,
    stack: StackId,
    /// Releases that a helm may still be at work on are taken up all the same.
    recover: bool,
    known: HashMap<ReleaseId, Known>,
    /// Releases that need no helm, by position. None until they have been looked for.
    settled: Option<HashMap<usize, unchanged::Settled>>,
    /// Runs whose helms may still be at work.
    unsure: Vec<RunId>,
    /// What earlier removals have left.
    remembered: Vec<Left>,
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
    on_failure: OnFailure,
    /// Releases go back, those that need others first.
    goes_back: bool,
    /// It was told that nothing may be started, because the Lease is not renewed.
    shut: bool,
}

impl<'p> Up<'p> {
    fn new(
        plan: &'p Plan,
        deployer: &'p dyn Deployer,
        observer: &'p dyn Observer,
        settings: &Settings,
        watching: Watching,
    ) -> (Up<'p>, Ends) {
        let steps = plan.steps().iter();
        let run = Up {
            plan,
            deployer,
            observer,
            run: settings.run.clone(),
            stack: StackId {
                listed: settings.listed.clone(),
                ..StackId::new(plan.stack.clone(), plan.namespace.clone())
            },
            recover: settings.recover,
            known: settings.known.clone(),
            settled: None,
            unsure: watching.unsure,
            remembered: settings.left.clone(),
            parallel: settings.parallel.max(1),
            helms: 0,
            completed: settings.completed,
            deadline: watching.deadline,
            queue: Queue::forward(plan),
            releases: steps
                .map(|step| Tracked::new(step, &watching.gate))
                .collect(),
            world: World::default(),
            unjudged: BTreeSet::new(),
            unjudged_pods: HashSet::new(),
            touched: Touched::new(plan),
            holds: Holds::new(plan),
            sooner: Sooner::new(plan),
            outage: Outage::default(),
            logs: LogKeeper::default(),
            work: FuturesUnordered::new(),
            emitter: watching.emitter,
            gate: watching.gate,
            cancelled: None,
            closed: None,
            turned: false,
            quiet_since: None,
            failures: Vec::new(),
            on_failure: settings.on_failure.clone(),
            goes_back: false,
            shut: false,
        };
        (run, (watching.observations, watching.cancel))
    }

    async fn run(mut self, mut ends: Ends, settings: &Settings) -> Result<Ended, ObserveError> {
        // What the watches saw at first is the baseline, so it has to be in before anything starts.
        while let Some(seen) = ports::at_hand(&mut ends.0) {
            self.observe(&seen);
        }
        if self.settled.is_none() {
            self.look_for_settled();
        }
        self.work_through(&mut ends).await?;
        let mut ended = self.ended();
        if let Some(to) = self.turn_back(ended.outcome) {
            self.work_through(&mut ends).await?;
            // That it has failed stays true; all else is what there is now.
            let failed = ended.failed();
            ended = Ended {
                outcome: ended.outcome,
                back: Some(WentBack { to, failed }),
                ..self.ended()
            };
        }
        let orphans = settings.orphans.as_ref();
        let Some(orphans) = orphans.filter(|_| settings.prune && ended.outcome == Outcome::Ready)
        else {
            self.emitter.finish(ended.outcome);
            return Ok(ended);
        };
        let standing = Standing {
            emitter: self.emitter,
            gate: self.gate,
            world: self.world,
            deadline: self.deadline,
            unsure: self.unsure,
            intent: Intent::Prune,
        };
        let (deployer, observer) = (self.deployer, self.observer);
        let pruned = prune(orphans, deployer, observer, settings, standing, &mut ends).await;
        let (pruned, mut emitter) = pruned?;
        ended.releases.extend(pruned.releases);
        ended.left.extend(pruned.left);
        if pruned.outcome != Outcome::Removed {
            ended.outcome = pruned.outcome;
        }
        emitter.finish(ended.outcome);
        Ok(ended)
    }

    /// Goes on until everything has ended.
    async fn work_through(
        &mut self,
        (observations, cancel): &mut Ends,
    ) -> Result<(), ObserveError> {
        loop {
            self.tell_gate();
            self.start_what_may();
            if self.is_over() {
                return Ok(());
            }
            if let Some(error) = self.outage.too_long(Instant::now()) {
                return Err(error);
            }
            let wake = self.next_wake();
            tokio::select! {
                Some(reason) = cancel.recv() => self.cancel(reason),
                Some(done) = self.work.next() => {
                    // What the watches had told by then comes first: it may be what was waited for.
                    while let Some(seen) = ports::at_hand(observations) {
                        self.observe(&seen);
                    }
                    self.done(done);
                }
                Some(seen) = observations.next() => {
                    self.observe(&seen);
                    for _ in 0..BATCH {
                        let Some(seen) = ports::at_hand(observations) else { break };
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
    }

    fn tell_gate(&mut self) {
        let shut = !self.gate.is_open();
        if std::mem::replace(&mut self.shut, shut) == shut {
            return;
        }
        let message = match shut {
            true => {
                "the stack's Lease can't be renewed: nothing more is started until it can, for \
                 another run may have the stack by then"
            }
            false => "the stack's Lease is renewed again",
        };
        self.emitter.emit(EventKind::Warning {
            release: None,
            message: message.to_owned(),
        });
    }

    fn start_what_may(&mut self) {
        while self.cancelled.is_none() && self.gate.is_open() {
            let Some(settled) = &mut self.settled else {
                return;
            };
            let (is_free, releases) = (self.helms < self.parallel, &self.releases);
            let needs_helm =
                |at| !settled.contains_key(&at) && releases[at].phase == Phase::Waiting;
            let Some(at) = self.queue.start_first(|at| is_free || !needs_helm(at)) else {
                return;
            };
            match settled.remove(&at) {
                Some(settled) => self.settle(at, settled),
                None if self.releases[at].phase == Phase::Waiting => self.start(at),
                // It stays where it is.
                None => self.queue.succeed(at),
            }
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
            Observation::Hidden(_) | Observation::Visible(_) => {
                self.world.apply(seen);
                self.unjudged.extend(0..self.releases.len());
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
            self.emitter.emit(line.of(release.step.id.clone()));
        }
        heard.turned
    }

    /// What a release waits for while nothing of it is in the cluster yet, or no more is to come.
    fn tell_waiting(&mut self, at: usize, on: String) {
        let release = &mut self.releases[at];
        release.assessment.waiting = Some(Waiting {
            on: on.clone(),
            since: None,
            chain: Vec::new(),
            log_of: None,
        });
        self.emitter.emit(EventKind::ReleaseWaiting {
            release: release.step.id.clone(),
            on,
            since: None,
        });
    }

    fn warn(&mut self, at: usize, message: String) {
        self.emitter.emit(EventKind::Warning {
            release: Some(self.releases[at].step.id.clone()),
            message,
        });
    }
}
