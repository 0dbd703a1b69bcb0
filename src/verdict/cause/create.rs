//! Controllers that can't create their pods: a missing ServiceAccount, a quota, admission.
//! A ReplicaSet or ReplicationController says so in a condition, which a Deployment repeats; a Job,
//! StatefulSet or DaemonSet only in events.

use crate::snapshot::{ClusterEvent, Condition, Conditions, Meta, Uid, WorkloadKind};

use super::super::Hope;
use super::super::digest::{UNREACHABLE_WEBHOOK, refusal};
use super::super::member::present_set;
use super::super::missing::Missing;
use super::super::ready::{JobPhase, is_pod_ready, job_phase};
use super::super::subject::{Body, Subject};
use super::report::Draft;
use super::{Case, Cause};

pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let failing = |conditions: &[Condition]| {
        let failing = conditions.condition("ReplicaFailure");
        failing.filter(|c| c.is_true()).cloned()
    };
    let (creator, link, wanted, condition) = match subject.body {
        Body::Workload(workload) if workload.kind == WorkloadKind::Deployment => {
            let set = present_set(case.world, workload)?;
            let condition = failing(&set.conditions).or_else(|| failing(&workload.conditions));
            let link = format!("replicaset/{}", set.meta.name);
            (&set.meta, Some(link), set.desired, condition)
        }
        Body::Workload(workload) => {
            let condition = failing(&workload.conditions);
            (&workload.meta, None, workload.desired, condition)
        }
        Body::Job(job) if job_phase(job) == JobPhase::Running => {
            let wanted = u32::from(job.active == 0) * (job.succeeded + job.failed + 1);
            (&job.meta, None, wanted, None)
        }
        _ => return None,
    };
    let event = unresolved(case, creator, wanted)?;
    let message = match (&condition, event) {
        (Some(condition), _) => condition.message.clone(),
        (None, Some(event)) => event.message.clone(),
        (None, None) => return None,
    };
    let old = case
        .members
        .iter()
        .filter(|m| m.owner == &subject.object && m.outgoing);
    // What old pods on their way out hold of a quota is free in a moment.
    if message.contains("exceeded quota") && old.clone().any(|m| m.pod.meta.deleting) {
        return None;
    }
    let serving = old.filter(|m| is_pod_ready(m.pod)).count();
    let none = pods(case, &creator.uid).next().is_none();
    let which = match (none, serving) {
        (true, 0) => "no pod",
        (true, _) => "no new pod",
        (false, _) => "not every pod",
    };
    let missing = Missing::in_message(&message, &creator.namespace);
    let why = match &missing {
        Some(missing) => missing.sentence(),
        None => refusal(&message),
    };
    let aside = match serving {
        0 => "",
        _ => "; the old pods still serve",
    };
    let sentence = format!(
        "{which} of {} can be created: {why}{aside}",
        subject.object.short()
    );
    let mut draft = Draft::new(
        Cause::FailedCreate,
        Hope::Likely(case.budgets.failed_create),
        sentence,
    );
    let teller = link.clone().unwrap_or_else(|| subject.object.short());
    if let Some(link) = link {
        draft = draft.through(link);
    }
    draft = match (&condition, event) {
        (Some(condition), None) => draft.condition(teller, condition),
        (_, event) => draft.told_by(event),
    };
    Some(match missing {
        Some(missing) => draft.missing(&missing),
        None if serving > 0 && message.contains("exceeded quota") => {
            draft.hint(hint(&message)).hint(
                "or let old pods go before new ones come: `strategy.rollingUpdate.maxSurge: 0` \
                 with `maxUnavailable: 1`",
            )
        }
        None => draft.hint(hint(&message)),
    })
}

fn pods<'a>(case: &Case<'a>, creator: &Uid) -> impl Iterator<Item = &'a crate::snapshot::Pod> {
    case.world
        .pods_of(creator)
        .into_iter()
        .filter(|pod| !pod.meta.deleting)
}

/// None when there are pods enough, or one was made after the failure; else the event of the last
/// failure, if there was one. Events tell of the past: alone they prove nothing about now.
fn unresolved<'a>(
    case: &Case<'a>,
    creator: &Meta,
    wanted: u32,
) -> Option<Option<&'a ClusterEvent>> {
    let count = u32::try_from(pods(case, &creator.uid).count()).unwrap_or(u32::MAX);
    if count >= wanted {
        return None;
    }
    let failed = case
        .world
        .past
        .events_about(&creator.uid)
        .iter()
        .rfind(|event| event.reason == "FailedCreate");
    let made_later = failed.is_some_and(|event| {
        pods(case, &creator.uid).any(|pod| Some(pod.meta.created) > event.last_seen)
    });
    (!made_later).then_some(failed)
}

fn hint(message: &str) -> &'static str {
    if message.contains("failed quota") {
        "its ResourceQuota wants every container to set these: add them to `resources`"
    } else if message.contains("exceeded quota") {
        "raise the namespace's ResourceQuota, or ask for less in `resources`"
    } else if message.contains("violates PodSecurity") {
        "set the `securityContext` that the namespace's Pod Security level asks for"
    } else if message.contains(" per Container ") || message.contains(" per Pod ") {
        "keep `resources` within the namespace's LimitRange"
    } else if message.contains(UNREACHABLE_WEBHOOK) {
        "`kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations` tells which \
         Service has to answer; if a release of this stack brings it, name that one in `needs`"
    } else if message.contains("webhook") {
        "ask whoever runs that admission webhook, or meet its policy"
    } else {
        "`kubectl describe` of the object shows the controller's other events"
    }
}
