//! Releases that are in the cluster as they are to be.

use stackctl::event::{EventKind, Outcome};
use stackctl::memory::{ReleaseEnd, Verified};
use stackctl::runner::Known;
use stackctl::snapshot::{
    Condition, Custom, Hook, LastingHook, Meta, ObjectRef, Share, Snapshot, Surveyed, Uid,
};

use super::fakes::{Fate, Hand, SHARE, applied, hook, made_by};
use super::{Case, Ran};

/// Three releases that an earlier run has brought up, `c` with other inputs than now.
fn case(verified: bool) -> Case {
    needing("a", verified)
}

/// `b` has this need.
fn needing(need: &str, verified: bool) -> Case {
    let mut case = Case::new(&[
        ("a", Fate::Ready(1000), &[]),
        ("b", Fate::Ready(1000), &[need]),
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
            is_going: false,
        };
        let known = Known {
            inputs: "now".into(),
            verified: Some(Verified {
                record: None,
                revision: 1,
                objects: vec![remembered(job), remembered(config)],
                hooks: Vec::new(),
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

/// One helm may be at work, and is at work on another release.
#[test]
fn an_unchanged_release_waits_for_no_place_among_the_helms() {
    let mut case = Case::new(&[("a", Fate::Ready(1000), &[]), ("b", Fate::Ready(1000), &[])]);
    case.parallel = 1;
    applied(&case.fake, &case.plan.steps()[1], "now", true);
    let known = Known {
        inputs: "now".into(),
        verified: Some(Verified {
            record: None,
            revision: 1,
            objects: Vec::new(),
            hooks: Vec::new(),
        }),
    };
    case.known.insert("b".parse().unwrap(), known);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["a"]);
    assert_eq!(ran.ready("b"), Some(0));
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
fn what_others_have_filled_in_is_left_without_a_word() {
    let case = case(true);
    case.fake.by_hand("a-config", Hand::FillsIn);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["c"]);
    assert_eq!(warnings(&ran), [""; 0]);
}

/// The Secret `NAME`.
fn secret(name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".into(),
        kind: "Secret".into(),
        namespace: Some("test".into()),
        name: name.into(),
    }
}

#[test]
fn a_hook_that_is_gone_is_put_back_where_an_upgrade_makes_it() {
    let mut case = case(true);
    for (release, on_upgrade) in [("a", true), ("b", false)] {
        let known = case.known.get_mut(&release.parse().unwrap()).unwrap();
        let hook = LastingHook {
            object: secret(&format!("{release}-key")),
            on_upgrade,
        };
        known.verified.as_mut().unwrap().hooks.push(hook);
    }
    let there = case.up();
    assert_eq!((deployed(&there), warnings(&there).len()), (vec!["c"], 0));

    let mut again = self::case(true);
    again.known = case.known.clone();
    again.fake.by_hand("a-key", Hand::Deletes);
    again.fake.by_hand("b-key", Hand::Deletes);
    let ran = again.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["a", "c"]);
    assert_eq!(
        warnings(&ran),
        [
            "a: secret/a-key is gone: helm puts it back",
            "b: secret/b-key is gone, and helm makes it in a first install only: `helm get hooks b -n \
             test` prints its manifest; a hook that upgrades are to repeat needs `pre-upgrade`",
        ]
    );
}

/// Its revision was never seen ready, so the record tells what there is to be.
#[test]
fn an_object_that_has_become_a_hook_is_told_and_comes_back_with_the_next_run() {
    let hook = |events: &[&str], name: &str| Hook {
        object: secret(name),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        weight: 0,
        ran: true,
        succeeded: true,
        stays: true,
    };
    let mut first = case(true);
    for name in ["key", "once"] {
        let known = first.known.get_mut(&"c".parse().unwrap()).unwrap();
        known.verified.as_mut().unwrap().objects.push(Surveyed {
            object: secret(name),
            share: None,
            is_going: false,
        });
        first.fake.by_hand(name, Hand::Deletes);
    }
    first
        .fake
        .has_hook("c", hook(&["pre-install", "pre-upgrade"], "key"));
    first.fake.has_hook("c", hook(&["pre-install"], "once"));
    let ran = first.up();
    let how = "was an object of the release and is a hook now, so helm has deleted it";
    assert_eq!(
        warnings(&ran),
        [
            format!("c: secret/key {how}: run `up` again, which makes it once more"),
            format!(
                "c: secret/once {how}, and makes it in a first install only: add `pre-upgrade` to \
                 its `helm.sh/hook`, or let it be no hook"
            ),
        ]
    );

    let second = case(false);
    second
        .fake
        .has_hook("a", hook(&["pre-install", "pre-upgrade"], "key"));
    second.fake.by_hand("key", Hand::Deletes);
    let ran = second.up();
    assert_eq!(deployed(&ran), ["a", "c"]);
    assert_eq!(warnings(&ran), ["a: secret/key is gone: helm puts it back"]);
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
fn a_need_on_a_job_that_was_complete_stays_met() {
    for away in [false, true] {
        let case = needing("a:job/a", true);
        if away {
            case.fake.by_hand("a", Hand::Deletes);
        }
        let ran = case.up();
        assert_eq!((ran.outcome, deployed(&ran)), (Outcome::Ready, vec!["c"]));
    }
}

/// helm's record tells of them, and nothing else does.
#[test]
fn a_need_on_a_hook_of_an_unchanged_release_stays_met() {
    let case = needing("a:job/migrate", true);
    case.fake.has_hook("a", hook("migrate", "post-install"));
    case.fake.has_hook("a", hook("undo", "pre-rollback"));
    let ran = case.up();
    assert_eq!((ran.outcome, deployed(&ran)), (Outcome::Ready, vec!["c"]));

    let absent = [
        ("a:job/undo", "it is for `pre-rollback` and has not run"),
        ("a:job/typo", "which has no such object"),
    ];
    for (absent, why) in absent {
        let case = needing(absent, true);
        case.fake.has_hook("a", hook("undo", "pre-rollback"));
        let ran = case.up();
        assert_eq!(ran.outcome, Outcome::Failed, "{absent}");
        assert!(ran.verdict("b").sentence.contains(why));
    }
}

/// What a hook has made and left.
fn left_by(event: &str, object: ObjectRef) -> Hook {
    Hook {
        object,
        ..hook("", event)
    }
}

#[test]
fn what_a_hook_of_an_unchanged_release_left_meets_a_need_only_once_it_is_ready() {
    for (verified, watched) in [(true, true), (true, false), (false, true), (false, false)] {
        let case = needing("a:thing/resource", verified);
        case.fake.has_hook("a", left_by("post-install", resource()));
        case.fake.knows(custom("False"), watched);
        case.fake.happens_later(custom("True"));
        let ran = case.up();
        assert_eq!(ran.outcome, Outcome::Ready);
        let is_met = ran.events.iter().find(|event| match &event.kind {
            EventKind::ReleaseUnchanged { release, .. } => release.as_str() == "b",
            _ => false,
        });
        let at = is_met.expect("`b` goes on").elapsed_ms;
        assert!(at >= 1000, "verified: {verified}, watched: {watched}, {at}");
    }
}

#[test]
fn a_need_on_what_a_hook_left_and_is_gone_is_not_met() {
    for verified in [true, false] {
        let case = needing("a:secret/key", verified);
        case.fake
            .has_hook("a", left_by("pre-install", secret("key")));
        case.fake.by_hand("key", Hand::Deletes);
        let ran = case.up();
        assert_eq!(ran.outcome, Outcome::Failed);
        assert_eq!(
            ran.verdict("b").sentence,
            "it needs secret/key of release `a`, which only a hook makes: it is gone"
        );
    }
}

/// Its delete policy has taken it, and what it was for is done.
#[test]
fn a_need_on_a_hook_that_helm_has_deleted_again_is_met_if_it_ran() {
    let case = needing("a:job/migrate", true);
    let migrate = Hook {
        stays: false,
        ..hook("migrate", "post-install")
    };
    case.fake.has_hook("a", migrate);
    case.fake.by_hand("migrate", Hand::Deletes);
    let ran = case.up();
    assert_eq!((ran.outcome, deployed(&ran)), (Outcome::Ready, vec!["c"]));

    let case = needing("a:configmap/seed", true);
    let seed = ObjectRef {
        kind: "ConfigMap".into(),
        ..secret("seed")
    };
    let seed = Hook {
        stays: false,
        ..left_by("pre-install", seed)
    };
    case.fake.has_hook("a", seed);
    let ran = case.up();
    assert_eq!(
        ran.verdict("b").sentence,
        "it needs configmap/seed of release `a`, which only a hook makes: helm has deleted it again \
         (`hook-succeeded`)"
    );
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

#[test]
fn a_release_without_objects_is_unchanged_as_any_other() {
    let mut case = case(true);
    for known in case.known.values_mut() {
        known.verified.as_mut().unwrap().objects.clear();
    }
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), ["c"]);
    assert_eq!(ends(&ran)[0], ("a", ReleaseEnd::Unchanged));
}

/// A custom resource of release `a`.
fn custom(ready: &str) -> Snapshot {
    Snapshot::Custom(Custom {
        object: resource(),
        meta: Meta {
            uid: Uid::from("resource"),
            namespace: "test".into(),
            name: "resource".into(),
            generation: 1,
            created: jiff::Timestamp::UNIX_EPOCH,
            deleting: false,
            owner: None,
            revision_hash: None,
            hook: false,
        },
        observed_generation: None,
        conditions: vec![Condition {
            kind: "Ready".into(),
            status: ready.into(),
            reason: "Broken".into(),
            message: String::new(),
            since: None,
            observed_generation: None,
        }],
        definition: None,
    })
}

fn resource() -> ObjectRef {
    ObjectRef {
        api_version: "example.com/v1".into(),
        kind: "Thing".into(),
        namespace: Some("test".into()),
        name: "resource".into(),
    }
}

#[test]
fn what_is_unchanged_is_judged_by_what_was_really_seen() {
    for watched in [true, false] {
        let mut case = case(true);
        let id = case.plan.steps()[0].id.clone();
        let verified = case.known.get_mut(&id).unwrap().verified.as_mut().unwrap();
        verified.objects.push(Surveyed {
            object: resource(),
            share: Some(Share(SHARE.into())),
            is_going: false,
        });
        case.fake.knows(custom("False"), watched);
        case.fake.happens_later(custom("True"));
        let ran = case.up();
        let ready = ran.events.iter().find(|event| {
            matches!(&event.kind, EventKind::ReleaseReady { release } if release.as_str() == "a")
        });
        assert!(ready.unwrap().elapsed_ms >= 1000, "watched: {watched}");
        assert_eq!(ran.outcome, Outcome::Ready);
    }
}

/// Another stack of this name has it, or an older stackctl has made it and nobody knows for whom.
#[test]
fn what_a_stack_of_the_same_name_has_made_is_not_unchanged() {
    let elsewhere = |profile: &mut stackctl::profile::Profile| {
        profile.releases[0].namespace = "elsewhere".parse().unwrap();
    };
    let ran = |home: Option<&str>, listed: bool| {
        let mut case = Case::with(&[("a", Fate::Ready(1000), &[])], elsewhere);
        let step = &case.plan.steps()[0];
        made_by(&case.fake, step, "now", home);
        let known = Known {
            inputs: "now".into(),
            verified: None,
        };
        if listed {
            let named = (step.namespace.clone(), step.release.clone());
            case.listed.insert(named);
        }
        case.known.insert(step.id.clone(), known);
        ends(&case.run(&super::Way::Up))[0].1
    };
    let (unchanged, ready) = (ReleaseEnd::Unchanged, ReleaseEnd::Ready);
    assert_eq!(ran(Some("test"), false), unchanged);
    assert_eq!(ran(Some("elsewhere"), true), ready);
    assert_eq!(ran(None, true), unchanged);
    assert_eq!(ran(None, false), ready);
}
