//! Jobs that have failed by their own conditions, hooks among them.

use crate::event::ContainerRole;
use crate::snapshot::{Job, Pod};

use super::super::Hope;
use super::super::ready::{JobPhase, job_phase};
use super::super::subject::{Body, Subject};
use super::super::words::{brief, times};
use super::culprit::Culprit;
use super::report::Draft;
use super::{Case, Cause, lost};

pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let Body::Job(job) = subject.body else {
        return None;
    };
    let JobPhase::Failed(condition) = job_phase(job) else {
        return None;
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
    let what = match (condition.reason.as_str(), &culprit) {
        ("DeadlineExceeded", _) => {
            "was stopped: it took longer than its `activeDeadlineSeconds`".to_owned()
        }
        ("PodFailurePolicy", _) => {
            format!(
                "was given up by its pod failure policy: {}",
                brief(&condition.message)
            )
        }
        (_, Some(culprit)) => {
            let (who, how) = (culprit.who(), culprit.how());
            match job.failed.max(culprit.attempt) {
                ..=1 => format!("failed: {who} {how}"),
                tries => format!("failed {}, last when {who} {how}", times(tries)),
            }
        }
        (_, None) if lost.is_some() => {
            let lost = lost.unwrap_or_default();
            match job.failed {
                ..=1 => format!("failed: {lost}"),
                tries => format!("failed {}, last when {lost}", times(tries)),
            }
        }
        (reason, None) => format!("failed: {reason}: {}", brief(&condition.message)),
    };
    let draft = Draft::new(cause, Hope::Certain, format!("{name} {what}"))
        .condition(subject.object.short(), condition);
    let draft = match (&culprit, pods.first()) {
        (Some(culprit), _) => {
            let pod = format!("pod/{}", culprit.pod.meta.name);
            culprit.prove(draft.through(pod))
        }
        (None, Some(pod)) => {
            let first = pod.containers.first().map_or("", |c| c.name.as_str());
            let attempt = pod.status_of(first).map_or(1, |s| s.restarts + 1);
            draft
                .through(format!("pod/{}", pod.meta.name))
                .log(pod, first, attempt)
        }
        (None, None) => draft,
    };
    let role = culprit.map_or(ContainerRole::Main, |c| c.role);
    Some(draft.hint(case.logs_hint(role)))
}

/// Newest first, and last the one that the Job's controller has removed already.
fn pods<'a>(case: &Case<'a>, job: &Job) -> Vec<&'a Pod> {
    let mut pods = case.world.pods_of(&job.meta.uid);
    pods.reverse();
    pods.extend(case.world.departed(&job.meta.uid));
    pods
}
