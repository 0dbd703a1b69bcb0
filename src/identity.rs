//! Who runs this, and where: what another run is told when it finds the stack taken, and whether
//! such a run is still alive, which only its own machine can say.

use std::env;
use std::fs;

use jiff::Timestamp;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::event::{Holder, Verb};
use crate::names::RunId;

const USERS: [&str; 2] = ["USER", "LOGNAME"];
/// The variables with the address of a CI job, and with the commit that it is about.
const LINKS: [&str; 4] = [
    "CI_JOB_URL",
    "BUILD_URL",
    "BUILDKITE_BUILD_URL",
    "CIRCLE_BUILD_URL",
];
const COMMITS: [&str; 5] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "GIT_COMMIT",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
];

/// This process, about to work on a stack.
pub fn holder(run: RunId, verb: Verb, since: Timestamp) -> Holder {
    Holder {
        run,
        verb,
        host: host(),
        user: variable(&USERS),
        pid: std::process::id(),
        process: process(std::process::id()),
        link: link(),
        commit: variable(&COMMITS),
        since,
        progress: String::new(),
    }
}

/// Whether the process is known to be no more: it ran on this machine, in these namespaces, since
/// this machine was started, and its number is free or another's now.
pub fn is_dead(holder: &Holder) -> bool {
    let place = |process: &str| process.rsplit_once('/').map(|it| it.0.to_owned());
    let (Some(theirs), Some(own)) = (&holder.process, process(std::process::id())) else {
        return false;
    };
    if place(theirs) != place(&own) {
        return false;
    }
    match process(holder.pid) {
        Some(process) => process != *theirs,
        // What may not be looked at lives; only the kernel's word counts then.
        None => is_free(holder.pid),
    }
}

/// No process has this number.
fn is_free(pid: u32) -> bool {
    let pid = Pid::from_raw(pid.cast_signed());
    kill(pid, None) == Err(nix::errno::Errno::ESRCH)
}

/// The variable by which what a run has started is known.
pub const RUN: &str = "STACKCTL_RUN";

/// Whether nothing of the run is at work any more: its process is known to be dead, and none that
/// it has started lives on.
pub fn is_over(holder: &Holder) -> bool {
    // What others have started can't be looked into.
    let same_user = holder.user == variable(&USERS);
    is_dead(holder) && same_user && !has_children(&holder.run)
}

/// Some process on this machine was started by the run. Those of others can't be looked into, and
/// are none of ours.
fn has_children(run: &RunId) -> bool {
    let mark = format!("{RUN}={run}");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let environments = processes.filter_map(|it| fs::read(it.path().join("environ")).ok());
    environments
        .flat_map(|all| {
            all.split(|&byte| byte == 0)
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        })
        .any(|variable| variable == mark.as_bytes())
}

/// A process as nobody else can be it: the machine's start, its namespace of numbers, and when it
/// was started. None where there is no such process, or nobody can say.
fn process(pid: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it is in brackets, and may hold anything (proc(5)).
    let after = stat.rsplit_once(')')?.1;
    let mut fields = after.split_whitespace();
    // One that has ended and that nobody has taken note of yet is none.
    if fields.next()? == "Z" {
        return Some(String::new());
    }
    // Of the whole line field 22, of what is left after the third 19.
    let started = fields.nth(18)?;
    let (boot, namespace) = (boot.trim(), namespace.display());
    Some(format!("{boot}/{namespace}/{started}"))
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.ok().or_else(|| env::var("HOSTNAME").ok());
    let name = name.map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

fn link() -> Option<String> {
    let github = || {
        let [server, repository, run] = ["SERVER_URL", "REPOSITORY", "RUN_ID"]
            .map(|name| variable(&[&format!("GITHUB_{name}")]));
        Some(format!("{}/{}/actions/runs/{}", server?, repository?, run?))
    };
    variable(&LINKS).or_else(github)
}

fn variable(names: &[&str]) -> Option<String> {
    let mut values = names.iter().filter_map(|name| env::var(name).ok());
    values.find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ran_here_can_be_known_to_be_dead() {
        let start = "2026-01-02T03:04:05Z".parse().unwrap();
        let own = holder(RunId::new(start, 1), Verb::Up, start);
        assert!(own.process.is_some());
        assert!(!is_dead(&own));
        let process = own.process.clone().unwrap();
        let (place, _) = process.rsplit_once('/').unwrap();
        let gone = Holder {
            process: Some(format!("{place}/1")),
            ..own.clone()
        };
        assert!(is_dead(&gone));
        let elsewhere = Holder {
            process: Some("another-boot/pid:[1]/1".into()),
            ..own.clone()
        };
        assert!(!is_dead(&elsewhere));
        assert!(!is_dead(&Holder {
            process: None,
            ..own
        }));
    }
}
