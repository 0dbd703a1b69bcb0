//! Other processes, by id.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Kills a process at once. That it is gone already is fine.
pub fn kill(pid: u32) {
    if let Some(pid) = checked(pid) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Returns whether a process of this id lives. One that has ended but that its parent has not yet
/// asked about does not.
#[must_use]
pub fn lives(pid: u32) -> bool {
    let exists = checked(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
    exists && !has_ended(pid)
}

/// The state is the first field behind the program's name, which ends with the last parenthesis.
fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, fields)| fields.trim_start().chars().next());
    matches!(state, Some('Z' | 'X'))
}

/// Waits until a process is gone and returns whether it is.
#[must_use]
pub fn wait_gone(pid: u32, patience: Duration) -> bool {
    let began = Instant::now();
    while lives(pid) {
        if began.elapsed() > patience {
            return false;
        }
        // It may be no child of ours, so there is nothing to wait on.
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn checked(pid: u32) -> Option<Pid> {
    // Zero would mean our own group, and one is never ours.
    i32::try_from(pid)
        .ok()
        .filter(|pid| *pid > 1)
        .and_then(Pid::from_raw)
}

/// Returns whether a process exists and has the folder, or something in it, among its arguments.
///
/// An id alone proves nothing: after a crash it may long be somebody else's.
#[must_use]
pub fn mentions(pid: u32, folder: &Path) -> bool {
    arguments(pid)
        .iter()
        .any(|argument| Path::new(argument).starts_with(folder))
}

#[cfg(target_os = "linux")]
fn arguments(pid: u32) -> Vec<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0)
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect()
}

/// Arguments with blanks come apart here; the folder's own path has none as a rule.
#[cfg(not(target_os = "linux"))]
fn arguments(pid: u32) -> Vec<String> {
    let output = std::process::Command::new("ps")
        .args(["-o", "args=", "-p", &pid.to_string()])
        .output();
    let line = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    line.split_whitespace().map(str::to_owned).collect()
}
