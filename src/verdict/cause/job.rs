//! Jobs that have failed by their own conditions, hooks among them.

use crate::event::ContainerRole;
use crate::snapshot::{ContainerState, Job, Pod, Terminated};

use super::super::Hope;
use super::super::ready::{JobPhase, job_phase};
use super::super::subject::{Body, Subject};
use super::super::view::role;
use super::super::words::{brief, container, exit, times};
use super::report::Draft;
use super::{Case, Cause};

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
    let culprit = pods.iter().find_map(|pod| culprit(case, subject.hook, pod));
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
        (_, Some(culprit)) => culprit.sentence(job.failed),
        (reason, None) => format!("failed: {reason}: {}", brief(&condition.message)),
    };
    let draft = Draft::new(cause, Hope::Certain, format!("{name} {what}"))
        .condition(subject.object.short(), condition);
    let draft = match (&culprit, pods.first()) {
        (Some(culprit), _) => culprit.prove(draft),
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

/// The container that failed.
struct Culprit<'a> {
    pod: &'a Pod,
    name: &'a str,
    role: ContainerRole,
    end: Terminated,
    attempt: u32,
}

fn culprit<'a>(case: &Case<'_>, hook: bool, pod: &'a Pod) -> Option<Culprit<'a>> {
    let init = pod.inits().map(|(spec, status)| (spec, status, true));
    let main = pod.mains().map(|(spec, status)| (spec, status, false));
    init.chain(main).find_map(|(spec, status, is_init)| {
        let exits = case.world.exits(&pod.meta.uid, &spec.name);
        let failed = exits.iter().rfind(|exit| exit.terminated.exit_code != 0);
        let healed = matches!(
            status.map(|s| &s.state),
            Some(ContainerState::Terminated(end)) if end.exit_code == 0
        );
        let failed = failed.filter(|_| !healed)?;
        Some(Culprit {
            pod,
            name: &spec.name,
            role: role(spec, is_init, hook),
            end: failed.terminated.clone(),
            attempt: failed.attempt,
        })
    })
}

impl Culprit<'_> {
    fn sentence(&self, failed_pods: u32) -> String {
        let who = format!(
            "{} of pod {}",
            container(self.role, self.name),
            self.pod.meta.name
        );
        let how = if self.end.reason == "OOMKilled" {
            "ran out of memory (OOMKilled)".to_owned()
        } else {
            format!("ended with {}", exit(&self.end))
        };
        match failed_pods.max(self.attempt) {
            ..=1 => format!("failed: {who} {how}"),
            tries => format!("failed {}, last when {who} {how}", times(tries)),
        }
    }

    fn prove(&self, draft: Draft) -> Draft {
        let message = match self.end.message.as_str() {
            "" => exit(&self.end),
            message => format!("{}: {message}", exit(&self.end)),
        };
        let pod = format!("pod/{}", self.pod.meta.name);
        draft
            .through(pod.clone())
            .in_container(self.role, self.name)
            .status(pod, &self.end.reason, &message)
            .log(self.pod, self.name, self.attempt)
    }
}
