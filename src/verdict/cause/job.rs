//! Jobs that have failed by their own conditions, hooks among them, and those whose pods have failed
//! and are tried again.

use crate::event::ContainerRole;
use crate::snapshot::{ContainerState, Job, Pod};

use super::super::Hope;
use super::super::ready::{JobPhase, job_phase};
use super::super::subject::{Body, Subject};
use super::super::view::role;
use super::super::words::{brief, container, times};
use super::culprit::Culprit;
use super::report::Draft;
use super::{Case, Cause, lost};

pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let Body::Job(job) = subject.body else {
        return None;
    };
    let (condition, hope) = match job_phase(job) {
        JobPhase::Failed(condition) => (Some(condition), Hope::Certain),
        JobPhase::Running => (None, Hope::Retried),
        _ => return None,
    };
    let cause = if subject.hook {
        Cause::HookFailed
    } else {
        Cause::JobFailed
    };
    let name = if subject.hook {
        format!("hook {}", subject.object.short())
    } else {
        subject.object.short()
    };
    let pods = pods(case, job);
    // Of a pod that was lost, the ends of its containers say nothing.
    let lost = pods.first().and_then(|pod| lost::last_words(pod));
    let culprit = pods.iter().filter(|_| lost.is_none());
    let culprit = culprit
        .filter_map(|pod| Culprit::of(case, subject.hook, pod))
        .next();
    // A container that is started again in its pod is no failure to the Job.
    if condition.is_none() && job.failed == 0 && culprit.is_none() {
        return None;
    }
    let reason = condition.map(|it| (it.reason.as_str(), it.message.as_str()));
    let what = match (reason, &culprit) {
        (Some(("DeadlineExceeded", _)), _) => {
            let lacked = pods.first().and_then(|pod| lacked(case, pod));
            let lacked = lacked.map_or_else(String::new, |lacked| format!("; {lacked}"));
            format!("was stopped: it took longer than its `activeDeadlineSeconds`{lacked}")
        }
        (Some(("PodFailurePolicy", message)), _) => {
            format!("was given up by its pod failure policy: {}", brief(message))
        }
        (_, Some(culprit)) => {
            let (who, how) = (culprit.who(), culprit.how());
            let tries = tries(job, reason, &pods).max(culprit.attempt);
            failed(hope, tries, &format!("{who} {how}"))
        }
        (_, None) if lost.is_some() => {
            failed(hope, tries(job, reason, &pods), &lost.unwrap_or_default())
        }
        (Some((reason, message)), None) => format!("failed: {reason}: {}", brief(message)),
        (None, None) => return None,
    };
    let draft = Draft::new(cause, hope, format!("{name} {what}"));
    let draft = match condition {
        Some(condition) => draft.condition(subject.object.short(), condition),
        None => draft,
    };
    let draft = match (&culprit, pods.first()) {
        (Some(culprit), _) => {
            let pod = format!("pod/{}", culprit.pod.meta.name);
            culprit.prove(draft.through(pod))
        }
        (None, Some(pod)) => {
            let first = pod.containers.first().map_or("", |c| c.name.as_str());
            let status = pod.status_of(first);
            let draft = draft.through(format!("pod/{}", pod.meta.name));
            match status.filter(|status| status.container_id.is_some()) {
                Some(status) => draft.log(pod, first, status.restarts + 1),
                None => draft,
            }
        }
        (None, None) => draft,
    };
    let role = culprit.map_or(ContainerRole::Main, |c| c.role);
    Some(match draft.has_log() {
        true => draft.hint(case.logs_hint(role)),
        false => draft,
    })
}

/// How many of its pods have failed, also of those that its pod failure policy ignores and that are not
/// counted. The controller may say that it gives up before it has counted the last
/// (`k8s.io/kubernetes/pkg/controller/job/job_controller.go`, `FailureTarget`).
fn tries(job: &Job, reason: Option<(&str, &str)>, pods: &[&Pod]) -> u32 {
    let is_never_restarted = |pod: &&Pod| pod.restart_policy == "Never";
    let seen = pods.iter().filter(|pod| pod.phase == "Failed").count();
    let seen = u32::try_from(seen).unwrap_or(u32::MAX);
    match reason {
        Some(("BackoffLimitExceeded", _)) if pods.iter().all(is_never_restarted) => {
            job.failed.max(job.backoff_limit.saturating_add(1))
        }
        _ => job.failed.max(seen),
    }
}

fn failed(hope: Hope, tries: u32, how: &str) -> String {
    let number = times(tries.max(1));
    match (hope, tries) {
        (Hope::Retried, ..=1) => format!("has failed {number} so far: {how}"),
        (Hope::Retried, _) => format!("has failed {number} so far, last when {how}"),
        (_, ..=1) => format!("failed: {how}"),
        (_, _) => format!("failed {number}, last when {how}"),
    }
}

/// What a pod that was stopped had not got over, where that kept it from its start.
fn lacked(case: &Case<'_>, pod: &Pod) -> Option<String> {
    const ON_THE_WAY: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];
    let name = &pod.meta.name;
    let mut conditions = pod.conditions.iter();
    if let Some(unscheduled) = conditions.find(|it| it.kind == "PodScheduled" && !it.is_true()) {
        let why = brief(&unscheduled.message);
        return Some(format!("pod {name} was never scheduled: {why}"));
    }
    let inits = pod.inits().map(|(spec, status)| (spec, status, true));
    let mains = pod.mains().map(|(spec, status)| (spec, status, false));
    inits.chain(mains).find_map(|(spec, status, is_init)| {
        let ContainerState::Waiting { reason, message } = &status?.state else {
            return None;
        };
        if ON_THE_WAY.contains(&reason.as_str()) {
            return None;
        }
        let told = case.world.past.pull_error(&pod.meta.uid, &spec.name);
        let told = brief(told.unwrap_or(message));
        let who = container(role(spec, is_init, false), &spec.name);
        Some(format!("{who} of pod {name} was still at {reason}: {told}"))
    })
}

/// Newest first, and last the one that the Job's controller has removed already.
fn pods<'a>(case: &Case<'a>, job: &Job) -> Vec<&'a Pod> {
    let mut pods = case.world.pods_of(&job.meta.uid);
    pods.reverse();
    pods.extend(case.world.past.pod_of_job(&job.meta.uid));
    pods
}
