//! Containers that end again and again. Pods of Jobs are left to the Job's own backoff.

use jiff::SignedDuration;

use crate::event::ContainerRole;
use crate::snapshot::{ClusterEvent, ContainerState, Exit, Terminated};

use super::super::Hope;
use super::super::member::Member;
use super::super::words::{brief, exit, times};
use super::report::Draft;
use super::{Case, Cause, Part};

/// A container that ran so long has been healthy: the kubelet forgets its failures too
/// (twice `MaxContainerBackOff`).
const HEALTHY: SignedDuration = SignedDuration::from_mins(10);

pub fn find(case: &Case<'_>, member: &Member<'_>, part: &Part<'_>) -> Option<Draft> {
    let pod = member.pod;
    let down = match &part.status.state {
        ContainerState::Terminated(_) => true,
        ContainerState::Waiting { reason, .. } => reason == "CrashLoopBackOff",
        ContainerState::Running { .. } => false,
    };
    let name = &part.spec.name;
    let exits = case.world.past.exits(&pod.meta.uid, name);
    let last = exits.last()?;
    let end = &last.terminated;
    if !down || !part.is_restarted(member) || is_done(member, part, end) {
        return None;
    }
    let before = case.scope.before.ended(&pod.meta.uid, name);
    let of_this_run = &exits[exits.partition_point(|exit| exit.attempt <= before)..];
    let probe = failed_probe(case, member, name, end);
    // Of a container that the kubelet kills, the exit code says nothing about the program.
    let row = |exits: &[Exit]| match probe {
        Some(_) => 0,
        None => same_in_a_row(exits),
    };
    let starved = times_out_of_memory;
    let tries = last.attempt.saturating_sub(before);
    let fails_alike = |exits: &[Exit]| row(exits) >= 2 || starved(exits) >= 2;
    let hope = if fails_alike(of_this_run) {
        Hope::Certain
    } else if tries > case.budgets.restarts {
        Hope::Likely(std::time::Duration::ZERO)
    } else if before > 0 && fails_alike(exits) {
        case.hope_since(false)
    } else {
        return None;
    };

    let subject = part.of(member);
    let (row, starved) = (row(exits), starved(exits));
    let (cause, what) = if starved >= 2 && end.reason == "OOMKilled" {
        let what = format!("ran out of memory {} (OOMKilled)", times(starved));
        (Cause::OutOfMemory, what)
    } else if let Some(probe) = &probe {
        let why = probe
            .message
            .map_or_else(String::new, |said| format!(": {}", brief(said)));
        let what = format!(
            "was killed {}, last because its {} failed{why}",
            times(tries),
            probe.kind
        );
        (Cause::Crash, what)
    } else if row >= 2 {
        let what = format!("failed {} with {}", times(row), exit(end));
        (Cause::Crash, what)
    } else if end.exit_code == 0 {
        let what = format!(
            "keeps ending by itself ({}, last with exit code 0), though it should stay up",
            times(tries)
        );
        (Cause::Crash, what)
    } else {
        let what = format!("failed {}, last with {}", times(tries), exit(end));
        (Cause::Crash, what)
    };

    let message = match end.message.as_str() {
        "" => exit(end),
        message => format!("{}: {message}", exit(end)),
    };
    let draft = Draft::new(cause, hope, format!("{subject} {what}"))
        .of_container(part)
        .status(format!("pod/{}", pod.meta.name), &end.reason, &message)
        .event(probe.as_ref().and_then(|probe| probe.event))
        .log(pod, name, last.attempt)
        .hint(case.logs_hint(part.role));
    Some(match (cause, probe) {
        (Cause::OutOfMemory, _) => {
            draft.hint(format!("raise `resources.limits.memory` of `{name}`"))
        }
        (_, Some(probe)) if probe.kind == POST_START => draft.hint(format!(
            "check the command in `lifecycle.postStart` of `{name}`"
        )),
        (_, Some(probe)) => draft.hint(format!(
            "if it is only slow, give its {} more time",
            probe.kind
        )),
        _ => draft,
    })
}

/// It has done its work and is not started again.
fn is_done(member: &Member<'_>, part: &Part<'_>, end: &Terminated) -> bool {
    let stays_up = part.spec.sidecar
        || (part.role != ContainerRole::Init && member.pod.restart_policy == "Always");
    end.exit_code == 0 && !stays_up
}

/// How many of the last runs failed in the very same way, one after the other.
fn same_in_a_row(exits: &[Exit]) -> u32 {
    let Some(last) = exits.last().filter(|e| e.terminated.exit_code != 0) else {
        return 0;
    };
    let mut row = 1;
    for pair in exits.windows(2).rev() {
        let [earlier, later] = pair else { break };
        let same = earlier.terminated.exit_code == last.terminated.exit_code
            && earlier.terminated.signal == last.terminated.signal
            && earlier.attempt + 1 == later.attempt;
        if !same || was_healthy(&later.terminated) {
            break;
        }
        row += 1;
    }
    row
}

fn was_healthy(end: &Terminated) -> bool {
    match (end.started, end.finished) {
        (Some(started), Some(finished)) => finished.duration_since(started) >= HEALTHY,
        _ => false,
    }
}

fn times_out_of_memory(exits: &[Exit]) -> u32 {
    let starved = |e: &&Exit| e.terminated.reason == "OOMKilled";
    u32::try_from(exits.iter().filter(starved).count()).unwrap_or(u32::MAX)
}

const POST_START: &str = "`postStart` hook";

/// A probe or hook because of which the kubelet has killed a container.
struct FailedProbe<'a> {
    /// `liveness probe`, `startup probe` or [`POST_START`].
    kind: &'static str,
    message: Option<&'a str>,
    event: Option<&'a ClusterEvent>,
}

/// By the kubelet's events "Container x failed liveness probe, will be restarted" and, before it,
/// "Liveness probe failed: why". None when it had been killed for that only in an earlier run.
fn failed_probe<'a>(
    case: &Case<'a>,
    member: &Member<'_>,
    container: &str,
    end: &Terminated,
) -> Option<FailedProbe<'a>> {
    let events = case.world.past.events_about(&member.pod.meta.uid);
    let about = |event: &&ClusterEvent| event.container.as_deref() == Some(container);
    let hook = events
        .iter()
        .filter(about)
        .rfind(|event| event.reason == "FailedPostStartHook" && event.last_seen >= end.started);
    if let Some(hook) = hook {
        // `PostStartHook failed`, and in some versions why.
        let why = hook.message.split_once("failed: ").map(|(_, why)| why);
        return Some(FailedProbe {
            kind: POST_START,
            message: why,
            event: Some(hook),
        });
    }
    let killing = events.iter().filter(about).rfind(|event| {
        event.reason == "Killing"
            && event.last_seen >= end.started
            && (event.message.contains("failed liveness probe")
                || event.message.contains("failed startup probe"))
    })?;
    let (kind, prefix) = if killing.message.contains("startup") {
        ("startup probe", "Startup probe failed: ")
    } else {
        ("liveness probe", "Liveness probe failed: ")
    };
    let told = events.iter().filter(about).rev().find_map(|event| {
        let said = event.message.strip_prefix(prefix)?;
        (event.reason == "Unhealthy").then_some((event, said))
    });
    Some(FailedProbe {
        kind,
        message: told
            .map(|(_, said)| said)
            .filter(|said| !said.trim().is_empty()),
        event: told.map(|(event, _)| event),
    })
}
