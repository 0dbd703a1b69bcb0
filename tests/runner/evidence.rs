//! What is kept of logs, and what is told of them.

use stackctl::event::{EventKind, Evidence, Outcome};
use stackctl::runner::ports::Life;
use stackctl::snapshot::{ContainerState, Job, Observation, Owner, Pod, Snapshot, Uid};

use crate::fakes::job_named;
use crate::scripted::{Script, Scripted, app, end, object, pod_of, running, seen, slow};
use crate::{Ran, run_scripted};

fn lines(ran: &Ran, id: &str) -> Vec<(u64, String)> {
    let line = |event: &stackctl::event::Event| match &event.kind {
        EventKind::ContainerLog { release, line, .. } if release.as_str() == id => {
            Some((event.elapsed_ms, line.clone()))
        }
        _ => None,
    };
    ran.events.iter().filter_map(line).collect()
}

fn texts(ran: &Ran, id: &str) -> Vec<String> {
    lines(ran, id).into_iter().map(|(_, text)| text).collect()
}

/// A Deployment whose init container runs until it is available.
fn with_init(name: &'static str, ready_at: u64) -> Script {
    let mut script = slow(name, ready_at);
    script
        .tells
        .retain(|(_, it)| !matches!(it, Observation::Seen(Snapshot::Pod(_))));
    let pod = pod_of(name, true, running(), 0);
    script.tells.push((200, seen(Snapshot::Pod(pod))));
    script
}

#[test]
fn a_log_is_followed_before_all_kinds_are_watched_and_shown_without_colours() {
    let cluster = Scripted::new([("a", with_init("a", 3_000))]).log(
        "a-1-x",
        "wait",
        &[(0, "\u{1b}[31mred\u{1b}[0m")],
    );
    let ran = run_scripted(&[("a", &[])], &cluster);
    assert_eq!(lines(&ran, "a"), [(200, "red".to_owned())]);
}

/// Helm returns the moment a hook is through; the rest of its log comes after that.
#[test]
fn the_last_lines_are_waited_for_at_the_end_of_the_run() {
    let mut script = with_init("a", 3_000);
    let mut done = pod_of("a", true, ContainerState::Terminated(end(0, 0)), 0);
    done.phase = "Running".into();
    done.containers[0].has_readiness_probe = true;
    script.tells.push((2_900, seen(Snapshot::Pod(done))));
    let parts = [(0, "one"), (3_300, "two"), (300, "three")];
    let cluster = Scripted::new([("a", script)]).log("a-1-x", "wait", &parts);
    let ran = run_scripted(&[("a", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(texts(&ran, "a"), ["one", "two", "three"]);
    assert!(ran.events.last().unwrap().elapsed_ms < 4_000);
    assert_eq!(*cluster.lives.borrow()["wait"].borrow(), Life::Last);
}

#[test]
fn a_release_that_has_failed_says_nothing_more() {
    let mut script = app("a", &ContainerState::Terminated(end(127, 0)), None);
    script.tells.retain(|(at, _)| *at < 1_000);
    let parts = [(0, "sh: no such thing"), (10_000, "late")];
    let cluster =
        Scripted::new([("a", script), ("b", slow("b", 20_000))]).log("a-1-x", "app", &parts);
    let ran = run_scripted(&[("a", &[]), ("b", &[])], &cluster);
    assert_eq!(texts(&ran, "a"), ["sh: no such thing"]);
}

/// An API server with much to do gives it late.
#[test]
fn the_log_of_a_container_that_has_ended_is_waited_for() {
    let mut script = app("a", &ContainerState::Terminated(end(127, 0)), None);
    script.tells.retain(|(at, _)| *at < 1_000);
    let parts = [(3_000, "sh: no such thing")];
    let cluster = Scripted::new([("a", script)]).log("a-1-x", "app", &parts);
    let ran = run_scripted(&[("a", &[])], &cluster);
    assert_eq!(proof(&ran, "a"), ["sh: no such thing"]);
    assert_eq!(*cluster.lives.borrow()["app"].borrow(), Life::Ended);
}

/// The log lines that the verdict shows.
fn proof(ran: &Ran, id: &str) -> Vec<String> {
    let log = |proof: &Evidence| match proof {
        Evidence::Log { lines, .. } => Some(lines.clone()),
        _ => None,
    };
    ran.verdict(id).evidence.iter().find_map(log).unwrap()
}

/// The pod of a hook Job.
fn hook_pod(state: ContainerState) -> Pod {
    let mut pod = pod_of("hook", false, state, 0);
    pod.meta.owner = Some(Owner {
        uid: Uid::from("job-hook"),
        kind: "Job".into(),
        name: "hook".into(),
    });
    pod.restart_policy = "Never".into();
    pod
}

fn hook_job(condition: Option<&str>) -> Job {
    let mut job = job_named("hook", condition);
    job.meta.uid = Uid::from("job-hook");
    job
}

/// Its whole life comes at once, and its log is gone with it: how it ended is still told.
#[test]
fn a_pod_that_is_gone_at_once_leaves_its_exit_code_and_a_note() {
    let ended = ContainerState::Terminated(end(3, 0));
    let script = Script {
        hooks: vec![object("batch/v1", "Job", "hook")],
        tells: vec![
            (900, seen(Snapshot::Job(hook_job(None)))),
            (1_000, seen(Snapshot::Pod(hook_pod(running())))),
            (1_000, Observation::Gone(Snapshot::Pod(hook_pod(ended)))),
            (1_000, seen(Snapshot::Job(hook_job(Some("Failed"))))),
        ],
        helm: 50_000,
        ..Script::default()
    };
    let cluster =
        Scripted::new([("a", script)]).log("hook-1-x", "app", &[(10, "lost: its pod is gone")]);
    let ran = run_scripted(&[("a", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    let told = ran.events.iter().find_map(|event| match &event.kind {
        EventKind::PodChanged(pod) if pod.containers[0].state == "exit 3" => Some(()),
        _ => None,
    });
    assert!(told.is_some(), "the exit code is not told");
    assert_eq!(texts(&ran, "a"), ["[its pod is gone]"]);
    assert_eq!(proof(&ran, "a"), ["[its pod is gone]"]);
}

/// Every line differs by its number only; what it waits for is out of sight.
#[test]
fn a_container_that_repeats_itself_is_noticed_without_any_news_of_the_cluster() {
    let parts = vec![(1_000, "waiting for db"); 2_000];
    let cluster = Scripted::new([("a", with_init("a", 10_000_000))]).log("a-1-x", "wait", &parts);
    let ran = run_scripted(&[("a", &[])], &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    let failed = ran.when("a", |kind| matches!(kind, EventKind::ReleaseFailed { .. }));
    // The first line comes at 1.2 s; five seconds later it is known, then its budget runs.
    let budget = 240_000;
    let since = 1_200 + 5_000;
    let failed = failed.unwrap();
    assert!(
        (since + budget..since + budget + 2_000).contains(&failed),
        "{failed}"
    );
}
