//! Releases that the profile does not name any more, removed by an `up`.

use std::time::Duration;

use stackctl::event::{EventKind, Outcome};
use stackctl::names::RunId;
use stackctl::plan::{Leftover, Plan, Selection};
use stackctl::snapshot::RecordStatus;

use super::fakes::{Fate, deployed, left_behind};
use super::{Case, Way};

const EARLIER: &str = "20260101-000000-0001";

/// A stack of `new`, with `old` in the cluster that is to be pruned.
fn case(new: Fate, old: Fate) -> Case {
    let mut case = Case::new(&[("new", new, &[]), ("old", old, &[])]);
    let step = &case.plan.steps()[1];
    deployed(&case.fake, step);
    let leftover = Leftover {
        id: step.id.clone(),
        release: step.release.clone(),
        namespace: step.namespace.clone(),
        needs: Vec::new(),
    };
    let (stack, namespace) = (case.plan.stack.clone(), case.plan.namespace.clone());
    case.orphans = Some(Plan::of_leftovers(stack, namespace, &[leftover]));
    case.replan(&Selection::Only(vec!["new".parse().unwrap()]));
    case
}

#[test]
fn it_has_what_is_left_of_the_runs_time() {
    let mut case = case(Fate::Ready(5700), Fate::Stuck);
    case.timeout = Some(Duration::from_secs(10));
    let ran = case.up();
    assert_eq!(ran.ready("new"), Some(6000));
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    assert_eq!(
        ran.verdict("old").sentence,
        "not gone after 4s: waits for job/old to be gone"
    );
    assert_eq!(ran.events.last().unwrap().elapsed_ms, 10_000);
}

/// What the Lease tells others of a run, and what its last event counts.
#[test]
fn what_is_pruned_is_none_of_what_is_ready() {
    let case = case(Fate::Ready(0), Fate::Ready(0));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(ran.removed("old").is_some());
    assert_eq!(ran.progress, "1 of 1 ready");
    let counts = ran.events.iter().find_map(|event| match event.kind {
        EventKind::RunFinished { counts, .. } => Some((counts.ready, counts.removed)),
        _ => None,
    });
    assert_eq!(counts, Some((1, 1)));
}

/// One helm may be at work; what is gone already needs none.
#[test]
fn a_removal_of_what_is_not_there_waits_for_no_place_among_the_helms() {
    let mut case = Case::new(&[("a", Fate::Ready(0), &[]), ("b", Fate::Ready(0), &[])]);
    case.parallel = 1;
    deployed(&case.fake, &case.plan.steps()[0]);
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert_eq!(ran.removed("b"), Some(0));
    assert!(ran.removed("a") > Some(0));
}

#[test]
fn what_another_helm_may_be_at_work_on_is_not_pruned() {
    let case = |recover| {
        let mut case = case(Fate::Ready(0), Fate::Ready(0));
        let step = &case.orphans.as_ref().unwrap().steps()[0];
        left_behind(&case.fake, step, EARLIER, RecordStatus::PendingUpgrade);
        case.unsure = vec![RunId::foreign(EARLIER)];
        case.recover = recover;
        case
    };
    let ran = case(false).up();
    assert_eq!(ran.outcome, Outcome::Failed);
    assert!(ran.ready("new").is_some());
    assert_eq!(
        ran.verdict("old").hints[1],
        "if none is, `stackctl up --prune --recover` removes the release all the same"
    );
    let ran = case(true).up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(ran.removed("old").is_some());
}
