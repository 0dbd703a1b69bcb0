//! Pods that are taken from their workload as fast as it makes new ones: evicted, preempted, deleted
//! by somebody, or rejected by their node's kubelet.

use std::time::Duration;

use crate::snapshot::{Loss, Pod, WorkloadKind};

use super::super::Hope;
use super::super::member::present_set;
use super::super::subject::{Body, Subject};
use super::super::words::{brief, times};
use super::report::Draft;
use super::{Case, Cause, MAX_BACKOFF};

/// How pods are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Evicted,
    Preempted,
    Deleted,
    /// The kubelet has not even tried to start it.
    Rejected,
}

/// A workload that does not come up because its new pods are lost. One loss is nothing: the pod is
/// replaced.
pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let Body::Workload(workload) = subject.body else {
        return None;
    };
    if workload.available >= workload.desired && workload.updated >= workload.desired {
        return None;
    }
    let (controller, revision) = match workload.kind {
        WorkloadKind::Deployment => (&present_set(case.world, workload)?.meta, None),
        WorkloadKind::StatefulSet => (&workload.meta, Some(&workload.update_revision)),
        WorkloadKind::DaemonSet
        | WorkloadKind::ReplicaSet
        | WorkloadKind::ReplicationController => (&workload.meta, None),
    };
    let past = &case.world.past;
    let events = past.events_about(&controller.uid);
    let deleted_by_controller = |loss: &Loss| {
        let mut deleted = events.iter().filter(|it| it.reason == "SuccessfulDelete");
        deleted.any(|event| event.message.ends_with(&loss.name))
    };
    let lost = past.lost_by(&controller.uid).iter().filter(|loss| {
        !case.scope.before.had(&loss.pod)
            && revision.is_none_or(|it| loss.revision_hash.as_ref() == Some(it))
            && !(loss.reason.is_empty() && deleted_by_controller(loss))
    });
    let lost: Vec<&Loss> = lost.collect();
    let last = lost.last().filter(|_| lost.len() >= 2)?;
    let count = u32::try_from(lost.len()).unwrap_or(u32::MAX);
    let how = how(&last.reason);
    let hope = match how {
        How::Rejected => case.budgets.failed_create,
        _ if count > case.budgets.restarts => Duration::ZERO,
        _ => MAX_BACKOFF,
    };
    let name = subject.object.short();
    let sentence = format!(
        "pods of {name} are {} again and again ({}), last {}{}",
        verb(how, &last.reason),
        times(count),
        last.name,
        why(&last.message)
    );
    let draft = Draft::new(Cause::PodsLost, Hope::Likely(hope), sentence)
        .through(format!("pod/{}", last.name))
        .hint(hint(how, last));
    Some(match last.reason.as_str() {
        "" => draft,
        reason => draft.status(format!("pod/{}", last.name), reason, &last.message),
    })
}

/// `pod web-x was evicted: The node was low on resource: memory`, of one that was lost.
pub fn last_words(pod: &Pod) -> Option<String> {
    let (reason, message) = pod.lost()?;
    let verb = verb(how(reason), reason);
    Some(format!("pod {} was {verb}{}", pod.meta.name, why(message)))
}

/// Reasons of the kubelet's eviction, of its preemption for critical pods, of a node that shuts down,
/// and of `DisruptionTarget` (k/k `pkg/kubelet/eviction`, `pkg/kubelet/preemption`,
/// `pkg/kubelet/nodeshutdown`, `api/core/v1/types.go`); all else is the kubelet's admission.
fn how(reason: &str) -> How {
    match reason {
        "Evicted"
        | "EvictionByEvictionAPI"
        | "TerminationByKubelet"
        | "Terminated"
        | "NodeShutdown" => How::Evicted,
        "Preempting" | "PreemptionByScheduler" => How::Preempted,
        "" | "DeletionByTaintManager" | "DeletionByPodGC" | "NodeLost" => How::Deleted,
        _ => How::Rejected,
    }
}

fn verb(how: How, reason: &str) -> String {
    match (how, reason) {
        (_, "EvictionByEvictionAPI") => "evicted through the API".to_owned(),
        (_, "Terminated" | "NodeShutdown") => "ended because the node shuts down".to_owned(),
        (_, "DeletionByTaintManager") => "deleted because of a taint of the node".to_owned(),
        (_, "DeletionByPodGC" | "NodeLost") => "deleted because the node is gone".to_owned(),
        (How::Evicted, _) => "evicted".to_owned(),
        (How::Preempted, _) => "preempted".to_owned(),
        (How::Deleted, _) => "deleted by somebody".to_owned(),
        (How::Rejected, reason) => format!("rejected by the node's kubelet ({reason})"),
    }
}

fn why(message: &str) -> String {
    match brief(message) {
        text if text.is_empty() => text,
        text => format!(": {text}"),
    }
}

fn hint(how: How, last: &Loss) -> &'static str {
    match how {
        How::Evicted if last.message.contains("EmptyDir volume") => {
            "raise the `sizeLimit` of the volume, or let the container write less into it"
        }
        How::Evicted if last.message.contains("ephemeral") => {
            "raise `resources.limits.ephemeral-storage`, or let the container write less"
        }
        How::Evicted if last.message.contains("low on resource") => {
            "ask in `resources.requests` for what it really uses, so that a node with room takes it"
        }
        How::Evicted => "look at what drains or evicts: `kubectl describe node` shows its state",
        How::Preempted => "give it a `priorityClassName`, or the cluster more room",
        How::Deleted if last.reason.is_empty() => {
            "find out who deletes them: an operator, a descheduler, a script"
        }
        How::Deleted => "look at the nodes: `kubectl get nodes` shows which are gone or tainted",
        How::Rejected if last.reason == "SysctlForbidden" => {
            "leave it out of `securityContext.sysctls`, or allow it on the nodes \
             (`--allowed-unsafe-sysctls` of the kubelet)"
        }
        How::Rejected => "`kubectl describe` of the pod shows what its node does not take",
    }
}
