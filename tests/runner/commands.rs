//! Commands of the profile before and after a release.

use stackctl::event::{CancelReason, EventKind, Outcome};
use stackctl::profile::{Command, Profile};

use super::fakes::{Fate, HELM};
use super::{Case, Ran};

fn commands(profile: &Profile, words: &[&str]) -> Vec<Command> {
    let one = |word: &&str| Command {
        words: vec![(*word).to_owned()],
        folder: ".".into(),
        env: Vec::new(),
        timeout: std::time::Duration::from_secs(60),
        place: profile.releases[0].place,
    };
    words.iter().map(one).collect()
}

/// `a` with these commands around it, and `b`, which needs it.
fn case(before: &[&str], after: &[&str]) -> Case {
    let releases: [(&str, Fate, &[&str]); 2] =
        [("a", Fate::Ready(500), &[]), ("b", Fate::Ready(0), &["a"])];
    Case::with(&releases, |profile| {
        profile.releases[0].before = commands(profile, before);
        profile.releases[0].after = commands(profile, after);
    })
}

/// When something was told of a release, in milliseconds.
fn at(ran: &Ran, id: &str, is: fn(&EventKind) -> bool) -> Option<u64> {
    let of = |kind: &EventKind| kind.release().is_some_and(|it| it.as_str() == id);
    let event = ran.events.iter().find(|it| of(&it.kind) && is(&it.kind));
    event.map(|event| event.elapsed_ms)
}

fn deployed(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ReleaseDeployed { .. })
}

fn started(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ReleaseStarted { .. })
}

fn ready(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ReleaseReady { .. })
}

fn cancelled(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ReleaseCancelled { .. })
}

fn failure<'a>(ran: &'a Ran, id: &str) -> &'a str {
    let verdict = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::ReleaseFailed { release, verdict } if release.as_str() == id => Some(verdict),
        _ => None,
    });
    verdict.map_or("", |verdict| &verdict.sentence)
}

#[test]
fn helm_waits_for_those_before_and_dependents_for_those_after() {
    let ran = case(&["one", "two"], &["three", "four"]).up();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(at(&ran, "a", deployed), Some(2000 + HELM));
    let is_ready = 2000 + HELM + 500 + 2000;
    assert_eq!(at(&ran, "a", ready), Some(is_ready));
    assert_eq!(at(&ran, "b", started), Some(is_ready));
    let told = ran.events.iter().filter_map(|event| match &event.kind {
        EventKind::ReleaseWaiting { on, .. } if on.contains("command") => Some(on.as_str()),
        _ => None,
    });
    let told: Vec<&str> = told.collect();
    assert_eq!(
        told,
        [
            "the command `one` before helm",
            "the command `two` before helm",
            "the command `three` once all is ready",
            "the command `four` once all is ready",
        ]
    );
}

#[test]
fn one_that_fails_is_the_releases_failure() {
    for (before, after, helm) in [
        (&["fails", "never"][..], &[][..], false),
        (&[][..], &["fails", "never"][..], true),
    ] {
        let ran = case(before, after).up();
        assert_eq!(ran.outcome, Outcome::Failed);
        assert_eq!(
            failure(&ran, "a"),
            "the command `fails` failed: exit code 3"
        );
        assert_eq!(at(&ran, "a", deployed).is_some(), helm);
        assert_eq!(at(&ran, "a", ready), None);
        assert_eq!(at(&ran, "b", started), None);
    }
}

#[test]
fn a_signal_ends_one_that_is_at_work() {
    for (before, after) in [(&["hangs"][..], &[][..]), (&[][..], &["hangs"][..])] {
        let mut case = case(before, after);
        case.signals = vec![(5000, CancelReason::Interrupt)];
        let ran = case.up();
        assert_eq!(ran.outcome, Outcome::Interrupted);
        assert_eq!(at(&ran, "a", cancelled), Some(5000));
        assert_eq!(at(&ran, "a", ready), None);
    }
}

#[test]
fn the_deadline_ends_one_that_is_at_work() {
    for (before, after) in [(&["hangs"][..], &[][..]), (&[][..], &["hangs"][..])] {
        let mut case = case(before, after);
        case.timeout = Some(std::time::Duration::from_secs(20));
        let ran = case.up();
        assert_eq!(ran.outcome, Outcome::DeadlinePassed);
        let told = failure(&ran, "a");
        assert!(told.contains("the command `hangs`"), "{told}");
    }
}
