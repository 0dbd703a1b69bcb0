//! Likely troubles are borne as long as somebody may still end them, and no longer.

use std::time::Duration;

use stackctl::event::{EventKind, Outcome, VerdictClass};
use stackctl::runner::ports::ObserveError;
use stackctl::snapshot::{ContainerState, Observation, Snapshot};

use crate::scripted::{Script, Scripted, app, end, lacks, pod_of, running, seen, slow, workload};
use crate::{Ran, run_scripted, try_scripted};

/// The budget for missing objects.
const BUDGET: u64 = 30_000;
/// Between a verdict and its being said there is time for last words.
const AT_MOST: u64 = 2_000;

fn failed(ran: &Ran, id: &str) -> Option<u64> {
    ran.when(id, |kind| matches!(kind, EventKind::ReleaseFailed { .. }))
}

fn assert_about(found: Option<u64>, wanted: u64) {
    let found = found.unwrap();
    assert!((wanted..=wanted + AT_MOST).contains(&found), "{found}");
}

#[test]
fn alone_it_has_its_budget() {
    let cluster = Scripted::new([("a", app("a", &lacks("db"), None))]);
    let ran = run_scripted(&[("a", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_about(failed(&ran, "a"), 200 + BUDGET);
    let likely = ran.verdict("a").class == VerdictClass::Likely;
    assert!(likely);
}

#[test]
fn what_another_release_brings_late_is_no_failure() {
    // The Secret comes with `b`, which takes longer than the budget for it.
    let cluster = Scripted::new([
        ("a", app("a", &lacks("db"), Some(46_000))),
        ("b", slow("b", 45_000)),
    ]);
    let ran = run_scripted(&[("a", &[]), ("b", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
}

/// Exit code 6 says that nothing is known to be wrong.
#[test]
fn who_has_a_cause_when_its_time_is_up_has_failed() {
    let cluster = Scripted::new([
        ("a", app("a", &lacks("db"), None)),
        ("b", slow("b", 2_000_000)),
    ]);
    let ran = run_scripted(&[("a", &[]), ("b", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(failed(&ran, "a"), Some(1_200_000));
    let (a, b) = (ran.verdict("a"), ran.verdict("b"));
    assert_eq!(
        a.sentence,
        "not ready after 20m00s: container `app` of pod a-1-x can't start: Secret `db` is missing"
    );
    assert_eq!(
        (a.class, b.class),
        (VerdictClass::Likely, VerdictClass::Expired)
    );
}

#[test]
fn the_clock_starts_when_the_last_other_is_through() {
    let cluster = Scripted::new([
        ("a", app("a", &lacks("db"), None)),
        ("b", slow("b", 20_000)),
        ("c", slow("c", 0)),
    ]);
    let ran = run_scripted(&[("a", &[]), ("b", &[]), ("c", &["b"])], &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    let last = ran.ready("c").unwrap();
    assert!(last > 20_000, "{last}");
    assert_about(failed(&ran, "a"), last + BUDGET);
}

#[test]
fn who_waits_for_it_is_not_waited_for() {
    let cluster = Scripted::new([("a", app("a", &lacks("db"), None)), ("b", slow("b", 0))]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a"])], &cluster);
    assert_about(failed(&ran, "a"), 200 + BUDGET);
    assert_eq!(ran.ends()["b"], "blocked");
}

#[test]
fn two_that_wait_for_each_other_don_t_wait_for_ever() {
    let cluster = Scripted::new([
        ("a", app("a", &lacks("one"), None)),
        ("b", app("b", &lacks("two"), None)),
    ]);
    let ran = run_scripted(&[("a", &[]), ("b", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_about(failed(&ran, "a"), 200 + BUDGET);
    assert_about(failed(&ran, "b"), 200 + BUDGET);
}

#[test]
fn trouble_behind_a_need_that_was_lost_is_borne_until_it_is_back() {
    let waits = ContainerState::Waiting {
        reason: "CreateContainerError".into(),
        message: "context deadline exceeded".into(),
    };
    let mut need = app("need", &running(), None);
    let back = 400_000;
    need.tells
        .extend(workload("need", false).map(|it| (3_000, seen(it))));
    need.tells
        .extend(workload("need", true).map(|it| (back, seen(it))));
    let cluster = Scripted::new([("need", need), ("a", app("a", &waits, None))]);
    let ran = run_scripted(&[("need", &[]), ("a", &["need"])], &cluster);
    assert_about(failed(&ran, "a"), back + 120_000);
}

#[test]
fn a_pod_that_crashes_after_its_release_was_ready_fails_the_run() {
    let mut early = app("early", &running(), None);
    let crash = |restarts| ContainerState::Terminated(end(1, restarts));
    for (at, restarts) in [(5_500, 0), (6_500, 1)] {
        let pod = pod_of("early", false, crash(restarts), restarts);
        early.tells.push((at, seen(Snapshot::Pod(pod))));
    }
    early
        .tells
        .extend(workload("early", false).map(|it| (5_500, seen(it))));
    let cluster = Scripted::new([("early", early), ("late", slow("late", 20_000))]).log(
        "early-1-x",
        "app",
        &[(10, "no more memory")],
    );
    let ran = run_scripted(&[("early", &[]), ("late", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    let degraded = |kind: &EventKind| matches!(kind, EventKind::ReleaseDegraded { .. });
    assert_eq!(ran.when("early", degraded), Some(5_500));
    assert_about(failed(&ran, "early"), 6_500);
    assert_eq!(ran.ends()["late"], "ready");
}

#[test]
fn the_last_look_sees_a_crash_that_follows_at_once() {
    let mut only = app("only", &running(), None);
    let ready = run_scripted(&[("only", &[])], &Scripted::new([("only", only.clone())]));
    let settled = ready.events.last().unwrap().elapsed_ms;
    assert!(settled >= ready.ready("only").unwrap() + 2_000);
    let crash = ContainerState::Terminated(end(127, 0));
    let pod = pod_of("only", false, crash, 0);
    let crashed = ready.ready("only").unwrap() + 1_500;
    only.tells.push((crashed, seen(Snapshot::Pod(pod))));
    only.tells
        .extend(workload("only", false).map(|it| (crashed, seen(it))));
    let ran = run_scripted(&[("only", &[])], &Scripted::new([("only", only)]));
    assert_eq!(ran.outcome, Outcome::Failed);
}

fn unreachable() -> Observation {
    Observation::Unreachable {
        since: Duration::from_secs(12),
        why: "connection refused".into(),
    }
}

#[test]
fn an_outage_of_a_minute_is_survived() {
    let cluster = Scripted::new([("a", app("a", &lacks("db"), Some(75_000)))]);
    *cluster.unanswered.borrow_mut() = 20;
    let told = cluster.clone();
    let ran = try_scripted(&[("a", &[])], &cluster, move || {
        told.tell(12_000, unreachable());
        told.tell(72_000, Observation::Reachable);
    });
    let ran = ran.unwrap();
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(
        ran.warnings(),
        [
            "the API server does not answer (since 12s): connection refused",
            "the API server answers again"
        ]
    );
}

#[test]
fn a_run_without_an_api_server_ends() {
    let script = Script {
        helm: 500_000,
        ..Script::default()
    };
    let cluster = Scripted::new([("a", script)]);
    let told = cluster.clone();
    let ran = try_scripted(&[("a", &[])], &cluster, move || {
        told.tell(20_000, unreachable());
    });
    let text = "the API server has not answered for 2m00s: connection refused";
    assert_eq!(ran.err(), Some(ObserveError::Unreachable(text.into())));
}

#[test]
fn a_helm_that_does_not_listen_is_killed() {
    let mut script = app("a", &ContainerState::Terminated(end(127, 0)), None);
    script.deaf = true;
    script.helm = 500_000;
    let cluster = Scripted::new([("a", script)]);
    let ran = run_scripted(&[("a", &[])], &cluster);
    let said = failed(&ran, "a").unwrap();
    assert!(said < 3_000, "{said}");
    let ended = ran.events.last().unwrap().elapsed_ms;
    assert!((10_000..13_000).contains(&ended), "{ended}");
    let killed = "its helm was killed: asked to end, it was still at work after 10s";
    assert_eq!(ran.warnings(), [killed]);
}

/// All in one namespace; each comes up in its own time, so that there are many small batches.
#[test]
fn two_hundred_releases_come_up_side_by_side() {
    let ids: Vec<&'static str> = (0..200)
        .map(|n| &*Box::leak(format!("r{n}").into_boxed_str()))
        .collect();
    let scripts = ids.iter().zip(1_u64..);
    let cluster = Scripted::new(scripts.map(|(id, n)| (*id, slow(id, 1_000 + n * 37))));
    let releases: Vec<(&str, &[&str])> = ids.iter().map(|id| (*id, &[][..])).collect();
    let ran = run_scripted(&releases, &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
}
