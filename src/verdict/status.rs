//! STATUS, READY and RESTARTS of a pod, as `kubectl get pods` shows them: kubectl prints what
//! the API server computes, so this follows the API server's `printPod`
//! (Kubernetes `pkg/printers/internalversion/printers.go`), oddities included.

use std::time::Duration;

use jiff::Timestamp;

use crate::snapshot::{Conditions, ContainerState, ContainerStatus, Pod, Terminated};
use crate::wording;

/// How the server treats a pod whose first main container has ended well while others go on.
/// It changed with Kubernetes pull request 124766.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CompletedRule {
    /// Seen on 1.34: `Running` or `NotReady` when another container is up and ready; an error
    /// beside it changes nothing.
    #[default]
    Old,
    /// In a 1.35: an error beside it is shown.
    New,
}

impl CompletedRule {
    /// The rule of a server `1.minor`.
    pub fn of_minor(minor: u32) -> CompletedRule {
        if minor >= 35 {
            CompletedRule::New
        } else {
            CompletedRule::Old
        }
    }
}

/// What the columns of `kubectl get pods` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    pub status: String,
    pub ready: usize,
    pub total: usize,
    pub restarts: u32,
    pub last_restart: Option<Timestamp>,
}

impl Printed {
    /// READY, `1/2`.
    pub fn ready_column(&self) -> String {
        format!("{}/{}", self.ready, self.total)
    }

    /// RESTARTS with its age, `3 (2m ago)`.
    pub fn restarts_column(&self, now: Timestamp) -> String {
        match self.last_restart {
            Some(last) if self.restarts != 0 => {
                let age = human_duration(now.duration_since(last).as_secs());
                format!("{} ({age} ago)", self.restarts)
            }
            _ => self.restarts.to_string(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Restarts {
    count: u32,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &ContainerStatus) {
        self.count += status.restarts;
        let finished = status.last.as_ref().and_then(|last| last.finished);
        self.last = self.last.max(finished);
    }
}

/// The columns of a pod.
pub fn printed(pod: &Pod, rule: CompletedRule) -> Printed {
    let sidecars = pod.init_containers.iter().filter(|c| c.sidecar).count();
    let init = walk_init(pod);
    let mut printed = Printed {
        status: init.blocked.clone().unwrap_or_else(|| overall(pod)),
        ready: init.ready,
        total: pod.containers.len() + sidecars,
        restarts: init.all.count,
        last_restart: init.all.last,
    };
    let initialized = pod
        .conditions
        .condition("Initialized")
        .is_some_and(crate::snapshot::Condition::is_true);
    if init.blocked.is_none() || initialized {
        walk_main(pod, rule, init.sidecars, &mut printed);
    }
    if pod.meta.deleting {
        if pod.reason == "NodeLost" {
            printed.status = "Unknown".to_owned();
        } else if !matches!(pod.phase.as_str(), "Succeeded" | "Failed") {
            printed.status = "Terminating".to_owned();
        }
    }
    printed
}

/// What is shown when no container says anything.
fn overall(pod: &Pod) -> String {
    let gated =
        |c: &crate::snapshot::Condition| c.kind == "PodScheduled" && c.reason == "SchedulingGated";
    if pod.conditions.iter().any(gated) {
        "SchedulingGated".to_owned()
    } else if pod.reason.is_empty() {
        pod.phase.clone()
    } else {
        pod.reason.clone()
    }
}

struct InitWalk {
    /// The text of the init container that stopped the walk.
    blocked: Option<String>,
    ready: usize,
    all: Restarts,
    sidecars: Restarts,
}

/// Walks the *statuses*, whose order and number may differ from the spec's. The first that is
/// not done ends the walk, and the counting of all behind it.
fn walk_init(pod: &Pod) -> InitWalk {
    let mut walk = InitWalk {
        blocked: None,
        ready: 0,
        all: Restarts::default(),
        sidecars: Restarts::default(),
    };
    for (index, status) in pod.init_statuses.iter().enumerate() {
        let named = |c: &&crate::snapshot::ContainerSpec| c.name == status.name;
        let sidecar = pod
            .init_containers
            .iter()
            .find(named)
            .is_some_and(|c| c.sidecar);
        walk.all.add(status);
        if sidecar {
            walk.sidecars.add(status);
        }
        let text = match &status.state {
            ContainerState::Terminated(end) if end.exit_code == 0 => continue,
            _ if sidecar && status.started == Some(true) => {
                walk.ready += usize::from(status.ready);
                continue;
            }
            ContainerState::Terminated(end) => ended(end),
            ContainerState::Waiting { reason, .. }
                if !reason.is_empty() && reason != "PodInitializing" =>
            {
                reason.clone()
            }
            _ => format!("{index}/{}", pod.init_containers.len()),
        };
        walk.blocked = Some(format!("Init:{text}"));
        break;
    }
    walk
}

/// Walks from last to first, so that the first container has the last word.
fn walk_main(pod: &Pod, rule: CompletedRule, mut restarts: Restarts, printed: &mut Printed) {
    let mut has_running = false;
    let mut error = None;
    for status in pod.statuses.iter().rev() {
        restarts.add(status);
        match &status.state {
            ContainerState::Waiting { reason, .. } if !reason.is_empty() => {
                printed.status.clone_from(reason);
            }
            ContainerState::Terminated(end) => {
                printed.status = ended(end);
                if end.exit_code != 0 {
                    error = Some(printed.status.clone());
                }
            }
            ContainerState::Running { .. } if status.ready => {
                has_running = true;
                printed.ready += 1;
            }
            _ => {}
        }
    }
    printed.restarts = restarts.count;
    printed.last_restart = restarts.last;
    if printed.status != "Completed" {
        return;
    }
    let ready = pod
        .conditions
        .condition("Ready")
        .is_some_and(crate::snapshot::Condition::is_true);
    let error = error.filter(|_| rule == CompletedRule::New);
    match (has_running, error) {
        (true, _) if ready => printed.status = "Running".to_owned(),
        (_, Some(error)) => printed.status = error,
        (true, None) => printed.status = "NotReady".to_owned(),
        (false, None) => {}
    }
}

fn ended(end: &Terminated) -> String {
    if !end.reason.is_empty() {
        end.reason.clone()
    } else if end.signal != 0 {
        format!("Signal:{}", end.signal)
    } else {
        format!("ExitCode:{}", end.exit_code)
    }
}

/// An age as kubectl writes it: up to a second in the future is now, more is a clock gone wrong
/// (apimachinery `pkg/util/duration`, `HumanDuration`).
pub fn human_duration(seconds: i64) -> String {
    match u64::try_from(seconds) {
        Ok(seconds) => wording::age(Duration::from_secs(seconds)),
        Err(_) if seconds == -1 => "0s".to_owned(),
        Err(_) => "<invalid>".to_owned(),
    }
}

#[cfg(test)]
mod tests;
