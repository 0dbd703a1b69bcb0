//! Releases that are in the cluster as they are to be.

use stackctl::event::{EventKind, Outcome};
use stackctl::memory::{ReleaseEnd, Verified};
use stackctl::runner::Known;
use stackctl::snapshot::{ObjectRef, Share, Surveyed};

use super::fakes::{Fate, Hand, SHARE, applied};
use super::{Case, Ran};

/// Three releases that an earlier run has brought up, `c` with other inputs than now.
fn case(verified: bool) -> Case {
    let mut case = Case::new(&[
        ("a", Fate::Ready(1000), &[]),
        ("b", Fate::Ready(1000), &["a"]),
        ("c", Fate::Ready(1000), &["b"]),
    ]);
    for step in case.plan.steps() {
        let inputs = if step.id.as_str() == "c" {
            "old"
        } else {
            "now"
        };
        applied(&case.fake, step, inputs, verified);
        let job = ObjectRef {
            api_version: "batch/v1".into(),
            kind: "Job".into(),
            namespace: Some("test".into()),
            name: step.id.to_string(),
        };
        let config = ObjectRef {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
            namespace: Some("test".into()),
            name: format!("{}-config", step.id),
        };
        let remembered = |object| Surveyed {
            object,
            share: Some(Share(SHARE.into())),
        };
        let known = Known {
            inputs: "now".into(),
            verified: Some(Verified {
                revision: 1,
                objects: vec![remembered(job), remembered(config)],
            }),
        };
        case.known.insert(step.id.clone(), known);
    }
    case
}

fn deployed(ran: &Ran) -> Vec<&str> {
    let deployed = ran.events.iter().filter_map(|event| match &event.kind {
        EventKind::ReleaseDeployed { release, .. } => Some(release.as_str()),
        _ => None,
    });
    deployed.collect()
}

fn warnings(ran: &Ran) -> Vec<String> {
    let said = ran.events.iter().filter_map(|event| match &event.kind {
        EventKind::Warning {
            release: Some(release),
            message,
        } => Some(format!("{release}: {message}")),
        _ => None,
    });
    said.collect()
}

fn ends(ran: &Ran) -> Vec<(&str, ReleaseEnd)> {
    let ends = ran.ends.iter();
    ends.map(|it| (it.id.as_str(), it.end)).collect()
}

#[test]
fn an_unchanged_release_starts_no_helm_and_one_question_tells_of_all() {
    let case = case(true);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["c"]);
    assert_eq!(
        ends(&ran),
        [
            ("a", ReleaseEnd::Unchanged),
            ("b", ReleaseEnd::Unchanged),
            ("c", ReleaseEnd::Ready)
        ]
    );
    assert_eq!(case.fake.surveys(), 1);
    assert!(!case.fake.is_verified("a"), "it was verified before");
    assert_eq!(ran.verified, ["c"]);
}

#[test]
fn one_that_was_never_seen_ready_is_verified_and_not_taken_for_done() {
    let case = case(false);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["c"]);
    assert!(case.fake.is_verified("a"));
    let ready = ran.events.iter().find(|event| {
        matches!(&event.kind, EventKind::ReleaseReady { release } if release.as_str() == "a")
    });
    assert!(
        ready.unwrap().elapsed_ms >= 1000,
        "its Job was at work still"
    );
}

#[test]
fn what_is_gone_or_was_edited_helm_puts_right() {
    let case = case(true);
    case.fake.by_hand("a-config", Hand::Deletes);
    case.fake.by_hand("b-config", Hand::Edits);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["a", "b", "c"]);
    assert_eq!(
        warnings(&ran),
        [
            "a: configmap/a-config is gone: helm puts it back",
            "b: configmap/b-config was changed by hand: helm puts it right",
        ]
    );
}

#[test]
fn what_another_manager_keeps_is_told_and_left() {
    let case = case(true);
    case.fake.by_hand("a-config", Hand::Keeps);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["c"]);
    assert_eq!(
        warnings(&ran),
        [
            "a: configmap/a-config `.spec.replicas` is kept by kubectl (scale): helm would be refused, \
          so it stays; set it back, or leave it out of the chart"
        ]
    );
}

#[test]
fn a_job_that_was_complete_may_be_gone() {
    let case = case(true);
    case.fake.by_hand("a", Hand::Deletes);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["c"]);
}

#[test]
fn without_a_memory_of_it_helms_record_tells_what_there_is() {
    let mut case = case(true);
    for known in case.known.values_mut() {
        known.verified = None;
    }
    let ran = case.up();
    assert_eq!(deployed(&ran), ["c"]);
    assert_eq!(ran.verified, ["a", "b", "c"]);
}

/// helm counts anew after a removal: the same number may be another revision.
#[test]
fn what_is_remembered_of_a_revision_that_was_not_seen_ready_is_not_trusted() {
    let case = case(false);
    case.fake.by_hand("a-config", Hand::Deletes);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(warnings(&ran).is_empty(), "{:?}", warnings(&ran));
    assert_eq!(deployed(&ran), ["c"]);
}
