//! Objects that say themselves that they have failed.

use crate::snapshot::{Condition, ContainerState};

use super::super::Hope;
use super::super::member::{Keeper, Member};
use super::super::ready::is_failed;
use super::super::subject::{Body, Subject};
use super::super::words::{brief, container, exit};
use super::report::Draft;
use super::{Case, Cause, claim, parts};

pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let name = subject.object.short();
    let custom = match subject.body {
        Body::Claim(claim) => return claim::find(case, claim, &name),
        Body::Custom(custom) => custom,
        _ => return None,
    };
    let failed = |c: &&Condition| {
        (c.kind == "Stalled" && c.is_true()) || (c.kind == "NamesAccepted" && c.status == "False")
    };
    let is_failed = is_failed(case.world, custom);
    let condition = custom
        .conditions
        .iter()
        .find(failed)
        .filter(|_| is_failed)?;
    let said = match condition.message.as_str() {
        "" => condition.reason.clone(),
        message => brief(message),
    };
    let before = case.scope.before;
    let hope = case.hope_since(!before.had_condition(&custom.meta.uid, condition));
    let draft = Draft::new(Cause::Stalled, hope, format!("{name} has failed: {said}"));
    Some(
        draft
            .condition(name, condition)
            .hint("its controller says so and does not go on by itself: put right what it names"),
    )
}

/// A pod without a controller ends for good. One that a controller owns is replaced, or counted
/// by its Job.
pub fn failed_pod(case: &Case<'_>, member: &Member<'_>) -> Option<Draft> {
    let pod = member.pod;
    if member.keeper != Keeper::Nobody || pod.phase != "Failed" {
        return None;
    }
    let cause = if member.hook {
        Cause::HookFailed
    } else {
        Cause::PodFailed
    };
    let name = &pod.meta.name;
    let what = if member.hook { "hook pod" } else { "pod" };
    let culprit = parts(member)
        .into_iter()
        .find_map(|part| match &part.status.state {
            ContainerState::Terminated(end) if end.exit_code != 0 => Some((part, end)),
            _ => None,
        });
    let draft = match culprit {
        Some((part, end)) if pod.reason.is_empty() => {
            let who = container(part.role, &part.spec.name);
            let sentence = format!("{what} {name} failed: {who} ended with {}", exit(end));
            Draft::new(cause, Hope::Certain, sentence)
                .of_container(&part)
                .status(format!("pod/{name}"), &end.reason, &exit(end))
                .log(pod, &part.spec.name, part.status.restarts + 1)
                .hint(case.logs_hint(part.role))
        }
        _ => {
            let why = match (pod.reason.as_str(), pod.message.as_str()) {
                ("", _) => "the cluster gives no reason".to_owned(),
                (reason, "") => reason.to_owned(),
                (reason, message) => format!("{reason}: {}", brief(message)),
            };
            let sentence = format!("{what} {name} failed: {why}");
            let draft = Draft::new(cause, Hope::Certain, sentence);
            draft.status(format!("pod/{name}"), &pod.reason, &pod.message)
        }
    };
    Some(draft)
}
