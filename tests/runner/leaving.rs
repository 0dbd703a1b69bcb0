//! What removals leave, and later ones take away.

use std::time::Duration;

use stackctl::event::{CancelReason, EventKind, Outcome};
use stackctl::memory::Left;
use stackctl::snapshot::{Hook, Lingering, ObjectRef, Remaining, Uid};

use super::fakes::{Fate, marked};
use super::{Case, Ran, Way};

fn object(kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".into(),
        kind: kind.into(),
        namespace: Some("test".into()),
        name: name.into(),
    }
}

fn there(object: &ObjectRef, uid: &str) -> Lingering {
    Lingering {
        object: object.clone(),
        uid: Uid::from(uid),
        is_owned: false,
        is_going: false,
        finalizers: Vec::new(),
    }
}

/// A stack that is gone. A Secret and two ConfigMaps of it were left; one of the latter is another by
/// now.
fn case() -> Case {
    let mut case = Case::new(&[("a", Fate::Ready(0), &[])]);
    let objects = [
        object("Secret", "password"),
        object("ConfigMap", "done"),
        object("ConfigMap", "of-others"),
    ];
    for (object, uid) in objects.iter().zip(["1", "2", "another"]) {
        case.fake.stores(there(object, uid));
    }
    let step = &case.plan.steps()[0];
    let remaining = objects.into_iter().zip(["1", "2", "3"]);
    let remaining = remaining.map(|(object, uid)| Remaining {
        object,
        uid: Uid::from(uid),
    });
    case.left = vec![Left {
        release: step.release.clone(),
        namespace: step.namespace.clone(),
        objects: remaining.collect(),
    }];
    case
}

fn names(ran: &Ran) -> Vec<&str> {
    let objects = ran.left.iter().flat_map(|it| &it.objects);
    objects.map(|it| it.object.name.as_str()).collect()
}

fn kept(ran: &Ran) -> Vec<String> {
    let kept = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseRemoved { kept, .. } => Some(kept.clone()),
        _ => None,
    });
    kept.unwrap()
}

#[test]
fn what_has_stayed_because_volumes_do_stays_and_is_told() {
    let case = case();
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(ran.removed("a"), Some(0));
    assert_eq!(kept(&ran), ["secret/password"]);
    assert_eq!(names(&ran), ["password"], "it is remembered again");
    assert_eq!(case.fake.stored(), ["password", "of-others"]);
}

#[test]
fn a_removal_with_volumes_takes_it_and_nothing_that_is_in_its_place() {
    let mut case = case();
    case.volumes = true;
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(kept(&ran), [""; 0]);
    assert_eq!(names(&ran), [""; 0]);
    assert_eq!(case.fake.stored(), ["of-others"]);
}

/// `persistentVolumeClaimRetentionPolicy`, by which a claim is owned.
#[test]
fn what_goes_with_its_owner_is_waited_for() {
    let mut case = case();
    case.left[0].objects.truncate(1);
    let mut owned = there(&case.left[0].objects[0].object, "1");
    owned.is_owned = true;
    case.fake.stores_only(owned);
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    let sentence = &ran.verdict("a").sentence;
    assert!(
        sentence.contains("waits for secret/password to be gone"),
        "{sentence}"
    );
}

/// A kill between helm's deletion of the record and the end of the run loses nothing.
#[test]
fn what_stays_is_written_down_before_helm_forgets_the_release() {
    let mut case = case();
    case.left.clear();
    let password = Hook {
        object: object("Secret", "password"),
        events: vec!["pre-install".into()],
        weight: 0,
        ran: true,
        succeeded: true,
        stays: true,
    };
    case.fake.has_hook("a", password);
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::Removed);
    let done = ["a leaves secret/password", "a Deleted"];
    assert_eq!(case.fake.removals(), done);
    assert_eq!(names(&ran), ["password"]);
}

#[test]
fn what_another_stack_has_taken_over_is_left_to_it() {
    let case = Case::new(&[("a", Fate::Ready(0), &[])]);
    marked(&case.fake, &case.plan.steps()[0], 2, |marks| {
        marks.stack = Some("other".into());
    });
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(case.fake.removals(), [""; 0]);
    assert_eq!(kept(&ran), ["release/a"]);
    assert_eq!(untouched(&ran), ["a"]);
    assert_eq!(
        ran.warnings(),
        ["release `a` in `test` is of stack `other` by now, and stays"]
    );
}

/// Releases of which there was nothing to remove.
fn untouched(ran: &Ran) -> Vec<&str> {
    let events = ran.events.iter();
    let untouched = events.filter_map(|event| match &event.kind {
        EventKind::ReleaseRemoved {
            release,
            untouched: true,
            ..
        } => Some(release.as_str()),
        _ => None,
    });
    untouched.collect()
}

#[test]
fn what_was_never_installed_is_not_called_removed() {
    let case = Case::new(&[("a", Fate::Ready(0), &[]), ("b", Fate::Ready(0), &[])]);
    marked(&case.fake, &case.plan.steps()[1], 1, |_| {});
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(untouched(&ran), ["a"]);
    assert_eq!(case.fake.removals(), ["b Deleted"]);
}

#[test]
fn what_is_taken_over_from_another_stack_is_told() {
    let case = Case::new(&[("a", Fate::Ready(0), &[])]);
    marked(&case.fake, &case.plan.steps()[0], 2, |marks| {
        marks.stack = Some("other".into());
    });
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    let said = "release `a` in `test` was of stack `other`, and is of this one from now on";
    assert_eq!(ran.warnings(), [said]);
}

/// Whoever interrupts a removal that waits finds what it waits for again, and so does who comes after a
/// kill.
#[test]
fn what_is_held_is_remembered_where_a_removal_is_interrupted() {
    let mut case = case();
    case.left.clear();
    let held = Lingering {
        is_going: true,
        finalizers: vec!["example.com/hold".into()],
        ..there(&object("ConfigMap", "held"), "4")
    };
    case.fake.lets_go("a", held, None);
    case.signals = vec![(10_000, CancelReason::Interrupt)];
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::Interrupted);
    assert_eq!(names(&ran), ["held"]);
    let noted = case.fake.removals();
    let notes = noted.iter().filter(|it| *it == "a leaves configmap/held");
    assert_eq!(notes.count(), 1, "{noted:?}");
}

/// A run that is killed in the moment in which helm has forgotten the release tells the next one nothing
/// more.
#[test]
fn what_a_finalizer_may_hold_is_written_down_before_helm_forgets_the_release() {
    let mut case = case();
    case.left.clear();
    let held = Lingering {
        finalizers: vec!["example.com/hold".into()],
        ..there(&object("ConfigMap", "held"), "4")
    };
    case.fake.lets_go("a", held, Some(3));
    case.fake.stores(there(&object("ConfigMap", "plain"), "6"));
    let ran = case.down();
    assert_eq!(ran.outcome, Outcome::Removed);
    let done = ["a leaves configmap/held", "a Deleted"];
    assert_eq!(case.fake.removals(), done);
    assert_eq!(names(&ran), [""; 0], "it is gone by then");
}

/// A namespace that a hook has made stays whatever is asked for; helm has forgotten the release by the
/// time that this is told.
#[test]
fn what_stays_for_good_is_told_by_the_run_that_ends_the_removal() {
    let namespace = ObjectRef {
        namespace: None,
        ..object("Namespace", "made")
    };
    let hook = Hook {
        object: namespace.clone(),
        events: vec!["pre-install".into()],
        weight: 0,
        ran: true,
        succeeded: true,
        stays: true,
    };
    let mut first = case();
    first.left.clear();
    first.fake.has_hook("a", hook);
    first.fake.stores(there(&namespace, "5"));
    let held = Lingering {
        is_going: true,
        finalizers: vec!["example.com/hold".into()],
        ..there(&object("ConfigMap", "held"), "4")
    };
    first.fake.lets_go("a", held, None);
    first.timeout = Some(Duration::from_secs(10));
    let ran = first.down();
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    assert!(names(&ran).contains(&"made"), "{:?}", ran.left);

    let mut next = case();
    next.left = ran.left;
    next.volumes = true;
    next.fake.stores_only(there(&namespace, "5"));
    let ran = next.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(kept(&ran), ["namespace/made"]);
    assert_eq!(next.fake.stored(), ["made"]);
    assert_eq!(names(&ran), [""; 0], "it has been told");
}
