use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use crate::names::ReleaseId;
use crate::snapshot::{Condition, Contents, Exit, Meta, ObjectRef, Uid, World};

use super::ready::{JobPhase, job_phase};
use super::status::CompletedRule;

/// Which part of the world belongs to the release, and what is known of its helm.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub id: &'a ReleaseId,
    /// Objects and hooks of the revision that is judged.
    pub contents: &'a Contents,
    /// Helm returned well: what is not there is missing from now on, not merely to come.
    pub applied: bool,
    /// Helm has yet to return, so hooks of the release may be to come.
    pub helm_at_work: bool,
    /// What was there before helm started.
    pub before: &'a Baseline,
    pub completed: CompletedRule,
    /// Containers that run and only repeat themselves; [`nothing_repeats`] where nobody reads logs.
    pub repeating: &'a Repeating,
    /// Who else of the stack brings what; [`nobody_knows`] where that can't be told.
    pub providers: &'a dyn Providers,
}

/// The other releases of a stack, as one of them sees them.
pub trait Providers: std::fmt::Debug {
    /// Who brings this object, which is not there.
    fn provider(&self, object: &ObjectRef) -> Provider;
}

/// Whose object it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// Of a release of which it is not known yet what it has, if of any.
    Unknown,
    /// Of none that could be needed.
    Nobody,
    /// Of this release, which is needed already, directly or by way of others.
    Needed(ReleaseId),
    /// Of this release, which is not needed.
    NotNeeded(ReleaseId),
}

/// For callers that don't know the stack.
pub fn nobody_knows() -> &'static dyn Providers {
    #[derive(Debug)]
    struct Nothing;
    impl Providers for Nothing {
        fn provider(&self, _: &ObjectRef) -> Provider {
            Provider::Unknown
        }
    }
    &Nothing
}

/// By the pod's uid and the container's name: the line that a running container keeps printing.
/// It has printed nothing for a while that it had not printed before, the time at its beginning apart.
pub type Repeating = HashMap<(Uid, String), String>;

/// For callers that read no logs.
pub fn nothing_repeats() -> &'static Repeating {
    static NOTHING: LazyLock<Repeating> = LazyLock::new(Repeating::new);
    &NOTHING
}

impl Scope<'_> {
    /// Helm has yet to come to this object: it still is what the revision before made of it, and
    /// says nothing about this one.
    pub(super) fn is_stale(&self, meta: &Meta) -> bool {
        !self.applied && self.before.has_same(meta)
    }
}

/// The longest pause that the kubelet makes between two tries (`MaxContainerBackOff` in
/// `pkg/kubelet/kubelet.go`).
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// What there was when a release was started. Helm gives no object a mark of its revision, so
/// only the comparison tells the hook Job of this run from the one of the last, a Deployment that
/// helm has changed from one it has yet to change, and a crash of today from one of last week.
///
/// The empty one takes everything for new, which suits a look at a finished release.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    generations: HashMap<Uid, i64>,
    /// How often each container of each pod had ended.
    ended: HashMap<(Uid, String), u32>,
    /// Jobs that were complete or failed.
    settled: HashSet<Uid>,
    conditions: HashMap<Uid, Vec<Condition>>,
}

impl Baseline {
    pub fn of(world: &World) -> Baseline {
        let mut baseline = Baseline::default();
        let metas = (world.workloads.values().map(|w| &w.meta))
            .chain(world.jobs.values().map(|j| &j.meta))
            .chain(world.pods.values().map(|p| &p.meta))
            .chain(world.claims.values().map(|c| &c.meta))
            .chain(world.services.values().map(|s| &s.meta))
            .chain(world.customs.values().map(|c| &c.meta));
        for meta in metas {
            baseline
                .generations
                .insert(meta.uid.clone(), meta.generation);
        }
        let phased = |job: &&crate::snapshot::Job| {
            matches!(job_phase(job), JobPhase::Complete | JobPhase::Failed(_))
        };
        let settled = world.jobs.values().filter(phased);
        baseline.settled = settled.map(|job| job.meta.uid.clone()).collect();
        baseline.forgive(world);
        baseline
    }

    /// What had failed by then, as far as the cluster tells when that was. Nothing counts as unchanged
    /// since.
    pub fn until(world: &World, then: Timestamp) -> Baseline {
        let mut baseline = Baseline::default();
        let is_past = |at: Option<Timestamp>| at.is_some_and(|at| at <= then);
        let workloads = world.workloads.values().map(|w| (&w.meta, &w.conditions));
        let customs = world.customs.values().map(|c| (&c.meta, &c.conditions));
        for (meta, conditions) in workloads.chain(customs) {
            let past = conditions.iter().filter(|it| is_past(it.since));
            baseline
                .conditions
                .insert(meta.uid.clone(), past.cloned().collect());
        }
        for pod in world.pods.values() {
            for status in pod.init_statuses.iter().chain(&pod.statuses) {
                let exits = world.past.exits(&pod.meta.uid, &status.name).iter();
                let (past, since): (Vec<&Exit>, Vec<&Exit>) =
                    exits.partition(|exit| is_past(exit.terminated.finished));
                // Of the ends before the last two the cluster does not tell when they were.
                let soon = since.iter().find(|exit| {
                    let at = exit.terminated.finished;
                    at.is_some_and(|at| at.duration_since(then) <= LONGEST_PAUSE)
                });
                let ended = past.iter().map(|exit| exit.attempt).max();
                let untold = soon.map(|exit| exit.attempt.saturating_sub(1));
                let key = (pod.meta.uid.clone(), status.name.clone());
                baseline.ended.insert(key, ended.max(untold).unwrap_or(0));
            }
        }
        baseline
    }

    /// What has failed by now counts as failed before: something has happened since that may have
    /// put it right.
    pub fn forgive(&mut self, world: &World) {
        let workloads = world.workloads.values().map(|w| (&w.meta, &w.conditions));
        let customs = world.customs.values().map(|c| (&c.meta, &c.conditions));
        for (meta, conditions) in workloads.chain(customs) {
            self.conditions.insert(meta.uid.clone(), conditions.clone());
        }
        for pod in world.pods.values() {
            for status in pod.init_statuses.iter().chain(&pod.statuses) {
                let seen = world.past.exits(&pod.meta.uid, &status.name).last();
                let ended = seen.map_or(0, |e| e.attempt).max(status.restarts);
                let key = (pod.meta.uid.clone(), status.name.clone());
                self.ended.insert(key, ended);
            }
        }
    }

    /// This very incarnation was there, whatever has become of it since.
    pub fn had(&self, uid: &Uid) -> bool {
        self.generations.contains_key(uid)
    }

    /// It was there, and nobody has changed its spec since.
    pub fn has_same(&self, meta: &Meta) -> bool {
        self.generations.get(&meta.uid) == Some(&meta.generation)
    }

    /// The Job had already completed or failed.
    pub fn had_settled(&self, job: &Uid) -> bool {
        self.settled.contains(job)
    }

    /// The object said so already, and has not said anything else in between.
    pub fn had_condition(&self, uid: &Uid, condition: &Condition) -> bool {
        let same = |c: &Condition| {
            (&c.kind, &c.status, &c.reason, c.since)
                == (
                    &condition.kind,
                    &condition.status,
                    &condition.reason,
                    condition.since,
                )
        };
        let known = self.conditions.get(uid);
        known.is_some_and(|known| known.iter().any(same))
    }

    /// How often the container had ended.
    pub fn ended(&self, pod: &Uid, container: &str) -> u32 {
        let key = (pod.clone(), container.to_owned());
        self.ended.get(&key).copied().unwrap_or(0)
    }
}
