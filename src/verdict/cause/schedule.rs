//! Pods that no node takes.

use crate::snapshot::{Conditions, Pod};

use super::super::Hope;
use super::super::digest::nodes;
use super::super::member::{Keeper, Member};
use super::super::missing::Missing;
use super::report::Draft;
use super::{Case, Cause, claim};

/// By the scheduler's condition; `SchedulingGated` is somebody's intention and no trouble.
pub fn find(case: &Case<'_>, member: &Member<'_>) -> Option<Draft> {
    let pod = member.pod;
    let condition = pod
        .conditions
        .condition("PodScheduled")
        .filter(|c| c.status == "False" && c.reason == "Unschedulable");
    let name = &pod.meta.name;
    // The scheduler says only that some claim is not bound, or nothing while one is provisioned.
    if pod.node.is_none()
        && let Some(trouble) = claim::of_pod(case, pod)
    {
        // A claim of the release itself tells it once, for all pods.
        if claim::is_own(case, trouble.claim) {
            return None;
        }
        let sentence = format!("pod {name} waits for its volume: {}", trouble.sentence);
        let draft = Draft::new(Cause::ClaimUnbound, trouble.hope(case), sentence)
            .through(format!("persistentvolumeclaim/{}", trouble.claim));
        return Some(trouble.prove(draft));
    }
    if let Some(nobody) = untaken(case, pod).filter(|_| !has_taken_another(case, member)) {
        return Some(nobody);
    }
    let condition = condition?;
    let message = &condition.message;
    let missing = Missing::in_message(message, &pod.meta.namespace);
    let draft = if let Some(missing) = missing {
        let sentence = format!("pod {name} can't be scheduled: {}", missing.sentence());
        let hope = Hope::Likely(case.budgets.missing_object);
        Draft::new(Cause::Unschedulable, hope, sentence).missing(&missing)
    } else {
        let sentence = format!("no node takes pod {name}: {}", nodes(message));
        let hope = Hope::Likely(case.budgets.unschedulable);
        Draft::new(Cause::Unschedulable, hope, sentence).hint(hint(message))
    };
    Some(draft.condition(format!("pod/{name}"), condition))
}

/// The pods of a Job are all alike: where one was taken, the next has only just been made.
fn has_taken_another(case: &Case<'_>, member: &Member<'_>) -> bool {
    let mut others = case.members.iter().filter(|it| it.owner == member.owner);
    member.keeper == Keeper::Job && others.any(|it| it.pod.node.is_some())
}

/// A pod that nobody has looked at. Whoever binds a pod says so in its conditions, and so does the
/// kubelet when it takes up one that names its node itself.
fn untaken(case: &Case<'_>, pod: &Pod) -> Option<Draft> {
    let is_untouched = pod.phase == "Pending"
        && pod.conditions.is_empty()
        && pod.init_statuses.is_empty()
        && pod.statuses.is_empty();
    if !is_untouched {
        return None;
    }
    let name = &pod.meta.name;
    let (sentence, hint, hope) = match &pod.node {
        Some(node) => (
            format!("pod {name} names node `{node}`, and no kubelet of that name takes it up"),
            "check `nodeName`: without it the scheduler chooses a node",
            case.budgets.missing_object,
        ),
        // The scheduler says nothing either while it waits for a volume that is being made.
        None if mounts_claim(pod) => return None,
        None => (
            format!("pod {name} is not looked at by any scheduler"),
            "check `schedulerName`: without it the cluster's own scheduler takes the pod",
            case.budgets.unschedulable,
        ),
    };
    let draft = Draft::new(Cause::Unschedulable, Hope::Likely(hope), sentence);
    Some(draft.hint(hint))
}

fn mounts_claim(pod: &Pod) -> bool {
    let mut volumes = pod.volumes.iter();
    volumes.any(|volume| volume.kind == "PersistentVolumeClaim")
}

fn hint(message: &str) -> &'static str {
    if message.contains("Insufficient") || message.contains("Too many pods") {
        "add a node, or lower `resources.requests`"
    } else if message.contains("PersistentVolumeClaims") || message.contains("volume") {
        "check the claim's storage class, and that its volume can be used on a node"
    } else if message.contains("free ports") {
        "free the `hostPort` on a node, or do without one"
    } else if message.contains("missing required label") {
        "give the nodes the label that `topologySpreadConstraints` names as `topologyKey`"
    } else {
        "check `nodeSelector`, `affinity` and `tolerations` against the nodes"
    }
}
