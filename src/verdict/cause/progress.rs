//! Deployments whose own deadline has passed.

use crate::snapshot::{Conditions, ContainerState, WorkloadKind};

use super::super::subject::{Body, Subject};
use super::super::waiting::blocked_pod;
use super::report::Draft;
use super::{Case, Cause};

/// The controller goes on trying behind its deadline (`progressDeadlineSeconds`), so this is our
/// judgement, and it is withheld while an init container is at work: the deadline counts its time
/// too, though work is progress.
pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Draft> {
    let Body::Workload(workload) = subject.body else {
        return None;
    };
    if workload.kind != WorkloadKind::Deployment
        || workload.observed_generation < workload.meta.generation
    {
        return None;
    }
    let condition = workload
        .conditions
        .condition("Progressing")
        .filter(|c| c.reason == "ProgressDeadlineExceeded")?;
    let mut pods = case
        .members
        .iter()
        .filter(|m| m.judged && m.owner == &subject.object);
    let works = |status: &crate::snapshot::ContainerStatus| {
        matches!(status.state, ContainerState::Running { .. })
    };
    let at_work = pods.clone().any(|member| {
        member
            .pod
            .inits()
            .any(|(spec, status)| !spec.sidecar && status.is_some_and(works))
    });
    if at_work {
        return None;
    }
    let name = subject.object.short();
    // A change of the replicas alone leaves the condition as it was until pods come or don't.
    let before = case.scope.before;
    let is_new =
        !before.has_same(&workload.meta) && !before.had_condition(&workload.meta.uid, condition);
    let hope = case.hope_since(is_new);
    let mut sentence = format!("{name} made no progress within its `progressDeadlineSeconds`");
    if let Some(waiting) = pods.find_map(|member| blocked_pod(case, member)) {
        sentence = format!("{sentence}: {}", waiting.on);
    }
    let draft = Draft::new(Cause::ProgressDeadline, hope, sentence);
    Some(
        draft
            .condition(name, condition)
            .hint("raise `progressDeadlineSeconds` if it is only slow"),
    )
}
