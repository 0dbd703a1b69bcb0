//! Hooks that come after the objects: trouble that they may end is waited for as long as helm is at
//! work on them, and judged from then on.

use stackctl::event::{EventKind, Outcome};
use stackctl::snapshot::{ContainerState, Snapshot};

use crate::scripted::{Script, Scripted, app, end, lacks, object, pod_of, running, seen, workload};
use crate::{Ran, run_scripted};

/// How long helm is at its hook: longer than the budget for missing objects.
const AT_WORK: u64 = 60_000;

fn with_hook(script: Script) -> Script {
    Script {
        later_hooks: vec![object("batch/v1", "Job", "migrate")],
        helm: AT_WORK,
        ..script
    }
}

/// Its container ends with exit code 1 at each of these times.
fn crashes(times: &[u64]) -> Script {
    let mut script = with_hook(app("a", &running(), None));
    script.tells.clear();
    let down = workload("a", false);
    script.tells.extend(down.map(|it| (100, seen(it))));
    for (restarts, at) in (0..).zip(times) {
        let state = ContainerState::Terminated(end(1, restarts));
        let pod = Snapshot::Pod(pod_of("a", false, state, restarts));
        script.tells.push((*at, seen(pod)));
    }
    script
}

fn run(script: Script) -> Ran {
    run_scripted(&[("a", &[])], &Scripted::new([("a", script)]))
}

fn failed(ran: &Ran) -> Option<u64> {
    ran.when("a", |kind| matches!(kind, EventKind::ReleaseFailed { .. }))
}

#[test]
fn a_crash_that_a_hook_heals_is_no_failure() {
    let mut script = crashes(&[1_000, 2_000, 20_000]);
    let pod = Snapshot::Pod(pod_of("a", false, running(), 3));
    script.tells.push((90_000, seen(pod)));
    let up = workload("a", true);
    script.tells.extend(up.map(|it| (90_000, seen(it))));
    assert_eq!(run(script).outcome, Outcome::Ready);
}

#[test]
fn what_a_hook_makes_may_be_missing_until_then() {
    let late = AT_WORK + 10_000;
    let ran = run(with_hook(app("a", &lacks("certificate"), Some(late))));
    assert_eq!(ran.outcome, Outcome::Ready);
}

#[test]
fn budgets_begin_when_the_hooks_are_through() {
    let ran = run(with_hook(app("a", &lacks("certificate"), None)));
    let failed = failed(&ran).unwrap();
    let begins = AT_WORK + 30_000;
    assert!((begins..begins + 2_000).contains(&failed), "{failed}");
}

#[test]
fn a_crash_that_no_hook_has_healed_is_a_failure() {
    let ran = run(crashes(&[1_000, 2_000, 65_000, 75_000]));
    let failed = failed(&ran).unwrap();
    assert!((75_000..77_000).contains(&failed), "{failed}");
}

#[test]
fn what_no_hook_can_end_is_not_waited_for() {
    let waits = ContainerState::Waiting {
        reason: "InvalidImageName".into(),
        message: String::new(),
    };
    let ran = run(with_hook(app("a", &waits, None)));
    let failed = failed(&ran).unwrap();
    assert!(failed < 3_000, "{failed}");
}

/// The hook may as well wait for what has trouble.
#[test]
fn a_hook_that_does_not_end_does_not_hide_the_trouble() {
    let mut script = crashes(&[1_000, 2_000]);
    script.helm = 2_000_000;
    let ran = run(script);
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(
        ran.verdict("a").sentence,
        "not ready after 20m00s: container `app` of pod a-1-x failed twice with exit code 1"
    );
}
