//! Releases that go back to what was verified.

use jiff::Timestamp;
use stackctl::event::{CancelReason, EventKind, Outcome};
use stackctl::memory::{Identity, ReleaseEnd, VerifiedSet};
use stackctl::names::{ReleaseId, RunId};
use stackctl::output::Palette;
use stackctl::plan::{Rollback, Selection};
use stackctl::reporter::summary;
use stackctl::runner::ports::RevisionEnd;
use stackctl::runner::{Back, Known, OnFailure};
use stackctl::snapshot::Marks;
use stackctl::state::RunState;

use super::fakes::{Fate, HELM, at_revision, marked, record_uid, superseded};
use super::{Case, Ran, Way};

fn case(fates: [Fate; 3]) -> Case {
    let [a, b, c] = fates;
    let case = Case::with(
        &[("a", a, &[]), ("b", b, &["a"]), ("c", c, &["b"])],
        |profile| {
            for release in &mut profile.releases {
                if release.id.as_str() == "c" {
                    release.rollback = Rollback::ForwardOnly;
                }
            }
        },
    );
    for step in case.plan.steps() {
        superseded(&case.fake, step, 1);
        at_revision(&case.fake, step, 2);
    }
    case
}

fn set(ids: &[&str]) -> VerifiedSet {
    let releases = ids.iter().map(|id| (id.parse().unwrap(), 1));
    let identity = |id: &&str| {
        let release = id.parse().unwrap();
        let record = Some(record_uid(&release, 1));
        let namespace = "test".parse().unwrap();
        let identity = Identity {
            release,
            namespace,
            record,
        };
        (id.parse().unwrap(), identity)
    };
    VerifiedSet {
        run: RunId::foreign("20260101-000000-0001"),
        at: Timestamp::UNIX_EPOCH,
        commit: None,
        releases: releases.collect(),
        identities: ids.iter().map(identity).collect(),
        left: false,
    }
}

fn when(ran: &Ran, id: &str, is: impl Fn(&EventKind) -> bool) -> u64 {
    let mut events = ran.events.iter();
    let found = events.find(|event| {
        let of_it = event.kind.release().is_some_and(|it| it.as_str() == id);
        of_it && is(&event.kind)
    });
    found.unwrap().elapsed_ms
}

#[test]
fn whoever_needs_others_goes_first_and_all_come_up_together() {
    let mut case = case([Fate::Stuck; 3]);
    let mut to = Back::default();
    for step in case.plan.steps() {
        to.add(step, Some(1));
    }
    let ids = to.to.keys().cloned().collect();
    case.replan(&Selection::Only(ids));
    let ran = case.run(&Way::Back(to));
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(ran.together);
    assert_eq!(
        ran.warnings(),
        ["`c` does not go back: its `rollback` is `forward-only`"]
    );
    let went = [("b".to_owned(), 1), ("a".to_owned(), 1)];
    assert_eq!(case.fake.went_back(), went);
    let begins = |kind: &EventKind| matches!(kind, EventKind::ReleaseRollingBack { to: 1, .. });
    let ready = |kind: &EventKind| matches!(kind, EventKind::ReleaseReady { .. });
    assert_eq!(when(&ran, "b", begins), 0);
    assert_eq!(
        when(&ran, "a", begins),
        HELM,
        "as soon as helm is through with b"
    );
    assert!(when(&ran, "b", ready) >= HELM + 1000);
}

/// `helm rollback` does not say so where a hook fails.
#[test]
fn a_rollback_that_fails_leaves_no_revision_pending() {
    let mut case = case([Fate::Stuck, Fate::LeftPending, Fate::Stuck]);
    let mut to = Back::default();
    to.add(&case.plan.steps()[1], Some(1));
    case.replan(&Selection::Only(to.to.keys().cloned().collect()));
    let ran = case.run(&Way::Back(to));
    assert_eq!(ran.outcome, Outcome::Failed);
    let closed = [("b".to_owned(), 3, RevisionEnd::Failed)];
    assert_eq!(case.fake.closed(), closed);
}

#[test]
fn a_failed_run_brings_back_what_it_has_changed() {
    let mut case = case([Fate::Ready(0), Fate::Fails(0), Fate::Ready(0)]);
    case.on_failure = OnFailure::GoBack(Some(set(&["a", "b", "c"])));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed, "it is not forgotten");
    let went = [("b".to_owned(), 1), ("a".to_owned(), 1)];
    assert_eq!(case.fake.went_back(), went, "c was never touched");
    assert!(ran.verdict("b").sentence.contains("failed"));
    let ready: Vec<u64> = ["a", "b"]
        .map(|id| {
            let last = ran.events.iter().rev().find(|event| {
                matches!(&event.kind, EventKind::ReleaseReady { release } if release.as_str() == id)
            });
            last.unwrap().seq
        })
        .into();
    let turn = ran
        .events
        .iter()
        .find(|event| matches!(event.kind, EventKind::RunRollingBack { .. }));
    assert!(ready.iter().all(|seq| *seq > turn.unwrap().seq));
    let counts = ran.events.iter().find_map(|event| match event.kind {
        EventKind::RunFinished { counts, .. } => Some(counts),
        _ => None,
    });
    let counts = counts.unwrap();
    assert_eq!((counts.ready, counts.failed, counts.blocked), (2, 0, 1));
}

#[test]
fn without_a_set_or_a_failure_nothing_goes_back() {
    let case = case([Fate::Ready(0), Fate::Fails(0), Fate::Ready(0)]);
    assert_eq!(case.up().outcome, Outcome::Failed);
    assert!(case.fake.went_back().is_empty());

    let mut case = self::case([Fate::Ready(0); 3]);
    case.on_failure = OnFailure::GoBack(Some(set(&["a", "b", "c"])));
    assert_eq!(case.up().outcome, Outcome::Ready);
    assert!(case.fake.went_back().is_empty());
}

#[test]
fn one_that_was_not_there_then_stays() {
    let mut case = case([Fate::Ready(0), Fate::Fails(0), Fate::Ready(0)]);
    case.on_failure = OnFailure::GoBack(Some(set(&["a"])));
    let ran = case.up();
    assert_eq!(case.fake.went_back(), [("a".to_owned(), 1)]);
    let said = "`b` does not go back: no revision of it was verified together with the others";
    assert!(ran.warnings().contains(&said));
}

/// helm can't be told to write our marks on it, and may be killed before it is through.
#[test]
fn a_revision_that_goes_back_is_marked_while_helm_is_at_work() {
    let mut case = case([Fate::Stuck; 3]);
    let mut to = Back::default();
    to.add(&case.plan.steps()[0], Some(1));
    case.replan(&Selection::Only(to.to.keys().cloned().collect()));
    case.signals = vec![(HELM / 2, CancelReason::Interrupt)];
    let ran = case.run(&Way::Back(to));
    assert_eq!(ran.outcome, Outcome::Interrupted);
    assert_eq!(case.fake.made(), [("a".to_owned(), 3)]);
}

/// The run before was killed when it had brought `a` up: what it has changed is no less changed.
#[test]
fn what_a_killed_run_has_changed_goes_back_too() {
    let mut case = case([Fate::Ready(0), Fate::Fails(0), Fate::Ready(0)]);
    let made_of = |marks: &mut Marks| marks.inputs = Some("new".into());
    marked(&case.fake, &case.plan.steps()[0], 2, made_of);
    let known = Known {
        inputs: "new".into(),
        verified: None,
    };
    case.known.insert("a".parse().unwrap(), known);
    case.on_failure = OnFailure::GoBack(Some(set(&["a", "b", "c"])));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    let went = [("b".to_owned(), 1), ("a".to_owned(), 1)];
    assert_eq!(case.fake.went_back(), went);
}

#[test]
fn a_rollback_that_is_taken_up_again_leaves_what_is_back() {
    let mut case = case([Fate::Ready(0); 3]);
    let mut to = Back::default();
    for step in &case.plan.steps()[..2] {
        to.add(step, Some(1));
    }
    let from_first = |marks: &mut Marks| marks.target = Some(1);
    marked(&case.fake, &case.plan.steps()[1], 3, from_first);
    case.replan(&Selection::Only(to.to.keys().cloned().collect()));
    let ran = case.run(&Way::Back(to));
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(ran.together);
    assert_eq!(case.fake.went_back(), [("a".to_owned(), 1)]);
}

fn went_back_to(set: VerifiedSet) -> (Vec<(String, u32)>, Vec<String>) {
    let mut case = case([Fate::Ready(0), Fate::Fails(0), Fate::Ready(0)]);
    case.on_failure = OnFailure::GoBack(Some(set));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    let warnings = ran.warnings();
    let warnings = warnings.iter().map(ToString::to_string).collect();
    (case.fake.went_back(), warnings)
}

/// helm counts anew then: its revision 1 is not what was verified.
#[test]
fn nothing_goes_back_where_a_release_was_installed_anew_since() {
    let mut set = set(&["a", "b", "c"]);
    set.identities
        .get_mut(&"a".parse::<ReleaseId>().unwrap())
        .unwrap()
        .record = Some("another".into());
    let said = "failed, and nothing goes back: what run 20260101-000000-0001 had verified can't be brought \
                back: `a` was installed anew since";
    assert_eq!(went_back_to(set), (Vec::new(), vec![said.to_owned()]));
}

#[test]
fn nothing_goes_back_where_a_release_had_another_name() {
    let mut set = set(&["a", "b", "c"]);
    set.identities
        .get_mut(&"b".parse::<ReleaseId>().unwrap())
        .unwrap()
        .release = "b-old".parse().unwrap();
    let said = "failed, and nothing goes back: what run 20260101-000000-0001 had verified can't be brought \
                back: `b` was release `b-old` in `test` then";
    assert_eq!(went_back_to(set), (Vec::new(), vec![said.to_owned()]));
}

/// It may be there still, as an orphan: the others can go back all the same.
#[test]
fn what_the_profile_names_no_more_is_told_and_stays() {
    let (went, warnings) = went_back_to(set(&["a", "b", "gone"]));
    assert_eq!(went, [("b".to_owned(), 1), ("a".to_owned(), 1)]);
    let said = "`gone` does not go back: it is no release of the profile any more";
    assert_eq!(warnings, [said]);
}

#[test]
fn a_first_install_that_fails_says_that_nothing_goes_back() {
    let mut case = Case::new(&[("a", Fate::Fails(0), &[])]);
    case.on_failure = OnFailure::GoBack(None);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    let said =
        "failed, and nothing goes back: no revisions of the stack were verified together yet";
    assert_eq!(ran.warnings(), [said]);
}

fn ends(ran: &Ran) -> Vec<(&str, Option<u32>, ReleaseEnd)> {
    let ends = ran.ends.iter();
    ends.map(|it| (it.id.as_str(), it.revision, it.end))
        .collect()
}

#[test]
fn what_is_remembered_of_a_run_that_went_back_is_what_there_is() {
    let mut case = Case::new(&[
        ("a", Fate::Ready(0), &[]),
        ("b", Fate::Fails(0), &[]),
        ("c", Fate::Ready(0), &["b"]),
    ]);
    for step in case.plan.steps() {
        superseded(&case.fake, step, 1);
        at_revision(&case.fake, step, 2);
    }
    let verified = |marks: &mut Marks| marks.verified = Some(2);
    marked(&case.fake, &case.plan.steps()[2], 2, verified);
    let mut set = set(&["a", "b", "c"]);
    let c: ReleaseId = "c".parse().unwrap();
    set.releases.insert(c.clone(), 2);
    set.identities.get_mut(&c).unwrap().record = Some(record_uid(&"c".parse().unwrap(), 2));
    case.on_failure = OnFailure::GoBack(Some(set));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    let there = [
        ("a", Some(4), ReleaseEnd::Ready),
        ("b", Some(4), ReleaseEnd::Ready),
        ("c", None, ReleaseEnd::Blocked),
    ];
    assert_eq!(ends(&ran), there);
    let back = ran.back.as_ref().unwrap();
    assert_eq!(back.to.as_str(), "20260101-000000-0001");
    assert_eq!(back.failed, ["b".parse().unwrap()]);
    assert!(ran.together, "c is as it was verified");
}

/// A signal while all goes back: what is not back is not said to be.
#[test]
fn what_does_not_get_back_is_known() {
    let mut case = case([Fate::Ready(0), Fate::Fails(0), Fate::Ready(0)]);
    case.on_failure = OnFailure::GoBack(Some(set(&["a", "b"])));
    let turn = case.up();
    let turn = turn.events.iter().find_map(|event| match event.kind {
        EventKind::RunRollingBack { .. } => Some(event.elapsed_ms),
        _ => None,
    });
    let mut case = self::case([Fate::Ready(0), Fate::Fails(0), Fate::Ready(0)]);
    case.on_failure = OnFailure::GoBack(Some(set(&["a", "b"])));
    case.signals = vec![(turn.unwrap() + HELM / 2, CancelReason::Interrupt)];
    let ran = case.up();
    let mut state = RunState::default();
    for event in &ran.events {
        state.apply(event);
    }
    let not_back: Vec<&str> = state.not_back().iter().map(|id| id.as_str()).collect();
    assert_eq!(not_back, ["a", "b"]);
    let summary = summary::lines(&state, None, &Palette::default())
        .pop()
        .unwrap();
    let said =
        "failed, and not all is back at what run 20260101-000000-0001 had verified (a and b): ";
    assert!(summary.contains(said), "{summary}");
    assert!(!ran.together);
}
