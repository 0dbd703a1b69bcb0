//! Containers that end again and again. Pods of Jobs are left to the Job's own backoff.

use jiff::SignedDuration;

use crate::event::ContainerRole;
use crate::snapshot::{ClusterEvent, ContainerState, Exit, Terminated};

use super::super::Hope;
use super::super::member::Member;
use super::super::words::{exit, times};
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
    let exits = case.world.exits(&pod.meta.uid, name);
    let last = exits.last()?;
    let end = &last.terminated;
    if !down || !part.is_restarted(member) || is_done(member, part, end) {
        return None;
    }
    let before = case.scope.before.ended(&pod.meta.uid, name);
    let is_new = last.attempt > before;
    let used_up = last.attempt.saturating_sub(before) > case.budgets.restarts;
    let row = same_in_a_row(exits);
    let starved = times_out_of_memory(exits);
    let hope = if row >= 2 || starved >= 2 {
        case.hope_since(is_new)
    } else if used_up {
        Hope::Likely(std::time::Duration::ZERO)
    } else {
        return None;
    };

    let events = case.world.events_about(&pod.meta.uid);
    let killing = events.iter().rfind(|event| kills(event, name));
    let subject = part.of(member);
    let (cause, what) = if starved >= 2 && end.reason == "OOMKilled" {
        let what = format!("ran out of memory {} (OOMKilled)", times(starved));
        (Cause::OutOfMemory, what)
    } else if row >= 2 && end.exit_code > 128 && killing.is_some() {
        let probe = if killing.is_some_and(|e| e.message.contains("startup")) {
            "startup"
        } else {
            "liveness"
        };
        let what = format!(
            "was killed {} by its {probe} probe, with {}",
            times(row),
            exit(end)
        );
        (Cause::Crash, what)
    } else if row >= 2 {
        let what = format!("failed {} with {}", times(row), exit(end));
        (Cause::Crash, what)
    } else if end.exit_code == 0 {
        let what = format!(
            "keeps ending by itself ({}, last with exit code 0), though it should stay up",
            times(last.attempt)
        );
        (Cause::Crash, what)
    } else {
        let what = format!("failed {}, last with {}", times(last.attempt), exit(end));
        (Cause::Crash, what)
    };

    let message = match end.message.as_str() {
        "" => exit(end),
        message => format!("{}: {message}", exit(end)),
    };
    let unhealthy = killing.and_then(|_| {
        let probe = |e: &&ClusterEvent| {
            e.reason == "Unhealthy"
                && e.container.as_deref() == Some(name)
                && !e.message.starts_with("Readiness")
        };
        events.iter().rfind(probe)
    });
    let draft = Draft::new(cause, hope, format!("{subject} {what}"))
        .of_container(part)
        .status(format!("pod/{}", pod.meta.name), &end.reason, &message)
        .event(unhealthy)
        .log(pod, name, last.attempt)
        .hint(case.logs_hint(part.role));
    Some(if cause == Cause::OutOfMemory {
        draft.hint(format!("raise `resources.limits.memory` of `{name}`"))
    } else {
        draft
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

/// The kubelet's "Container x failed liveness probe, will be restarted".
fn kills(event: &ClusterEvent, container: &str) -> bool {
    event.reason == "Killing"
        && event.container.as_deref() == Some(container)
        && (event.message.contains("failed liveness probe")
            || event.message.contains("failed startup probe"))
}
