//! Questions that the API server answers with an error for ever: they are asked ever more rarely, end
//! with the release's deadline, and keep nobody from ending the run.

use std::time::Duration;

use stackctl::event::{CancelReason, Outcome};
use stackctl::runner::ports::ObserveError;

use super::fakes::{Fate, Question};
use super::{Case, Way};

fn broken(question: Question) -> Case {
    let case = Case::new(&[("a", Fate::Ready(0), &[])]);
    case.fake.break_down_at(question);
    case
}

#[test]
fn a_removal_says_that_it_can_not_ask_and_ends_in_time() {
    for (question, what) in [
        (Question::BeforeHelm, "what there is of it"),
        (Question::Lingering, "what is left of it"),
        (Question::Contents, "what it consists of"),
    ] {
        let mut case = broken(question);
        case.timeout = Some(Duration::from_secs(30));
        let ran = case.down();
        assert_eq!(ran.outcome, Outcome::DeadlinePassed);
        let sentence = &ran.verdict("a").sentence;
        let expected = format!("not gone after 30s: waits for an answer to {what}: status 500");
        assert_eq!(*sentence, expected);
        assert!(
            case.fake.asked() < 10,
            "{question:?}: {}",
            case.fake.asked()
        );
        assert_eq!(ran.events.last().unwrap().elapsed_ms, 30_000);
    }
}

/// Nobody knows what is in the cluster then, so nothing is begun.
#[test]
fn a_first_list_that_never_comes_is_given_up_at_the_runs_deadline() {
    for way in [Way::Up, Way::Down] {
        let mut case = broken(Question::Watch);
        case.timeout = Some(Duration::from_secs(30));
        let error = case.try_run(&way).err();
        let said =
            "could not ask what is in the cluster: the API server has not answered within 30s";
        assert_eq!(error, Some(ObserveError::Unreachable(said.into())));
        assert_eq!(case.fake.most_at_work(), 0);
    }
}

#[test]
fn a_signal_ends_what_asks_in_vain() {
    for question in [
        Question::BeforeHelm,
        Question::Lingering,
        Question::Contents,
    ] {
        let mut case = broken(question);
        case.signals = vec![(5_000, CancelReason::Interrupt)];
        let ran = case.down();
        assert_eq!(ran.outcome, Outcome::Interrupted);
        assert_eq!(ran.events.last().unwrap().elapsed_ms, 5_000);
    }
}

#[test]
fn what_can_not_be_read_of_a_release_does_not_outlive_its_deadline() {
    for question in [Question::Contents, Question::Follow] {
        let mut case = broken(question);
        case.timeout = Some(Duration::from_secs(30));
        let ran = case.up();
        assert_ne!(ran.outcome, Outcome::Ready, "{question:?}");
        let end = ran.events.last().unwrap().elapsed_ms;
        assert!((30_000..32_000).contains(&end), "{question:?}: {end}");
        assert!(
            case.fake.asked() < 20,
            "{question:?}: {}",
            case.fake.asked()
        );
    }
}

#[test]
fn a_mark_that_can_not_be_written_is_given_up() {
    let mut case = broken(Question::Marks);
    case.timeout = Some(Duration::from_secs(30));
    let ran = case.up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(ran.warnings(), ["its record can't be marked: status 500"]);
    assert!(ran.events.last().unwrap().elapsed_ms < 41_000);
}

/// What the watches have told says nothing of what helm has just changed.
#[test]
fn what_was_never_looked_at_is_told_with_the_reason() {
    let mut case = broken(Question::Refresh);
    case.timeout = Some(Duration::from_secs(600));
    let ran = case.up();
    let sentence = &ran.verdict("a").sentence;
    let so = ": its objects can't be read: status 500";
    assert!(
        sentence.starts_with("not ready ") && sentence.ends_with(so),
        "{sentence}"
    );
}
