//! Runs that are ended from outside: helm ends with them, and its record is left clean.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use stackctl::event::{EventKind, HookPhase};

use crate::support::{Cluster, Ended, Stack, Started, eventually, hook_job, sandbox};

/// A run whose helm waits for a hook.
fn in_a_hook(name: &str) -> (Stack, Started) {
    let hook = hook_job("slow", "pre-install", "sleep 600");
    let stack = Stack::new(name).release(name, &hook, "");
    let mut run = Started::up(&stack.profile());
    let running = HookPhase::Running;
    run.wait_for(|kind| matches!(kind, EventKind::HookChanged { phase, .. } if *phase == running));
    assert!(!helms(name).is_empty());
    (stack, run)
}

/// The helm processes that work on a release of this name.
pub fn helms(release: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let words: Vec<&str> = line.split('\0').collect();
        words.contains(&"upgrade") && words.contains(&release)
    })
    .collect()
}

fn none_left(release: &str) {
    eventually("helm ends", Duration::from_secs(5), || {
        helms(release).is_empty().then_some(())
    });
    let cluster = Cluster::of(sandbox());
    eventually("the record is failed", Duration::from_secs(5), || {
        let status = cluster.release_status(release, release);
        (status.as_deref() == Some("failed")).then_some(())
    });
}

/// What is told afterwards blames helm for nothing.
fn expect_stopped(stack: &Stack) {
    let profile = stack.profile();
    let profile = profile.to_str().expect("a path in UTF-8");
    let status = Ended::of(&["status", "--profile", profile]);
    let so = "helm was stopped before it was through with revision 1";
    assert!(status.stdout.contains(so), "{}", status.stdout);
}

#[test]
fn an_interrupt_lets_helm_end_cleanly() {
    let (stack, run) = in_a_hook("e2e-interrupt");
    run.signal(Signal::SIGINT);
    let ended = run.end().expect_code(130);
    let cancelled = |kind: &EventKind| matches!(kind, EventKind::ReleaseCancelled { .. });
    assert!(ended.when(stack.namespace(), cancelled).is_some());
    none_left(stack.namespace());
    expect_stopped(&stack);
}

#[test]
fn a_termination_has_a_code_of_its_own() {
    let (stack, run) = in_a_hook("e2e-terminate");
    run.signal(Signal::SIGTERM);
    run.end().expect_code(143);
    none_left(stack.namespace());
}

#[test]
fn helm_does_not_outlive_a_killed_run() {
    let (stack, mut run) = in_a_hook("e2e-kill");
    run.signal(Signal::SIGKILL);
    run.child.wait().expect("it is gone");
    none_left(stack.namespace());
    expect_stopped(&stack);
}
