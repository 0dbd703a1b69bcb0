//! What an earlier run has left half done.

use stackctl::event::{EventKind, Outcome};
use stackctl::names::RunId;
use stackctl::snapshot::RecordStatus;

use super::fakes::{Fate, HELM, failed, failed_for_long, hook, left_behind, starts};
use super::{Case, Ran};

const EARLIER: &str = "20260101-000000-0001";

fn recovered(ran: &Ran) -> Vec<&str> {
    let from = ran.events.iter().filter_map(|event| match &event.kind {
        EventKind::ReleaseRecovering { from, .. } => Some(from.as_str()),
        _ => None,
    });
    from.collect()
}

fn left(status: RecordStatus) -> Case {
    let case = Case::new(&[("a", Fate::Ready(1000), &[]), ("b", Fate::Ready(0), &["a"])]);
    left_behind(&case.fake, &case.plan.steps()[0], EARLIER, status);
    case
}

#[test]
fn a_pending_revision_of_a_run_that_is_over_is_closed() {
    for status in [RecordStatus::PendingUpgrade, RecordStatus::PendingRollback] {
        let ran = left(status).up();
        assert_eq!(ran.outcome, Outcome::Ready);
        assert_eq!(recovered(&ran), [status.as_str()]);
        let deployed = ran.events.iter().find_map(|event| match &event.kind {
            EventKind::ReleaseDeployed { revision, .. } => Some(*revision),
            _ => None,
        });
        assert_eq!(deployed, Some(3));
    }
}

#[test]
fn one_that_was_being_removed_is_installed_anew() {
    let refused = left(RecordStatus::Uninstalling).up();
    assert_eq!(
        refused.verdict("a").sentence,
        "its revision 2 is uninstalling, and a helm may still be at work on that"
    );
    let mut case = left(RecordStatus::Uninstalling);
    case.recover = true;
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(recovered(&ran), ["uninstalling"]);
}

#[test]
fn a_helm_that_may_be_at_work_is_left_alone() {
    let mut case = left(RecordStatus::PendingUpgrade);
    case.unsure = vec![RunId::foreign(EARLIER)];
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(case.fake.most_at_work(), 0);
    let verdict = ran.verdict("a");
    assert_eq!(
        verdict.sentence,
        "its revision 2 is pending-upgrade, and run 20260101-000000-0001 left it so, without a word: \
         its helm may still be at work"
    );
    assert!(verdict.hints[1].contains("`stackctl up --recover`"));

    let mut case = left(RecordStatus::PendingUpgrade);
    case.unsure = vec![RunId::foreign(EARLIER)];
    case.recover = true;
    assert_eq!(case.up().outcome, Outcome::Ready);
}

/// The hook's pod is about to run when the run that has begun it is killed.
#[test]
fn a_hook_that_is_starting_is_waited_for() {
    for (state, waited) in [("ContainerCreating", 30_000), ("ImagePullBackOff", 0)] {
        let case = left(RecordStatus::PendingUpgrade);
        case.fake.has_hook("a", hook("before", "pre-upgrade"));
        starts(&case.fake, "before", state);
        let ran = case.up();
        assert_eq!(ran.outcome, Outcome::Ready);
        let deployed = ran.when("a", |kind| {
            matches!(kind, EventKind::ReleaseDeployed { .. })
        });
        let early = waited + HELM;
        assert!(
            (early..early + 1000).contains(&deployed.unwrap()),
            "{state}: {deployed:?}"
        );
        let is_told = |kind: &EventKind| match kind {
            EventKind::ReleaseWaiting { on, .. } => {
                on == "hook job/before, which an earlier helm has left at work"
            }
            _ => false,
        };
        assert_eq!(ran.when("a", is_told).is_some(), waited > 0, "{state}");
    }
}

#[test]
fn a_first_install_that_failed_is_made_anew_where_it_holds_no_data() {
    let case = Case::new(&[("a", Fate::HalfInstalled, &[])]);
    failed(&case.fake, &case.plan.steps()[0]);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(recovered(&ran), ["failed"]);
    let deployed = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseDeployed { revision, .. } => Some(*revision),
        _ => None,
    });
    assert_eq!(deployed, Some(1));
}

#[test]
fn of_a_first_install_that_helm_keeps_no_more_nothing_is_said() {
    let case = Case::new(&[("a", Fate::HalfInstalled, &[])]);
    failed_for_long(&case.fake, &case.plan.steps()[0]);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(recovered(&ran).is_empty(), "it is upgraded");
}

/// A helm that is at work would go on making what is being removed.
#[test]
fn a_removal_leaves_alone_what_another_helm_may_be_at_work_on() {
    let case = |recover| {
        let mut case = left(RecordStatus::PendingUpgrade);
        case.unsure = vec![RunId::foreign(EARLIER)];
        case.recover = recover;
        case
    };
    let ran = case(false).down();
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(ran.removed("a"), None);
    let verdict = ran.verdict("a");
    assert_eq!(
        verdict.sentence,
        "its revision 2 is pending-upgrade, and run 20260101-000000-0001 left it so, without a word: \
         its helm may still be at work"
    );
    assert_eq!(
        verdict.hints[1],
        "if none is, `stackctl down --recover` removes the release all the same"
    );
    assert_eq!(case(true).down().outcome, Outcome::Removed);
}

#[test]
fn a_removal_takes_what_a_run_that_is_over_has_left() {
    for status in [RecordStatus::PendingInstall, RecordStatus::Uninstalling] {
        assert_eq!(left(status).down().outcome, Outcome::Removed);
    }
}
