use crate::event::Health;
use crate::snapshot::{Condition, Conditions, Custom, World};

use super::State;

const UNSEEN: &str = "its controller has not seen the change yet";

/// The generic rules of kstatus (cli-utils `pkg/kstatus/status/generic.go`) with its `Ready`
/// condition, and its rule for CustomResourceDefinitions (`core.go`).
///
/// They take an object without a status for ready, which is too early where a controller has yet
/// to come to it. So where the kind's definition promises a `Ready` condition, that is waited for,
/// whoever has installed the definition. And where the status as a whole does not say which generation
/// it speaks of, a condition may (`observedGeneration` of `metav1.Condition`, `k8s.io/apimachinery`
/// `meta/v1/types.go`): one of an earlier generation proves nothing.
pub fn state(world: &World, custom: &Custom) -> State {
    let condition = |kind| custom.conditions.condition(kind);
    let holds = |kind| condition(kind).filter(|c| c.is_true() && !is_of_before(custom, c));
    if custom.meta.deleting {
        return State::single(Health::Progressing, "being deleted");
    }
    if custom
        .observed_generation
        .is_some_and(|seen| seen != custom.meta.generation)
    {
        return State::single(Health::Progressing, UNSEEN);
    }
    if custom.object.kind == "CustomResourceDefinition" {
        return match (condition("NamesAccepted"), holds("Established")) {
            (Some(names), _) if names.status == "False" => {
                State::single(Health::Failed, text(names))
            }
            (_, Some(_)) => State::single(Health::Ready, ""),
            _ => State::single(Health::Progressing, "not established"),
        };
    }
    if let Some(stalled) = holds("Stalled") {
        return State::single(Health::Failed, text(stalled));
    }
    if let Some(reconciling) = holds("Reconciling") {
        return State::single(Health::Progressing, text(reconciling));
    }
    match condition("Ready") {
        Some(ready) if is_of_before(custom, ready) => State::single(Health::Progressing, UNSEEN),
        Some(ready) if !ready.is_true() => State::single(Health::Progressing, text(ready)),
        None if promises_ready(world, custom) => {
            let reason = "its controller has not said yet whether it is ready";
            State::single(Health::Progressing, reason)
        }
        _ => State::single(Health::Ready, ""),
    }
}

/// It speaks of another generation than the present one, as far as that is said.
fn is_of_before(custom: &Custom, condition: &Condition) -> bool {
    custom.observed_generation.is_none()
        && condition
            .observed_generation
            .is_some_and(|seen| seen != custom.meta.generation)
}

fn promises_ready(world: &World, custom: &Custom) -> bool {
    let definition = world.definition(custom.object.group(), &custom.object.kind);
    definition.is_some_and(|definition| definition.promises_ready)
}

fn text(condition: &Condition) -> &str {
    if condition.message.is_empty() {
        &condition.reason
    } else {
        &condition.message
    }
}
