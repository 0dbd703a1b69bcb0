//! A helm that got no answer from the API server is let try again once that answers.

use stackctl::event::{EventKind, Outcome};
use stackctl::snapshot::RecordStatus;

use super::fakes::{Fate, HELM};
use super::{Case, Ran, Way};

fn up(fate: Fate) -> Ran {
    Case::new(&[("a", fate, &[]), ("b", Fate::Ready(0), &["a"])]).up()
}

fn deployed(ran: &Ran) -> Vec<u32> {
    let revisions = ran.events.iter().filter_map(|event| match &event.kind {
        EventKind::ReleaseDeployed {
            release, revision, ..
        } if release.as_str() == "a" => Some(*revision),
        _ => None,
    });
    revisions.collect()
}

#[test]
fn what_helm_has_left_half_done_is_taken_up() {
    for status in [RecordStatus::PendingInstall, RecordStatus::Failed] {
        let ran = up(Fate::Unanswered(status));
        assert_eq!(ran.outcome, Outcome::Ready, "{status:?}");
        assert_eq!(deployed(&ran), [2]);
        assert_eq!(
            ran.warnings(),
            [
                "the API server does not answer: connection refused; helm is let try again once it does"
            ]
        );
    }
}

#[test]
fn what_helm_has_done_is_not_done_again() {
    let ran = up(Fate::Unanswered(RecordStatus::Deployed));
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), [1]);
}

#[test]
fn what_helm_could_not_write_down_is_written_for_it() {
    let ran = up(Fate::Unrecorded);
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(deployed(&ran), [1]);
    assert!(ran.warnings().is_empty());
}

#[test]
fn a_helm_that_never_gets_an_answer_is_given_up() {
    let case = Case::new(&[
        ("a", Fate::NeverAnswered, &[]),
        ("b", Fate::Ready(0), &["a"]),
    ]);
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(ran.warnings().len(), 3);
    let verdict = ran.verdict("a");
    assert!(verdict.sentence.contains("does not answer"), "{verdict:#?}");
    assert!(
        ran.when("a", is_failure) < Some(10 * HELM),
        "it is soon said"
    );
    assert_eq!(case.fake.most_at_work(), 1);
}

fn is_failure(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ReleaseFailed { .. })
}

#[test]
fn a_removal_asks_until_it_knows_what_to_wait_for() {
    let case = Case::new(&[("a", Fate::Replaced, &[])]);
    super::fakes::deployed(&case.fake, &case.plan.steps()[0]);
    case.fake.keep_silent(2);
    let ran = case.run(&Way::Down);
    assert_eq!(ran.outcome, Outcome::Removed);
    assert!(ran.warnings().is_empty());
    let waited = ran.events.iter().any(|event| {
        matches!(&event.kind, EventKind::ReleaseWaiting { on, .. } if on.contains("to be gone"))
    });
    assert!(waited, "{:#?}", ran.events);
}
