//! Pods that no node takes.

use crate::snapshot::Conditions;

use super::super::Hope;
use super::super::member::Member;
use super::super::words::{Missing, first_sentence};
use super::report::Draft;
use super::{Case, Cause};

/// By the scheduler's condition; `SchedulingGated` is somebody's intention and no trouble.
pub fn find(case: &Case<'_>, member: &Member<'_>) -> Option<Draft> {
    let pod = member.pod;
    let condition = pod
        .conditions
        .condition("PodScheduled")
        .filter(|c| c.status == "False" && c.reason == "Unschedulable")?;
    let name = &pod.meta.name;
    let message = &condition.message;
    let draft = if let Some(missing) = Missing::in_message(message) {
        let sentence = format!("pod {name} can't be scheduled: {}", missing.sentence());
        let hope = Hope::Likely(case.budgets.missing_object);
        Draft::new(Cause::Unschedulable, hope, sentence).missing(&missing, &pod.meta.namespace)
    } else {
        let sentence = format!("pod {name} fits on no node: {}", first_sentence(message));
        let hope = Hope::Likely(case.budgets.unschedulable);
        Draft::new(Cause::Unschedulable, hope, sentence).hint(hint(message))
    };
    Some(draft.condition(format!("pod/{name}"), condition))
}

fn hint(message: &str) -> &'static str {
    if message.contains("Insufficient") || message.contains("Too many pods") {
        "add a node, or lower `resources.requests`"
    } else if message.contains("PersistentVolumeClaims") || message.contains("volume") {
        "check the claim's storage class, and that its volume can be used on a node"
    } else {
        "check `nodeSelector`, `affinity` and `tolerations` against the nodes"
    }
}
