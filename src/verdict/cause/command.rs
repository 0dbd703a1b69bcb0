//! A command that is not there: an entrypoint that the runtime can't start, or exit code 127.

use crate::snapshot::{ContainerState, Terminated};

use super::super::member::Member;
use super::super::words::{brief, innermost};
use super::report::Draft;
use super::{Case, Cause, Part};

/// Runtime errors of this kind pass, though they come in the same state.
const PASSING: [&str; 5] = [
    "deadline exceeded",
    "timed out",
    "timeout",
    "resource busy",
    "temporarily unavailable",
];

pub fn find(case: &Case<'_>, member: &Member<'_>, part: &Part<'_>) -> Option<Draft> {
    let pod = member.pod;
    let end = match &part.status.state {
        ContainerState::Running { .. } => return None,
        ContainerState::Terminated(end) => Some(end),
        ContainerState::Waiting { .. } => part.status.last.as_ref(),
    };
    let message = match (end, part.waits()) {
        (Some(end), _) if is_start_error(end) => Some(end.message.as_str()),
        (_, Some(("RunContainerError", message))) if names_command(message) => Some(message),
        _ => None,
    };
    let exits = case.world.past.exits(&pod.meta.uid, &part.spec.name);
    let attempt = exits.last().map_or(1, |exit| exit.attempt);
    let is_new = attempt > case.scope.before.ended(&pod.meta.uid, &part.spec.name);
    let draft = match message {
        Some(message) if is_mount_mismatch(message) => {
            let (_, at) = message.split_once("to rootfs at \"").unwrap_or_default();
            let at = at.split('"').next().unwrap_or_default();
            let at = match at {
                "" => String::new(),
                path => format!(" at `{path}`"),
            };
            let sentence = format!(
                "{} can't be started: its mount{at} puts a folder in the place of a file, or a file \
                 in that of a folder",
                part.of(member)
            );
            Draft::new(Cause::Config, case.hope_since(is_new), sentence)
                .status(format!("pod/{}", pod.meta.name), "StartError", message)
                .hint(
                    "to mount one key of a ConfigMap or Secret as a file, name it in `subPath` and \
                     give the whole path in `mountPath`",
                )
        }
        // The spec says what to start, and no try changes it, not even a Job's.
        Some(message) => {
            let sentence = format!("{} can't be started: {}", part.of(member), reason(message));
            Draft::new(Cause::Command, case.hope_since(is_new), sentence)
                .status(format!("pod/{}", pod.meta.name), "StartError", message)
                .hint(format!(
                    "check `command` and `args` of `{}`: `command` replaces the image's entrypoint",
                    part.spec.name
                ))
        }
        None => {
            let end = end.filter(|end| end.exit_code == 127 && part.is_restarted(member))?;
            let sentence = format!(
                "{} failed with exit code 127: a command that it runs does not exist",
                part.of(member)
            );
            Draft::new(Cause::Command, case.hope_since(is_new), sentence)
                .status(
                    format!("pod/{}", pod.meta.name),
                    &end.reason,
                    "exit code 127",
                )
                .hint(case.logs_hint(part.role))
                .log(pod, &part.spec.name, attempt)
        }
    };
    Some(draft.of_container(part))
}

/// runc `libcontainer/rootfs_linux.go`.
fn is_mount_mismatch(message: &str) -> bool {
    message.contains("mount a directory onto a file")
        || (message.contains("error mounting") && message.contains("not a directory"))
}

/// containerd and CRI-O report `StartError` with 128, Docker `ContainerCannotRun` with 126 or 127.
fn is_start_error(end: &Terminated) -> bool {
    matches!(end.reason.as_str(), "StartError" | "ContainerCannotRun")
        && (126..=128).contains(&end.exit_code)
        && !PASSING.iter().any(|text| end.message.contains(text))
}

fn names_command(message: &str) -> bool {
    message.contains("executable file not found")
        || message.contains("exec format error")
        || (message.contains("exec: ")
            && (message.contains("no such file or directory")
                || message.contains("permission denied")))
}

/// From runc's long chain of wrapping errors, what it tried and why that failed.
fn reason(message: &str) -> String {
    let message = message.trim().trim_end_matches(": unknown");
    match message.rfind("exec: ") {
        Some(start) => brief(&message[start..]),
        None if message.is_empty() => "the runtime gives no reason".to_owned(),
        None => innermost(message),
    }
}
