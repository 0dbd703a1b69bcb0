//! Whether an object has come up: one file a kind, each a pure function of what was seen.
//! Workloads follow `kubectl rollout status` (kubectl `pkg/polymorphichelpers/rollout_status.go`).

mod claim;
mod custom;
mod daemon_set;
mod deployment;
mod job;
mod left_old;
mod pod;
mod replica_set;
mod service;
mod stateful_set;

pub use job::{JobPhase, hook_phase, job_phase, progress as job_progress};
pub use left_old::left_old;

use crate::event::Health;
use crate::snapshot::{Conditions, Custom, Pod, Watched, Workload, WorkloadKind, World};

use super::ObjectHealth;
use super::member::{Member, is_old};
use super::scope::Scope;
use super::subject::{Body, Subject};

/// Health without its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub health: Health,
    /// Why it is not ready, in a few words; may be empty.
    pub reason: String,
    pub ready: u32,
    pub desired: u32,
}

impl State {
    fn new(health: Health, reason: impl Into<String>, ready: u32, desired: u32) -> State {
        State {
            health,
            reason: reason.into(),
            ready,
            desired,
        }
    }

    /// For kinds that are one thing, ready or not.
    fn single(health: Health, reason: impl Into<String>) -> State {
        State::new(health, reason, u32::from(health == Health::Ready), 1)
    }
}

/// The health of an object of the release.
pub fn health(
    world: &World,
    scope: &Scope<'_>,
    members: &[Member<'_>],
    subject: &Subject<'_>,
) -> ObjectHealth {
    let state = if subject.stale {
        State::single(Health::Progressing, "helm has not come to it yet")
    } else {
        match subject.body {
            Body::Workload(workload) => {
                let ready = ready_members(members, subject);
                workload_state(workload, ready)
            }
            Body::Job(job) => job::state(job),
            Body::Pod(pod) => pod::state(pod),
            Body::Claim(claim) => claim::state(world, claim),
            Body::Service(service) => service::state(world, service, &|pod| is_old(members, pod)),
            Body::Custom(custom) => custom::state(world, custom),
            Body::Missing if scope.applied => {
                State::new(Health::Missing, "not in the cluster", 0, 1)
            }
            Body::Missing => State::new(Health::Missing, "not there yet", 0, 1),
        }
    };
    let state = match world.hides(&subject.object) {
        Some(watched) => unwatched(state, watched, world.is_absent(&subject.object)),
        None => state,
    };
    ObjectHealth {
        object: subject.object.clone(),
        health: state.health,
        reason: state.reason,
        ready: state.ready,
        desired: state.desired,
    }
}

/// Of what may not be watched nobody knows whether it is there, and what it was when it was last read
/// says little of now.
fn unwatched(state: State, watched: &Watched, is_absent: bool) -> State {
    let lacks = format!("these credentials may not list {watched}");
    let reason = match state.health {
        Health::Ready => return state,
        Health::Missing if !is_absent => format!("its state is not known: {lacks}"),
        _ => format!("{} when it was last read; {lacks}", state.reason),
    };
    State {
        health: Health::Progressing,
        reason,
        ..state
    }
}

/// `ready`: pods of the present revision that are ready.
fn workload_state(workload: &Workload, ready: u32) -> State {
    if workload.meta.deleting {
        return State::new(Health::Progressing, "being deleted", 0, workload.desired);
    }
    // Nothing below means anything until the controller has seen the present spec.
    if workload.observed_generation < workload.meta.generation {
        let reason = "its controller has not seen the change yet";
        return State::new(Health::Progressing, reason, 0, workload.desired);
    }
    let blocked = match workload.kind {
        WorkloadKind::Deployment => deployment::blocked(workload),
        WorkloadKind::StatefulSet => stateful_set::blocked(workload),
        WorkloadKind::DaemonSet => daemon_set::blocked(workload),
        WorkloadKind::ReplicaSet | WorkloadKind::ReplicationController => {
            replica_set::blocked(workload)
        }
    };
    // While one of them is to go, there are more than are wanted.
    let ready = ready.min(workload.desired);
    match blocked {
        Some(reason) => State::new(Health::Progressing, reason, ready, workload.desired),
        None => State::new(Health::Ready, "", workload.desired, workload.desired),
    }
}

fn ready_members(members: &[Member<'_>], subject: &Subject<'_>) -> u32 {
    let count = members
        .iter()
        .filter(|m| m.owner == &subject.object && m.judged && is_pod_ready(m.pod))
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Ready, and not on its way out.
pub fn is_pod_ready(pod: &Pod) -> bool {
    !pod.meta.deleting
        && pod
            .conditions
            .condition("Ready")
            .is_some_and(crate::snapshot::Condition::is_true)
}

/// It says itself that it can't come up.
pub fn is_failed(world: &World, custom: &Custom) -> bool {
    custom::state(world, custom).health == Health::Failed
}

/// `1 of 2 pods updated`.
fn of_pods(count: u32, total: u32, what: &str) -> String {
    let noun = if total == 1 { "pod" } else { "pods" };
    format!("{count} of {total} {noun} {what}")
}

#[cfg(test)]
mod tests;
