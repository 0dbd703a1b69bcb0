mod earlier;
mod ending;
mod hooks;
mod remains;
mod removed;
mod sweep;
mod uninstalling;
mod vanishing;

use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

pub use vanishing::{going, remedies};

use super::asking::Limits;
use super::begin::{Begun, begin};
use super::emitter::Emitter;
use super::logs::LogKeeper;
use super::outage::Outage;
use super::ports::{self, DeployError, Deployer, ObserveError, Observer, Refusal};
use super::{Channels, Ended, Ends, Gate, Settings};
use crate::event::{CancelReason, EventKind, Verb, VerdictClass};
use crate::memory::EndedRelease;
use crate::names::RunId;
use crate::plan::{Plan, Queue, Step};
use crate::recovery::{self, Intent};
use crate::snapshot::{
    Contents, Lingering, ObjectRef, Observation, Record, RecordStatus, Remaining, Snapshot,
    StackId, World,
};
use crate::verdict::CompletedRule;
use hooks::DeleteHooks;
use removed::{Phase, Removed};
use uninstalling::Task;

/// Takes the plan's releases away, each after all that need it, and waits until what they
/// consisted of is gone. Objects that their charts keep are left.
///
/// # Errors
/// The cluster can't be watched at all, and nothing was removed then; or its API server has not
/// answered for too long, and what is left is not known.
pub async fn down(
    plan: &Plan,
    deployer: &dyn Deployer,
    observer: &dyn Observer,
    settings: &Settings,
    channels: Channels,
) -> Result<Ended, ObserveError> {
    let watching = match begin(Verb::Down, plan, observer, settings, channels).await? {
        Begun::Watching(watching) => watching,
        Begun::Cancelled(outcome) => return Ok(Ended::early(outcome)),
    };
    let mut standing = Standing {
        emitter: watching.emitter,
        gate: watching.gate,
        world: World::default(),
        deadline: watching.deadline,
        unsure: watching.unsure,
        intent: Intent::Down,
    };
    let mut ends = (watching.observations, watching.cancel);
    super::tell_orphans(&mut standing.emitter, settings, Verb::Down);
    let run = Down::new(plan, deployer, observer, settings, standing);
    let (ended, mut emitter) = run.run(&mut ends).await?;
    emitter.finish(ended.outcome);
    Ok(ended)
}

/// Takes away what a run that has brought up the rest finds surplus, as a part of that run: it is
/// for the caller to end it.
///
/// # Errors
/// As those of [`down`].
pub(super) async fn prune(
    plan: &Plan,
    deployer: &dyn Deployer,
    observer: &dyn Observer,
    settings: &Settings,
    standing: Standing,
    ends: &mut Ends,
) -> Result<(Ended, Emitter), ObserveError> {
    let limits = Limits {
        until: standing.deadline,
        ..Limits::default()
    };
    limits.unless(observer.watch(&plan.namespaces())).await?;
    let run = Down::new(plan, deployer, observer, settings, standing);
    run.run(ends).await
}

/// What a removal goes on with.
pub(super) struct Standing {
    pub emitter: Emitter,
    pub gate: Gate,
    /// What was seen before.
    pub world: World,
    /// The run's.
    pub deadline: Option<Instant>,
    /// Earlier runs that were gone without a word.
    pub unsure: Vec<RunId>,
    pub intent: Intent,
}

struct Down<'p> {
    plan: &'p Plan,
    stack: StackId,
    deployer: &'p dyn Deployer,
    observer: &'p dyn Observer,
    /// Volumes go too.
    volumes: bool,
    /// Somebody's word that no helm of others is at work.
    recover: bool,
    unsure: Vec<RunId>,
    intent: Intent,
    parallel: usize,
    deadline: Option<Instant>,
    queue: Queue,
    releases: Vec<Removed<'p>>,
    world: World,
    outage: Outage,
    completed: CompletedRule,
    logs: LogKeeper,
    work: FuturesUnordered<LocalBoxFuture<'p, Done>>,
    emitter: Emitter,
    gate: Gate,
    cancelled: Option<CancelReason>,
    /// It makes way for another run: what is under way goes on.
    superseded: bool,
    failures: Vec<VerdictClass>,
}

enum Done {
    Contents(usize, Result<Contents, ObserveError>),
    Removed(usize, Result<(), DeployError>),
    /// What helm has left is removed, but for these, which are of other releases.
    Swept(usize, Result<Vec<ObjectRef>, ObserveError>),
    Lingering(usize, Result<Vec<Lingering>, ObserveError>),
    Noted(usize, Task, Result<Vec<Remaining>, ObserveError>),
    HeldNoted,
}

impl<'p> Down<'p> {
    fn new(
        plan: &'p Plan,
        deployer: &'p dyn Deployer,
        observer: &'p dyn Observer,
        settings: &Settings,
        standing: Standing,
    ) -> Down<'p> {
        let steps = plan.steps().iter();
        Down {
            plan,
            stack: StackId {
                listed: settings.listed.clone(),
                ..StackId::new(plan.stack.clone(), plan.namespace.clone())
            },
            deployer,
            observer,
            volumes: settings.volumes,
            recover: settings.recover,
            unsure: standing.unsure,
            intent: standing.intent,
            parallel: settings.parallel.max(1),
            deadline: standing.deadline,
            queue: Queue::backward(plan),
            releases: steps
                .map(|step| Removed::new(step, &standing.gate, &settings.left))
                .collect(),
            world: standing.world,
            outage: Outage::default(),
            completed: settings.completed,
            logs: LogKeeper::default(),
            work: FuturesUnordered::new(),
            emitter: standing.emitter,
            gate: standing.gate,
            cancelled: None,
            superseded: false,
            failures: Vec::new(),
        }
    }

    async fn run(
        mut self,
        (observations, cancel): &mut Ends,
    ) -> Result<(Ended, Emitter), ObserveError> {
        while let Some(seen) = ports::at_hand(observations) {
            self.observe(&seen);
        }
        loop {
            self.start_what_may();
            let open = |r: &Removed| r.phase != Phase::Ended;
            if !self.releases.iter().any(open) && self.work.is_empty() {
                break;
            }
            let now = Instant::now();
            if let Some(error) = self.outage.too_long(now) {
                return Err(error);
            }
            let active = self.releases.iter().filter(|r| r.is_active());
            let ends = active.filter_map(|r| r.deadline);
            let kills = self.releases.iter().filter_map(|r| r.kill_at);
            let vanishing = self.releases.iter().filter(|r| r.phase == Phase::Vanishing);
            let asks = vanishing
                .filter(|r| !r.asking)
                .filter_map(|r| self.asks_at(r));
            let hooks = self.releases.iter().filter(|r| r.is_active());
            let hooks = hooks.filter_map(|r| r.hooks.as_ref()?.wakes());
            let ends = ends.chain(hooks).chain(self.logs.next_turn());
            let wake = ends.chain(kills).chain(asks).chain(self.outage.end()).min();
            tokio::select! {
                Some(reason) = cancel.recv() => self.cancel(reason),
                Some(done) = self.work.next() => self.done(done),
                Some(seen) = observations.next() => {
                    self.observe(&seen);
                    while let Some(seen) = ports::at_hand(observations) {
                        self.observe(&seen);
                    }
                }
                item = self.logs.next() => self.log(item),
                () = self.gate.renewed() => {}
                () = super::sleep_until(wake) => {}
            }
            self.logs.turns(Instant::now());
            for at in 0..self.releases.len() {
                self.look(at);
            }
        }
        let mut ended = Ended::early(self.outcome());
        for (at, release) in self.releases.iter().enumerate() {
            ended.releases.extend(release.end.map(|end| EndedRelease {
                id: release.step.id.clone(),
                revision: None,
                end,
            }));
            ended.left.extend(self.left_of(at));
        }
        Ok((ended, self.emitter))
    }

    fn observe(&mut self, seen: &Observation) {
        if self.outage.tell(seen, &mut self.emitter) {
            return;
        }
        match seen {
            Observation::Gone(Snapshot::Pod(pod)) => {
                self.look_at_the_end_of(pod);
                self.logs.tell_gone(pod);
            }
            Observation::Seen(Snapshot::Pod(pod)) => self.logs.tell(pod),
            _ => {}
        }
        self.world.apply(seen);
    }

    fn start_what_may(&mut self) {
        let at_work = |r: &&Removed| r.is_asked_about() || r.is_at_helm();
        let is_up = self.deadline.is_some_and(|end| end <= Instant::now());
        if is_up && self.cancelled.is_none() {
            for at in self.queue.cancel() {
                self.failures.push(VerdictClass::Expired);
                self.end(at, |release| EventKind::ReleaseCancelled { release });
            }
        }
        while self.cancelled.is_none() && self.gate.is_open() {
            let is_free = self.releases.iter().filter(at_work).count() < self.parallel;
            let (releases, world) = (&self.releases, &self.world);
            let needs_helm = |at: usize| last_record(world, releases[at].step).is_some();
            let Some(at) = self.queue.start_first(|at| is_free || !needs_helm(at)) else {
                return;
            };
            self.start(at);
        }
    }

    fn start(&mut self, at: usize) {
        let release = &mut self.releases[at];
        let step = release.step;
        self.emitter.emit(EventKind::ReleaseStarted {
            release: step.id.clone(),
        });
        let now = Instant::now();
        let run = self.deadline;
        let left = run.map_or(step.timeout, |end| end.saturating_duration_since(now));
        release.limit = step.timeout.min(left);
        release.deadline = Some(now + release.limit);
        let taken = self.last_record(at);
        let taken = taken.and_then(|it| it.other_owner(&self.stack));
        if let Some(owner) = taken {
            self.leave_to(at, &owner);
            return;
        }
        let Some(revision) = self.last_record(at).map(|record| record.revision) else {
            match self.releases[at].remembered.is_empty() {
                true => self.nothing_there(at),
                false => self.sweep(at),
            }
            return;
        };
        let release = &mut self.releases[at];
        release.phase = Phase::Reading;
        let (observer, limits) = (self.observer, release.limits());
        let earlier = self.earlier(step, revision);
        let read = async move {
            let mut contents = limits.read_contents(observer, step, revision).await?;
            earlier
                .add_to(&mut contents, observer, &limits, step)
                .await?;
            Ok(contents)
        };
        let read = async move { Done::Contents(at, read.await) };
        self.work.push(read.boxed_local());
    }

    /// Why another helm may be making objects of the release. One that uninstalls it makes none.
    fn doubt(&self, at: usize) -> Option<Refusal> {
        let last = self.last_record(at).filter(|it| it.status.is_pending())?;
        if self.recover {
            return None;
        }
        let step = self.releases[at].step;
        let named = (&step.release, &step.namespace);
        recovery::doubt(&self.stack, last, &self.unsure, named, self.intent).map(Refusal::from)
    }

    fn last_record(&self, at: usize) -> Option<&Record> {
        last_record(&self.world, self.releases[at].step)
    }

    fn done(&mut self, done: Done) {
        if let Done::Removed(at, _) = done {
            self.releases[at].kill_at = None;
        }
        match done {
            Done::Contents(at, _) if self.releases[at].phase != Phase::Reading => {}
            Done::Contents(at, _) if self.cancelled.is_some() => {
                self.end(at, |release| EventKind::ReleaseCancelled { release });
            }
            Done::Contents(at, contents) => {
                match contents {
                    Ok(contents) => self.learn(at, contents),
                    // It was asked for until the release's time was up.
                    Err(error) if error.passes().is_some() => {
                        let on = format!("an answer to what it consists of: {error}");
                        self.releases[at].waiting = Some(on);
                        self.expire(at);
                        return;
                    }
                    Err(error) => self.emitter.emit(EventKind::Warning {
                        release: Some(self.releases[at].step.id.clone()),
                        message: format!("its objects are not waited for: {error}"),
                    }),
                }
                if let Some(refusal) = self.doubt(at) {
                    self.fail(at, refusal.verdict());
                    return;
                }
                self.releases[at].leftovers = self.leftovers(at, self.volumes);
                match self.last_record(at) {
                    // An earlier run has uninstalled it, and its history has been kept for the rest.
                    Some(record) if record.status == RecordStatus::Uninstalled => {
                        let is_ours = record.is_half_removed();
                        let release = &mut self.releases[at];
                        release.keeps_record = is_ours || !release.leftovers.is_empty();
                        self.sweep(at);
                    }
                    _ => self.remove(at),
                }
            }
            Done::Removed(at, result) if self.releases[at].is_at_helm() => match result {
                Ok(()) if self.cancelled.is_some() => {
                    self.end(at, |release| EventKind::ReleaseCancelled { release });
                }
                Ok(()) if self.releases[at].phase == Phase::Removing => self.sweep(at),
                Ok(()) => self.releases[at].phase = Phase::Vanishing,
                // It was asked to end because of its hook.
                Err(DeployError::Cancelled)
                    if self.cancelled.is_none()
                        && (self.releases[at].hooks.as_ref())
                            .is_some_and(DeleteHooks::has_failed) =>
                {
                    self.releases[at].phase = Phase::Failing;
                }
                Err(DeployError::Cancelled) => {
                    self.end(at, |release| EventKind::ReleaseCancelled { release });
                }
                Err(DeployError::Refused(said)) => self.refused(at, said),
            },
            Done::Removed(..) => {}
            Done::Swept(at, swept) => self.swept(at, swept),
            Done::Lingering(at, found) => self.lingers(at, found),
            Done::Noted(at, task, noted) => self.noted(at, task, noted),
            Done::HeldNoted => {}
        }
    }

    fn look(&mut self, at: usize) {
        let release = &mut self.releases[at];
        if release.kill_at.is_some_and(|end| end <= Instant::now()) {
            release.kill_at = None;
            release.cancel.now.cancel();
        }
        if !release.is_active() {
            return;
        }
        if release.phase == Phase::Removing {
            self.find_owners(at);
        }
        self.judge_hooks(at);
        if self.releases[at].phase == Phase::Failing {
            self.say_why(at);
            return;
        }
        if self.releases[at].phase == Phase::Vanishing && self.vanishes(at) {
            self.removed(at);
            return;
        }
        // A question about what it consists of has the same end, and tells why it had no answer.
        let release = &self.releases[at];
        let is_up = release.deadline.is_some_and(|end| end <= Instant::now());
        if is_up && !release.is_asked_about() {
            self.expire(at);
        }
    }
}

fn last_record<'w>(world: &'w World, step: &Step) -> Option<&'w Record> {
    world.last_record(step.namespace.as_str(), step.release.as_str())
}
