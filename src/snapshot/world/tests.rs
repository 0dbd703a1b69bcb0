use super::*;
use crate::snapshot::{ClusterEvent, Meta, UpdateStrategy, WorkloadKind};

fn deployment(generation: i64, observed_generation: i64) -> Observation {
    Observation::Seen(Snapshot::Workload(Workload {
        kind: WorkloadKind::Deployment,
        meta: Meta {
            uid: Uid::from("web"),
            namespace: "shop".into(),
            name: "web".into(),
            generation,
            created: jiff::Timestamp::UNIX_EPOCH,
            deleting: false,
            owner: None,
            revision_hash: None,
            hook: false,
        },
        observed_generation,
        desired: 1,
        current: 1,
        updated: 1,
        ready: 1,
        available: 1,
        strategy: UpdateStrategy::Rolling { partition: 0 },
        ordered: false,
        paused: false,
        revision: 1,
        current_revision: String::new(),
        update_revision: String::new(),
        conditions: Vec::new(),
    }))
}

fn observed(world: &World) -> (i64, i64) {
    let workload = &world.workloads[&Uid::from("web")];
    (workload.meta.generation, workload.observed_generation)
}

/// Seen on a busy machine: the answer was given before the controller had seen the change, and
/// came in after the watch had told that it has. Nothing else changed for minutes.
#[test]
fn a_late_answer_does_not_undo_what_a_watch_has_told() {
    let mut world = World::default();
    world.apply(&deployment(1, 1));
    world.apply_answer(&deployment(1, 0));
    assert_eq!(observed(&world), (1, 1));
}

#[test]
fn an_answer_tells_of_a_change_that_the_watch_has_yet_to_tell() {
    let mut world = World::default();
    world.apply(&deployment(1, 1));
    world.apply_answer(&deployment(2, 1));
    assert_eq!(observed(&world), (2, 1));
    world.apply(&deployment(1, 1));
    assert_eq!(observed(&world), (2, 1));
}

fn event(uid: &str, last_seen: i64) -> Observation {
    let object = ObjectRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "web".into(),
    };
    Observation::Seen(Snapshot::Event(ClusterEvent {
        uid: Uid::from(uid),
        about: object,
        about_uid: Uid::from("web"),
        container: None,
        warning: true,
        reason: "Unhealthy".into(),
        message: uid.into(),
        count: 1,
        last_seen: Some(jiff::Timestamp::from_second(last_seen).unwrap()),
    }))
}

#[test]
fn events_are_in_the_order_in_which_they_were_last_seen() {
    let mut world = World::default();
    for (uid, seen) in [("late", 30), ("first", 10), ("second", 20), ("first", 40)] {
        world.apply(&event(uid, seen));
    }
    let told = world.past.events_about(&Uid::from("web"));
    let told: Vec<&str> = told.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(told, ["second", "late", "first"]);
}

#[test]
fn an_event_that_happens_again_and_again_is_not_forgotten() {
    let mut world = World::default();
    for at in 0..100 {
        world.apply(&event("again", at));
        world.apply(&event(&format!("other-{at}"), at));
    }
    let told = world.past.events_about(&Uid::from("web"));
    assert_eq!(told.len(), 32);
    assert!(told.iter().any(|event| event.message == "again"));
}
