//! Judges what the watches saw: is a release ready, what does it wait for, and is there trouble
//! that will not pass.
//!
//! The room owns the rules of readiness, the table of causes and the words for them. It is pure:
//! snapshots and budgets in, an [`Assessment`] out. It must not know a clock (how long trouble
//! lasts is measured by the runner, by [`Finding::key`]), nor I/O, nor Kubernetes' client.

mod cause;
mod digest;
mod member;
mod missing;
mod ready;
mod removal;
mod scope;
mod status;
mod subject;
mod view;
mod waiting;
mod words;

#[cfg(test)]
mod build;

use std::time::Duration;

use jiff::Timestamp;

use crate::budget::Budgets;
use crate::event::{Health, HookPhase, PodChanged, Verdict};
use crate::snapshot::{ObjectRef, Uid, World};

pub use cause::Cause;
pub use ready::{is_pod_ready, left_old};
pub use removal::{failed_hook, name_event};
pub use scope::{Baseline, Provider, Providers, Repeating, Scope, nobody_knows, nothing_repeats};
pub use status::{CompletedRule, Printed, human_duration, printed};

/// How a release stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assessment {
    /// Every object of the release that has readiness, in the release's order.
    pub objects: Vec<ObjectHealth>,
    /// What hooks have made for others and has readiness. The release does not wait for it.
    pub left_by_hooks: Vec<ObjectHealth>,
    /// Jobs and Pods that helm waits for, as far as they were seen in this run.
    pub hooks: Vec<HookHealth>,
    /// Every pod that belongs to the release, those of old revisions included.
    pub pods: Vec<PodChanged>,
    /// Which pod of the world each of `pods` is.
    pub pod_uids: Vec<Uid>,
    /// The deepest thing that blocks; None when ready.
    pub waiting: Option<Waiting>,
    /// Trouble, worst first.
    pub findings: Vec<Finding>,
    /// Helm returned well and every object is ready.
    pub ready: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHealth {
    /// With its namespace, if it has one.
    pub object: ObjectRef,
    pub health: Health,
    /// Why it is not ready, in a few words; may be empty.
    pub reason: String,
    /// Pods, completions or endpoints of the present revision that are ready; for kinds that are
    /// one thing, 0 or 1 of 1.
    pub ready: u32,
    pub desired: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookHealth {
    pub object: ObjectRef,
    pub phase: HookPhase,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub on: String,
    /// When that began, where the cluster says so.
    pub since: Option<Timestamp>,
    /// From the object of the release down to what blocks it, as in a [`Verdict`].
    pub chain: Vec<String>,
    /// Whose last lines may tell why.
    pub log_of: Option<LogOf>,
}

/// One trouble of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The same while the same trouble of the same container lasts.
    pub key: String,
    pub cause: Cause,
    /// The object of the release that it keeps from being ready.
    pub object: ObjectRef,
    pub hope: Hope,
    /// The object whose coming would heal it, with its namespace where it has one: another
    /// release may be about to bring it.
    pub missing: Option<ObjectRef>,
    /// Of class `certain`; who has waited out a hope makes it `likely`.
    pub verdict: Verdict,
    /// Whose last lines prove it.
    pub log_of: Option<LogOf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hope {
    /// None: somebody has to change something.
    Certain,
    /// It may pass by itself, and is given so long. Zero when it has used up a budget of tries.
    Likely(Duration),
    /// A hook of the release itself may still end it: judged once helm is through with its hooks.
    AfterHooks,
    /// Its Job tries again by itself, as often as its spec says: judged when the time is up.
    Retried,
}

/// One run of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOf {
    pub pod_uid: Uid,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// 1 for the first run.
    pub attempt: u32,
}

/// Judges one release.
pub fn assess(world: &World, scope: &Scope<'_>, budgets: &Budgets) -> Assessment {
    let subjects = subject::subjects(world, scope);
    let members = member::members(world, &subjects);
    let hooks = subjects
        .iter()
        .filter(|subject| subject.hook)
        .filter_map(|subject| {
            Some(HookHealth {
                object: subject.object.clone(),
                phase: ready::hook_phase(&subject.body)?,
            })
        })
        .collect();
    let mut objects: Vec<ObjectHealth> = subjects
        .iter()
        .filter(|subject| !subject.hook)
        .map(|subject| ready::health(world, scope, &members, subject))
        .collect();
    let left_by_hooks = subject::left_by_hooks(world, scope)
        .iter()
        .map(|subject| ready::health(world, scope, &members, subject))
        .collect();
    let case = cause::Case {
        world,
        scope,
        budgets,
        subjects: &subjects,
        members: &members,
    };
    let findings = case.findings();
    mark_failed(&mut objects, &findings);
    let ready = scope.applied && objects.iter().all(|o| o.health == Health::Ready);
    let waiting = (!ready).then(|| waiting::deepest(&case, &objects, &findings));
    let pods = members.iter().map(|m| view::pod_view(scope, m)).collect();
    let pod_uids = members.iter().map(|m| m.pod.meta.uid.clone()).collect();
    Assessment {
        objects,
        left_by_hooks,
        hooks,
        pods,
        pod_uids,
        waiting,
        findings,
        ready,
    }
}

/// What can't come up by itself has failed, whatever its controller still hopes.
fn mark_failed(objects: &mut [ObjectHealth], findings: &[Finding]) {
    for object in objects {
        let doomed = findings
            .iter()
            .find(|f| f.hope == Hope::Certain && f.object == object.object);
        if let Some(finding) = doomed
            && object.health != Health::Failed
        {
            object.health = Health::Failed;
            finding.cause.title().clone_into(&mut object.reason);
        }
    }
}
