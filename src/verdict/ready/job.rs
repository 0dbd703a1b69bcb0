use crate::event::{Health, HookPhase};
use crate::snapshot::{Condition, Conditions, Job};

use super::super::subject::Body;
use super::State;

/// How a Job stands, by its conditions alone: counting failures against `backoffLimit` misses
/// deadlines and pod failure policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobPhase<'a> {
    Complete,
    /// `FailureTarget` comes before `Failed` (KEP-3939): the Job is lost, its pods are still ending.
    Failed(&'a Condition),
    Suspended,
    Running,
}

pub fn job_phase(job: &Job) -> JobPhase<'_> {
    let holds = |kind| job.conditions.condition(kind).filter(|c| c.is_true());
    if job.is_complete() {
        JobPhase::Complete
    } else if let Some(failed) = holds("Failed").or_else(|| holds("FailureTarget")) {
        JobPhase::Failed(failed)
    } else if job.suspended || holds("Suspended").is_some() {
        JobPhase::Suspended
    } else {
        JobPhase::Running
    }
}

/// Why no pod of it starts, whoever waits.
fn standstill(job: &Job) -> Option<String> {
    if let Some(controller) = &job.managed_by {
        return Some(format!(
            "left to the controller `{controller}` (`managedBy`)"
        ));
    }
    if job.suspended {
        return Some("suspended: no pod starts until its `suspend` is false".to_owned());
    }
    let stands = job.parallelism == 0 && job.active == 0;
    stands.then(|| "its `parallelism` is 0, so that no pod starts".to_owned())
}

/// `1/2 active`, or why none is.
pub fn progress(job: &Job) -> String {
    let active = || format!("{}/{} active", job.active, job.parallelism);
    standstill(job).unwrap_or_else(active)
}

pub fn state(job: &Job) -> State {
    let desired = job.completions.unwrap_or(1);
    let (health, reason) = match job_phase(job) {
        JobPhase::Complete => return State::new(Health::Ready, "", desired, desired),
        JobPhase::Failed(condition) => (Health::Failed, condition.reason.clone()),
        JobPhase::Suspended => (Health::Progressing, "suspended".to_owned()),
        JobPhase::Running if job.meta.deleting => (Health::Progressing, "being deleted".to_owned()),
        JobPhase::Running => {
            let (succeeded, active) = (job.succeeded, job.active);
            // Without a number to complete, it is over when one pod has succeeded and all have ended.
            let reason = match (standstill(job), job.completions) {
                (Some(standstill), _) => standstill,
                (None, Some(_)) => format!("{succeeded} of {desired} done, {active} active"),
                (None, None) => format!("{succeeded} done, {active} active"),
            };
            (Health::Progressing, reason)
        }
    };
    State::new(health, reason, job.succeeded.min(desired), desired)
}

/// None for a hook that helm does not wait for.
pub fn hook_phase(body: &Body<'_>) -> Option<HookPhase> {
    match body {
        Body::Job(job) => Some(match job_phase(job) {
            JobPhase::Complete => HookPhase::Succeeded,
            JobPhase::Failed(_) => HookPhase::Failed,
            JobPhase::Suspended | JobPhase::Running => HookPhase::Running,
        }),
        Body::Pod(pod) => Some(match pod.phase.as_str() {
            "Succeeded" => HookPhase::Succeeded,
            "Failed" => HookPhase::Failed,
            _ => HookPhase::Running,
        }),
        _ => None,
    }
}
