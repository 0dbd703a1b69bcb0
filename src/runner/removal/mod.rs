mod remains;
mod sweep;
mod vanishing;

use std::collections::{BTreeSet, HashSet};

use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::asking::{read_contents, unless};
use super::begin::{Begun, begin};
use super::emitter::Emitter;
use super::outage::Outage;
use super::ports::{self, Cancel, DeployError, Deployer, ObserveError, Observer};
use super::tracked::GRACE;
use super::{Channels, Ended, Ends, Gate, Settings};
use crate::event::{CancelReason, EventKind, Outcome, Verb, Verdict, VerdictClass};
use crate::memory::{EndedRelease, ReleaseEnd};
use crate::names::ReleaseId;
use crate::plan::{Plan, Queue, Step};
use crate::snapshot::{Contents, Lingering, ObjectRef, Observation, Uid, World};
use crate::wording;

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
    };
    let mut ends = (watching.observations, watching.cancel);
    super::tell_orphans(
        &mut standing.emitter,
        settings,
        "it stays; `helm uninstall` removes it",
    );
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
    observer.watch(&plan.namespaces()).await?;
    let run = Down::new(plan, deployer, observer, settings, standing);
    run.run(ends).await
}

/// What a removal goes on with.
pub(super) struct Standing {
    pub emitter: Emitter,
    pub gate: Gate,
    /// What was seen before.
    pub world: World,
}

struct Down<'p> {
    deployer: &'p dyn Deployer,
    observer: &'p dyn Observer,
    /// Volumes go too.
    volumes: bool,
    parallel: usize,
    deadline: Option<Instant>,
    queue: Queue,
    releases: Vec<Removed<'p>>,
    world: World,
    outage: Outage,
    work: FuturesUnordered<LocalBoxFuture<'p, Done>>,
    emitter: Emitter,
    gate: Gate,
    cancelled: Option<CancelReason>,
    /// It makes way for another run: what is under way goes on.
    superseded: bool,
    failures: Vec<VerdictClass>,
}

struct Removed<'p> {
    step: &'p Step,
    phase: Phase,
    deadline: Option<Instant>,
    contents: Contents,
    /// What can own pods of it; they go after their owners.
    owners: HashSet<Uid>,
    cancel: Cancel,
    /// When a helm that was asked to end is made to.
    kill_at: Option<Instant>,
    waiting: Option<String>,
    /// What helm has left and we have removed.
    swept: Vec<ObjectRef>,
    /// What is still there, when it was asked; None until it was.
    lingering: Option<Vec<Lingering>>,
    asked_at: Option<Instant>,
    /// A question or a deletion is under way.
    asking: bool,
    end: Option<ReleaseEnd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Reading,
    Removing,
    Vanishing,
    Ended,
}

enum Done {
    Contents(usize, Result<Contents, ObserveError>),
    Removed(usize, Result<(), DeployError>),
    /// What helm has left is removed.
    Swept(usize, Result<(), ObserveError>),
    Lingering(usize, Result<Vec<Lingering>, ObserveError>),
}

impl<'p> Removed<'p> {
    fn new(step: &'p Step) -> Removed<'p> {
        Removed {
            step,
            phase: Phase::Waiting,
            deadline: None,
            contents: Contents::default(),
            owners: HashSet::new(),
            cancel: Cancel::default(),
            kill_at: None,
            waiting: None,
            swept: Vec::new(),
            lingering: None,
            asked_at: None,
            asking: false,
            end: None,
        }
    }

    fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Waiting | Phase::Ended)
    }

    /// Asks a helm that is at work to end, and gives it a while for that.
    fn stop_helm(&mut self) {
        self.cancel.gently.cancel();
        if self.phase == Phase::Removing {
            self.kill_at.get_or_insert(Instant::now() + GRACE);
        }
    }
}

impl<'p> Down<'p> {
    fn new(
        plan: &'p Plan,
        deployer: &'p dyn Deployer,
        observer: &'p dyn Observer,
        settings: &Settings,
        standing: Standing,
    ) -> Down<'p> {
        Down {
            deployer,
            observer,
            volumes: settings.volumes,
            parallel: settings.parallel.max(1),
            deadline: settings.timeout.map(|limit| Instant::now() + limit),
            queue: Queue::backward(plan),
            releases: plan.steps().iter().map(Removed::new).collect(),
            world: standing.world,
            outage: Outage::default(),
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
                () = self.gate.renewed() => {}
                () = super::sleep_until(wake) => {}
            }
            for at in 0..self.releases.len() {
                self.look(at);
            }
        }
        let mut ended = Ended::early(self.outcome());
        for release in &self.releases {
            ended.releases.extend(release.end.map(|end| EndedRelease {
                id: release.step.id.clone(),
                revision: None,
                end,
            }));
        }
        Ok((ended, self.emitter))
    }

    fn observe(&mut self, seen: &Observation) {
        if !self.outage.tell(seen, &mut self.emitter) {
            self.world.apply(seen);
        }
    }

    fn start_what_may(&mut self) {
        let at_work = |r: &&Removed| matches!(r.phase, Phase::Reading | Phase::Removing);
        let is_up = self.deadline.is_some_and(|end| end <= Instant::now());
        if is_up && self.cancelled.is_none() {
            for at in self.queue.cancel() {
                self.failures.push(VerdictClass::Expired);
                self.end(at, |release| EventKind::ReleaseCancelled { release });
            }
        }
        while self.cancelled.is_none()
            && self.gate.is_open()
            && self.releases.iter().filter(at_work).count() < self.parallel
        {
            let Some(at) = self.queue.start_next() else {
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
        let own = Instant::now() + step.timeout;
        release.deadline = Some(self.deadline.map_or(own, |run| run.min(own)));
        let last = self
            .world
            .last_record(step.namespace.as_str(), step.release.as_str());
        let Some(revision) = last.map(|record| record.revision) else {
            self.removed(at);
            return;
        };
        release.phase = Phase::Reading;
        let (observer, cancel) = (self.observer, release.cancel.clone());
        let read = async move {
            let contents = unless(&cancel, read_contents(observer, step, revision)).await;
            Done::Contents(at, contents)
        };
        self.work.push(read.boxed_local());
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
                    Ok(contents) => self.releases[at].contents = contents,
                    Err(error) => self.emitter.emit(EventKind::Warning {
                        release: Some(self.releases[at].step.id.clone()),
                        message: format!("its objects are not waited for: {error}"),
                    }),
                }
                self.remove(at);
            }
            Done::Removed(at, result) if self.releases[at].phase == Phase::Removing => match result
            {
                Ok(()) => {
                    if self.cancelled.is_some() {
                        self.end(at, |release| EventKind::ReleaseCancelled { release });
                    } else {
                        self.sweep(at);
                    }
                }
                Err(DeployError::Cancelled) => {
                    self.end(at, |release| EventKind::ReleaseCancelled { release });
                }
                Err(DeployError::Refused(said)) => self.fail(at, said.verdict()),
            },
            Done::Removed(..) => {}
            Done::Swept(at, swept) => self.swept(at, swept),
            Done::Lingering(at, found) => self.lingers(at, found),
        }
    }

    fn remove(&mut self, at: usize) {
        self.find_owners(at);
        let release = &mut self.releases[at];
        release.phase = Phase::Removing;
        let (step, cancel, deployer) = (release.step, release.cancel.clone(), self.deployer);
        let gate = self.gate.clone();
        let limit = release.deadline.map_or(step.timeout, |end| {
            end.saturating_duration_since(Instant::now())
        });
        let removed = async move {
            if let Err(cancelled) = gate.opened_unless(&cancel).await {
                return Done::Removed(at, Err(cancelled));
            }
            Done::Removed(at, deployer.remove(step, limit, cancel).await)
        };
        self.work.push(removed.boxed_local());
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
        if self.releases[at].phase == Phase::Vanishing && self.vanishes(at) {
            self.removed(at);
            return;
        }
        if self.releases[at]
            .deadline
            .is_some_and(|end| end <= Instant::now())
        {
            self.expire(at);
        }
    }

    fn removed(&mut self, at: usize) {
        let release = &self.releases[at];
        let own = release.step.namespace.as_str();
        let is_swept = |object: &&ObjectRef| release.swept.contains(&object.placed(own));
        let kept = release.contents.kept.iter().filter(|it| !is_swept(it));
        let kept = kept.map(ObjectRef::short).collect();
        self.end(at, |release| EventKind::ReleaseRemoved { release, kept });
        self.queue.succeed(at);
    }

    fn expire(&mut self, at: usize) {
        let release = &mut self.releases[at];
        release.stop_helm();
        let waiting = release.waiting.clone();
        let limit = wording::duration(release.step.timeout);
        let held = release.lingering.iter().flatten();
        let finalizers: BTreeSet<&String> = held.flat_map(|it| &it.finalizers).collect();
        let mut hints: Vec<String> = finalizers
            .into_iter()
            .map(|it| vanishing::owner(it))
            .collect();
        if hints.is_empty() {
            hints.push("look at what is left with `kubectl get -o yaml`".to_owned());
        }
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

    fn fail(&mut self, at: usize, verdict: Verdict) {
        self.failures.push(verdict.class);
        self.end(at, |release| EventKind::ReleaseFailed { release, verdict });
        let by = vec![self.releases[at].step.id.clone()];
        for blocked in self.queue.fail(at) {
            let by = by.clone();
            self.end(blocked, |release| EventKind::ReleaseBlocked { release, by });
        }
    }

    fn end(&mut self, at: usize, event: impl FnOnce(ReleaseId) -> EventKind) {
        let release = &mut self.releases[at];
        release.phase = Phase::Ended;
        let event = event(release.step.id.clone());
        release.end = ReleaseEnd::of(&event);
        self.emitter.emit(event);
    }

    fn cancel(&mut self, reason: CancelReason) {
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
                Phase::Reading | Phase::Removing => release.stop_helm(),
                Phase::Vanishing => {
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

    fn outcome(&self) -> Outcome {
        let superseded = self.superseded.then_some(CancelReason::Superseded);
        super::outcome(
            self.cancelled.or(superseded),
            &self.failures,
            Outcome::Removed,
        )
    }
}
