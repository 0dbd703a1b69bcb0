use crate::event::Health;
use crate::snapshot::{Claim, World};

use super::State;

/// Bound, or waiting for a consumer: a claim in a release of its own would never be bound before
/// the release that uses it, which in turn waits for it (helm issue 10196). One that is
/// being deleted is bound for as long as a pod uses it (`kubernetes.io/pvc-protection`).
pub fn state(world: &World, claim: &Claim) -> State {
    match claim.phase.as_str() {
        _ if claim.meta.deleting => State::single(Health::Progressing, "being deleted"),
        "Bound" => State::single(Health::Ready, ""),
        "Lost" => State::single(Health::Failed, "its volume is lost"),
        _ if waits_for_consumer(world, claim) => {
            State::single(Health::Ready, "waits for its first consumer")
        }
        _ => State::single(Health::Progressing, "not bound"),
    }
}

/// The claim's storage class binds with the first pod that uses it. Where classes can't be read
/// (they are cluster-scoped), the volume controller's event of that name tells.
fn waits_for_consumer(world: &World, claim: &Claim) -> bool {
    let class = world
        .storage_classes
        .values()
        .find(|class| match &claim.storage_class {
            Some(name) => class.name == *name,
            None => class.is_default,
        });
    match class {
        Some(class) => class.waits_for_first_consumer,
        None => world
            .past
            .events_about(&claim.meta.uid)
            .iter()
            .any(|event| event.reason == "WaitForFirstConsumer"),
    }
}
