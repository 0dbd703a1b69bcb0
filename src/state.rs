//! What is known of a run so far: a pure fold of its events, that every display draws from.
//!
//! Any sequence of events is taken, however odd: what doesn't fit is kept as well as it can be.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::event::{
    CancelReason, Counts, Event, EventKind, Health, HookPhase, Outcome, PlannedRelease, PodChanged,
    Verb, Verdict,
};
use crate::names::{Namespace, ReleaseId, RunId, StackName};

/// Everything known of a run. All `Duration`s are times since its start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    pub run: Option<Run>,
    /// In the order of the plan; releases that no plan named follow as they appear.
    pub releases: Vec<ReleaseState>,
    pub warnings: Vec<(Option<ReleaseId>, String)>,
    pub cancelling: Option<CancelReason>,
    /// It has failed, and goes back.
    pub rolling_back: Option<RollingBack>,
    pub finished: Option<Finished>,
    /// When the last event happened.
    pub elapsed: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub verb: Verb,
    pub stack: StackName,
    pub namespace: Namespace,
    pub context: String,
    pub started: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RollingBack {
    /// To what this run had verified.
    pub to: RunId,
    pub releases: Vec<ReleaseId>,
    /// Releases that can't go back.
    pub left: Vec<ReleaseId>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    pub outcome: Outcome,
    pub counts: Counts,
    pub elapsed: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseState {
    pub id: ReleaseId,
    pub planned: Option<PlannedRelease>,
    pub phase: Phase,
    /// Why it failed, though it may be ready since, at the revision before.
    pub failed: Option<Verdict>,
    pub revision: Option<u32>,
    pub started: Option<Duration>,
    /// It was ready before the run, and is as it is to be.
    pub unchanged: bool,
    /// What its removal has left in the cluster.
    pub kept: Vec<String>,
    /// There was nothing of it to remove.
    pub untouched: bool,
    /// When helm returned well.
    pub deployed: Option<Duration>,
    pub ended: Option<Duration>,
    /// What it waits for, or last waited for.
    pub waiting: Option<Waiting>,
    pub objects: BTreeMap<ObjectKey, ObjectState>,
    pub pods: BTreeMap<String, PodChanged>,
    /// Hooks by kind and name.
    pub hooks: BTreeMap<(String, String), HookState>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Pending,
    /// Helm is at work; in a `down`, or the objects are going.
    Running,
    /// Helm returned well, the objects are converging.
    Waiting,
    Ready,
    Failed(Verdict),
    Blocked(Vec<ReleaseId>),
    Cancelled,
    Removed,
}

impl Phase {
    /// In one word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Phase::Pending => "pending",
            Phase::Running => "running",
            Phase::Waiting => "waiting",
            Phase::Ready => "ready",
            Phase::Failed(_) => "failed",
            Phase::Blocked(_) => "blocked",
            Phase::Cancelled => "cancelled",
            Phase::Removed => "removed",
        }
    }

    /// Why it failed, if it did.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Phase::Failed(verdict) => Some(verdict),
            _ => None,
        }
    }

    pub fn is_active(&self) -> bool {
        matches!(self, Phase::Running | Phase::Waiting)
    }

    pub fn is_over(&self) -> bool {
        !self.is_active() && *self != Phase::Pending
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    pub on: String,
    /// Since when, by the cluster's clock.
    pub since: Option<Timestamp>,
    /// When we were first told.
    pub noticed: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ObjectState {
    pub health: Health,
    pub reason: String,
    pub ready: u32,
    pub desired: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HookState {
    pub phase: HookPhase,
    pub started: Duration,
}

impl ReleaseState {
    /// It has yet to start, and only parts of others keep it from that.
    pub fn waits_for_needs(&self) -> bool {
        self.phase == Phase::Pending && self.waiting.is_some()
    }

    fn new(id: ReleaseId, planned: Option<PlannedRelease>) -> ReleaseState {
        ReleaseState {
            id,
            planned,
            phase: Phase::Pending,
            failed: None,
            revision: None,
            started: None,
            unchanged: false,
            kept: Vec::new(),
            untouched: false,
            deployed: None,
            ended: None,
            waiting: None,
            objects: BTreeMap::new(),
            pods: BTreeMap::new(),
            hooks: BTreeMap::new(),
        }
    }

    /// How long it has been at work at the time `now`, or took in the end.
    pub fn took(&self, now: Duration) -> Option<Duration> {
        let started = self.started?;
        Some(self.ended.unwrap_or(now).saturating_sub(started))
    }

    /// Ready and desired pods of all its workloads; nothing if it has none.
    pub fn workload(&self) -> Option<(u32, u32)> {
        let workloads = self.objects.values().filter(|object| object.desired > 0);
        workloads.fold(None, |sum, object| {
            let (ready, desired) = sum.unwrap_or((0u32, 0u32));
            Some((
                ready.saturating_add(object.ready),
                desired.saturating_add(object.desired),
            ))
        })
    }

    fn end(&mut self, phase: Phase, elapsed: Duration) {
        self.phase = phase;
        self.ended = Some(elapsed);
    }

    fn reopen(&mut self, phase: Phase) {
        self.phase = phase;
        self.ended = None;
    }

    fn wait(&mut self, on: &str, since: Option<Timestamp>, elapsed: Duration) {
        let noticed = match &self.waiting {
            Some(waiting) if waiting.on == on => waiting.noticed,
            _ => elapsed,
        };
        self.waiting = Some(Waiting {
            on: on.to_owned(),
            since,
            noticed,
        });
    }
}

impl RunState {
    pub fn release(&self, id: &ReleaseId) -> Option<&ReleaseState> {
        self.releases.iter().find(|release| release.id == *id)
    }

    /// The place of a release in the plan.
    pub fn position(&self, id: &ReleaseId) -> Option<usize> {
        self.releases.iter().position(|release| release.id == *id)
    }

    pub fn verb(&self) -> Verb {
        self.run.as_ref().map_or(Verb::Up, |run| run.verb)
    }

    /// The releases that are not where the run goes back to, or not ready there.
    pub fn not_back(&self) -> Vec<&ReleaseId> {
        let Some(back) = &self.rolling_back else {
            return Vec::new();
        };
        let is_ready = |id: &ReleaseId| self.release(id).is_some_and(|it| it.phase == Phase::Ready);
        let unready = back.releases.iter().filter(|id| !is_ready(id));
        unready.chain(&back.left).collect()
    }

    /// Counted from the phases, so that it is right at any moment.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for release in &self.releases {
            match release.phase {
                Phase::Pending | Phase::Running | Phase::Waiting => {}
                Phase::Ready => counts.ready += 1,
                Phase::Failed(_) => counts.failed += 1,
                Phase::Blocked(_) => counts.blocked += 1,
                Phase::Cancelled => counts.cancelled += 1,
                Phase::Removed => counts.removed += 1,
            }
        }
        counts
    }

    pub fn apply(&mut self, event: &Event) {
        let elapsed = Duration::from_millis(event.elapsed_ms);
        self.elapsed = self.elapsed.max(elapsed);
        match &event.kind {
            EventKind::RunStarted {
                run,
                verb,
                stack,
                namespace,
                context,
                releases,
                ..
            } => {
                self.run = Some(Run {
                    id: run.clone(),
                    verb: *verb,
                    stack: stack.clone(),
                    namespace: namespace.clone(),
                    context: context.clone(),
                    started: event.at,
                });
                for planned in releases {
                    self.entry(&planned.id).planned = Some(planned.clone());
                }
            }
            EventKind::RunCancelling { reason } => self.cancelling = Some(*reason),
            EventKind::RunRollingBack { to, releases, left } => {
                self.rolling_back = Some(RollingBack {
                    to: to.clone(),
                    releases: releases.clone(),
                    left: left.clone(),
                });
            }
            EventKind::RunFinished { outcome, counts } => {
                self.finished = Some(Finished {
                    outcome: *outcome,
                    counts: *counts,
                    elapsed,
                });
            }
            EventKind::Warning { release, message } => {
                self.warnings.push((release.clone(), message.clone()));
            }
            kind => {
                if let Some(id) = kind.release() {
                    self.entry(id).apply(kind, elapsed);
                }
            }
        }
    }

    fn entry(&mut self, id: &ReleaseId) -> &mut ReleaseState {
        let position = self.position(id).unwrap_or_else(|| {
            self.releases.push(ReleaseState::new(id.clone(), None));
            self.releases.len() - 1
        });
        &mut self.releases[position]
    }
}

impl ReleaseState {
    fn apply(&mut self, kind: &EventKind, elapsed: Duration) {
        match kind {
            EventKind::ReleaseStarted { .. } => {
                self.reopen(Phase::Running);
                self.started = Some(elapsed);
                self.waiting = None;
            }
            EventKind::ReleaseRollingBack { .. } => {
                self.reopen(Phase::Running);
                self.started = Some(elapsed);
                self.deployed = None;
                self.waiting = None;
                self.objects.clear();
                self.pods.clear();
                self.hooks.clear();
            }
            EventKind::ReleaseDeployed { revision, .. } => {
                self.reopen(Phase::Waiting);
                self.revision = Some(*revision);
                self.deployed = Some(elapsed);
            }
            EventKind::ReleaseUnchanged {
                revision, verified, ..
            } => {
                self.reopen(Phase::Waiting);
                self.started = Some(elapsed);
                self.revision = Some(*revision);
                self.unchanged = *verified;
            }
            EventKind::HookChanged {
                kind, name, phase, ..
            } => {
                let key = (kind.clone(), name.clone());
                let known = self.hooks.get(&key).map(|hook| hook.started);
                let hook = HookState {
                    phase: *phase,
                    started: known.unwrap_or(elapsed),
                };
                self.hooks.insert(key, hook);
            }
            EventKind::ObjectChanged {
                kind,
                namespace,
                name,
                health,
                reason,
                ready,
                desired,
                ..
            } => {
                let key = ObjectKey {
                    kind: kind.clone(),
                    namespace: namespace.clone(),
                    name: name.clone(),
                };
                let object = ObjectState {
                    health: *health,
                    reason: reason.clone(),
                    ready: *ready,
                    desired: *desired,
                };
                self.objects.insert(key, object);
            }
            EventKind::PodChanged(pod) => {
                self.pods.insert(pod.pod.clone(), pod.clone());
            }
            EventKind::PodGone { pod, .. } => {
                self.pods.remove(pod);
            }
            EventKind::ReleaseWaiting { on, since, .. } => self.wait(on, *since, elapsed),
            EventKind::ReleaseReady { .. } => self.end(Phase::Ready, elapsed),
            EventKind::ReleaseDegraded { reason, .. } => {
                self.reopen(Phase::Waiting);
                self.unchanged = false;
                self.wait(reason, None, elapsed);
            }
            EventKind::ReleaseFailed { verdict, .. } => {
                self.failed = Some(verdict.clone());
                self.end(Phase::Failed(verdict.clone()), elapsed);
            }
            EventKind::ReleaseBlocked { by, .. } => self.end(Phase::Blocked(by.clone()), elapsed),
            EventKind::ReleaseCancelled { .. } => self.end(Phase::Cancelled, elapsed),
            EventKind::ReleaseRemoved {
                kept, untouched, ..
            } => {
                self.kept.clone_from(kept);
                self.untouched = *untouched;
                self.end(Phase::Removed, elapsed);
            }
            EventKind::ContainerLog { .. }
            | EventKind::ReleaseRecovering { .. }
            | EventKind::LockWaiting { .. }
            | EventKind::NamespaceWaiting { .. }
            | EventKind::RunStarted { .. }
            | EventKind::RunCancelling { .. }
            | EventKind::RunRollingBack { .. }
            | EventKind::RunFinished { .. }
            | EventKind::Warning { .. } => {}
        }
    }
}
