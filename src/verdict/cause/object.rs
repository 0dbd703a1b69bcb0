//! Objects that say themselves that they have failed.

use std::time::Duration;

use crate::event::ContainerRole;
use crate::snapshot::{Condition, ContainerState, Service};

use super::super::Hope;
use super::super::member::{Keeper, Member};
use super::super::ready::is_failed;
use super::super::subject::{Body, Subject};
use super::super::words::brief;
use super::culprit::Culprit;
use super::report::Draft;
use super::{Case, Cause, claim};

/// Longer than any release's `timeout`.
const NO_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let name = subject.object.short();
    let custom = match subject.body {
        Body::Claim(claim) => return claim::find(case, claim, &name),
        Body::Service(service) => return no_address(case, service, &name),
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

/// A load balancer takes minutes in some clouds, and is never made where nobody makes them: the
/// release's own time ends the wait.
fn no_address(case: &Case<'_>, service: &Service, name: &str) -> Option<Draft> {
    if service.kind != "LoadBalancer" || service.has_ingress {
        return None;
    }
    let events = case.world.past.events_about(&service.meta.uid);
    let said = events.iter().rfind(|event| event.warning);
    let why = match said {
        Some(event) => brief(&event.message),
        None => "no load balancer has been given to it".to_owned(),
    };
    let sentence = format!("{name} has no address: {why}");
    let draft = Draft::new(Cause::NoAddress, Hope::Likely(NO_LIMIT), sentence).event(said);
    Some(draft.hint(
        "type `LoadBalancer` needs a controller in the cluster that makes load balancers; without one \
         use `ClusterIP` or `NodePort`",
    ))
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
    let culprit = Culprit::of(case, member.hook, pod).filter(|_| pod.reason.is_empty());
    let draft = match culprit {
        Some(culprit) => {
            let (who, how) = (culprit.container(), culprit.how());
            let sentence = format!("{what} {name} failed: {who} {how}");
            culprit
                .prove(Draft::new(cause, Hope::Certain, sentence))
                .hint(case.logs_hint(culprit.role))
        }
        None => {
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

/// A pod that has failed and does not end, because another of its containers runs on: whoever waits
/// for its end waits in vain.
pub fn half_failed(case: &Case<'_>, member: &Member<'_>) -> Option<Draft> {
    let pod = member.pod;
    if member.keeper == Keeper::Workload || pod.restart_policy != "Never" || pod.phase != "Running"
    {
        return None;
    }
    let mut running = pod.mains().filter(|(_, status)| {
        status.is_some_and(|it| matches!(it.state, ContainerState::Running { .. }))
    });
    let (runs_on, _) = running.next()?;
    let is_main = |role| matches!(role, ContainerRole::Main | ContainerRole::Hook);
    let culprit = Culprit::of(case, member.hook, pod).filter(|it| is_main(it.role))?;
    let cause = match member.hook {
        true => Cause::HookFailed,
        false => Cause::PodFailed,
    };
    let sentence = format!(
        "{} {} and is not started again, but the pod does not end because `{}` runs on",
        culprit.who(),
        culprit.how(),
        runs_on.name
    );
    let draft = Draft::new(cause, Hope::Likely(case.budgets.no_activity), sentence);
    Some(
        culprit
            .prove(draft)
            .hint(case.logs_hint(culprit.role))
            .hint(format!(
                "make `{}` a native sidecar (an init container with `restartPolicy: Always`): the \
                 kubelet ends it with the others",
                runs_on.name
            )),
    )
}
