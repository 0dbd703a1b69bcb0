//! Controllers that can't create their pods: a missing ServiceAccount, a quota, admission.
//! A ReplicaSet says so in a condition, which its Deployment repeats; a Job, StatefulSet or
//! DaemonSet only in events.

use crate::snapshot::{ClusterEvent, Condition, Conditions, Meta, Uid, WorkloadKind};

use super::super::Hope;
use super::super::member::present_set;
use super::super::ready::{JobPhase, job_phase};
use super::super::subject::{Body, Subject};
use super::super::words::{Missing, brief};
use super::report::Draft;
use super::{Case, Cause};

pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let (creator, link, wanted, condition) = match subject.body {
        Body::Workload(workload) if workload.kind == WorkloadKind::Deployment => {
            let set = present_set(case.world, workload)?;
            let failing = |conditions: &[Condition]| {
                conditions
                    .condition("ReplicaFailure")
                    .filter(|c| c.is_true())
                    .cloned()
            };
            let condition = failing(&set.conditions).or_else(|| failing(&workload.conditions));
            let link = format!("replicaset/{}", set.meta.name);
            (&set.meta, Some(link), set.desired, condition)
        }
        Body::Workload(workload) => (&workload.meta, None, workload.desired, None),
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
    let none = pods(case, &creator.uid).next().is_none();
    let which = if none { "no pod" } else { "not every pod" };
    let missing = Missing::in_message(&message);
    let why = match &missing {
        Some(missing) => missing.sentence(),
        None => reason(&message),
    };
    let sentence = format!(
        "{which} of {} can be created: {why}",
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
        (_, event) => draft.event(event),
    };
    Some(match missing {
        Some(missing) => draft.missing(&missing, &creator.namespace),
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
        .events_about(&creator.uid)
        .iter()
        .rfind(|event| event.reason == "FailedCreate");
    let made_later = failed.is_some_and(|event| {
        pods(case, &creator.uid).any(|pod| Some(pod.meta.created) > event.last_seen)
    });
    (!made_later).then_some(failed)
}

/// The part that speaks of the reason, not of the attempt.
fn reason(message: &str) -> String {
    const ATTEMPTS: [&str; 2] = ["is forbidden: ", "error: "];
    let message = message.trim_start_matches("Error creating: ");
    let cut = ATTEMPTS.iter().filter_map(|attempt| {
        let at = message.find(attempt)?;
        Some(at + attempt.len())
    });
    let start = cut.max().unwrap_or(0);
    brief(&message[start..])
}

fn hint(message: &str) -> &'static str {
    if message.contains("exceeded quota") {
        "raise the namespace's ResourceQuota, or ask for less in `resources`"
    } else if message.contains("violates PodSecurity") {
        "set the `securityContext` that the namespace's Pod Security level asks for"
    } else if message.contains("admission webhook") {
        "ask whoever runs that admission webhook, or meet its policy"
    } else {
        "`kubectl describe` of the object shows the controller's other events"
    }
}
