//! Objects of a release that are being deleted when it is about to be upgraded.

use std::time::Duration;

use stackctl::event::{CancelReason, EventKind, Outcome, VerdictClass};
use stackctl::memory::{Left, Verified};
use stackctl::runner::{Back, Known};
use stackctl::snapshot::{Lingering, ObjectRef, Remaining, Share, Surveyed, Uid};

use crate::fakes::{Fate, HELM, Hand, SHARE, applied, at_revision, superseded};
use crate::{Case, Ran, Way};

const ON: &str = "configmap/held (held by finalizer `example.com/hold`) to be gone";

fn held() -> Lingering {
    Lingering {
        object: ObjectRef {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
            namespace: Some("test".into()),
            name: "held".into(),
        },
        uid: Uid::from("held"),
        is_owned: false,
        is_going: true,
        finalizers: vec!["example.com/hold".into()],
    }
}

fn one() -> Case {
    let mut case = Case::new(&[("a", Fate::Ready(100), &[])]);
    case.timeout = Some(Duration::from_secs(20));
    case
}

fn waits(ran: &Ran) -> usize {
    let told = ran
        .events
        .iter()
        .filter(|event| matches!(&event.kind, EventKind::ReleaseWaiting { on, .. } if on == ON));
    told.count()
}

fn deployed(ran: &Ran) -> Option<u64> {
    let deployed = |kind: &EventKind| matches!(kind, EventKind::ReleaseDeployed { .. });
    let mut events = ran.events.iter();
    Some(events.find(|event| deployed(&event.kind))?.elapsed_ms)
}

/// helm would write on it, and that would go with it.
#[test]
fn they_are_waited_for_before_helm_makes_them_anew() {
    let case = one();
    at_revision(&case.fake, &case.plan.steps()[0], 1);
    case.fake.lets_go("a", held(), Some(3));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(waits(&ran), 1, "{:#?}", ran.events);
    assert_eq!(deployed(&ran), Some(3000 + HELM));
}

#[test]
fn what_the_new_chart_has_no_more_is_not_waited_for() {
    let case = one();
    at_revision(&case.fake, &case.plan.steps()[0], 1);
    case.fake.lets_go("a", held(), None);
    case.fake.is_only_in("held", &[1]);
    let ran = case.up();
    assert_eq!((ran.outcome, waits(&ran)), (Outcome::Ready, 0));
    assert_eq!(deployed(&ran), Some(HELM));
}

/// A change is undone while what it has taken away is still going.
#[test]
fn what_the_last_revision_has_dropped_and_comes_again_is_waited_for() {
    let case = one();
    let step = &case.plan.steps()[0];
    superseded(&case.fake, step, 1);
    at_revision(&case.fake, step, 2);
    case.fake.lets_go("a", held(), Some(3));
    case.fake.is_only_in("held", &[1, 3]);
    let ran = case.up();
    assert_eq!((ran.outcome, waits(&ran)), (Outcome::Ready, 1));
    assert_eq!(deployed(&ran), Some(3000 + HELM));
}

#[test]
fn so_it_is_by_a_rollback() {
    let case = one();
    let step = &case.plan.steps()[0];
    superseded(&case.fake, step, 1);
    at_revision(&case.fake, step, 2);
    case.fake.lets_go("a", held(), Some(3));
    case.fake.is_only_in("held", &[1]);
    let mut back = Back::default();
    back.add(step, Some(1));
    let ran = case.run(&Way::Back(back));
    assert_eq!((ran.outcome, waits(&ran)), (Outcome::Ready, 1));
    assert_eq!(deployed(&ran), Some(3000 + HELM));
}

#[test]
fn what_is_left_to_stay_is_not_waited_for() {
    let case = one();
    at_revision(&case.fake, &case.plan.steps()[0], 1);
    let stays = Lingering {
        is_going: false,
        ..held()
    };
    case.fake.lets_go("a", stays, None);
    let ran = case.up();
    assert_eq!((ran.outcome, waits(&ran)), (Outcome::Ready, 0));
    assert_eq!(deployed(&ran), Some(HELM));
}

/// A removal before has come to its deadline, and helm has forgotten the release.
#[test]
fn what_a_removal_waits_for_is_waited_for_before_an_install() {
    let mut case = one();
    case.left = vec![Left {
        release: case.plan.steps()[0].release.clone(),
        namespace: case.plan.steps()[0].namespace.clone(),
        objects: vec![Remaining {
            object: held().object,
            uid: held().uid,
        }],
    }];
    case.fake.lets_go("a", held(), Some(3));
    let ran = case.up();
    assert_eq!((ran.outcome, waits(&ran)), (Outcome::Ready, 1));
    assert_eq!(deployed(&ran), Some(3000 + HELM));
}

#[test]
fn an_unchanged_release_that_loses_one_is_upgraded() {
    let mut case = one();
    let step = &case.plan.steps()[0];
    applied(&case.fake, step, "now", true);
    let known = Known {
        inputs: "now".into(),
        verified: Some(Verified {
            record: None,
            revision: 1,
            objects: vec![Surveyed {
                object: held().object,
                share: Some(Share(SHARE.into())),
                is_going: false,
            }],
            hooks: Vec::new(),
        }),
    };
    case.known.insert(step.id.clone(), known);
    case.fake.by_hand("held", Hand::DeletesInVain);
    case.fake.lets_go("a", held(), Some(1));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    let says = "configmap/held is being deleted: helm puts it back";
    let said = ran
        .events
        .iter()
        .any(|event| matches!(&event.kind, EventKind::Warning { message, .. } if message == says));
    assert!(said, "{:#?}", ran.events);
    assert_eq!(waits(&ran), 1);
    assert_eq!(deployed(&ran), Some(1000 + HELM));
}

#[test]
fn one_that_never_goes_is_waited_for_until_the_deadline() {
    let case = one();
    at_revision(&case.fake, &case.plan.steps()[0], 1);
    case.fake.lets_go("a", held(), None);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    assert_eq!((waits(&ran), deployed(&ran)), (1, None));
    let verdict = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseFailed { verdict, .. } => Some(verdict),
        _ => None,
    });
    let verdict = verdict.unwrap();
    assert_eq!(verdict.class, VerdictClass::Expired);
    assert!(verdict.sentence.contains(ON), "{verdict:#?}");
}

#[test]
fn a_signal_ends_the_waiting() {
    let mut case = one();
    at_revision(&case.fake, &case.plan.steps()[0], 1);
    case.fake.lets_go("a", held(), None);
    case.signals = vec![(4500, CancelReason::Interrupt)];
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Interrupted);
    assert_eq!(deployed(&ran), None);
    let last = ran.events.last().unwrap();
    assert!(last.elapsed_ms < 5500, "{last:?}");
}
