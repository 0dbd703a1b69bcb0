//! StatefulSets that wait for ever for a broken pod of an old revision.

use crate::snapshot::WorkloadKind;

use super::super::member::Member;
use super::super::ready::is_pod_ready;
use super::super::scope::{Baseline, Scope};
use super::super::subject::{Body, Subject};
use super::super::{Finding, Hope};
use super::{Case, Cause};

/// With `OrderedReady` the controller does nothing before every pod is ready, so it never gets to
/// replace one that can't be, though the fix is applied (Kubernetes issue 67250, "forced
/// rollback" in the documentation of StatefulSets). What is wrong with the pod is judged as if it
/// were of this revision, but without the patience for trouble from before: no change of this run
/// can reach it.
pub fn find(case: &Case<'_>, subject: &Subject<'_>) -> Option<Finding> {
    let Body::Workload(set) = subject.body else {
        return None;
    };
    if set.kind != WorkloadKind::StatefulSet
        || !set.ordered
        || set.observed_generation < set.meta.generation
        || set.update_revision.is_empty()
    {
        return None;
    }
    let before = Baseline::default();
    let scope = Scope {
        before: &before,
        ..*case.scope
    };
    let afresh = Case {
        scope: &scope,
        ..*case
    };
    let is_broken = |member: &&Member<'_>| {
        member.owner == &subject.object
            && member.outgoing
            && !member.pod.meta.deleting
            && member.pod.phase != "Failed"
            && !is_pod_ready(member.pod)
    };
    let mut troubles: Vec<(&Member<'_>, Finding)> = case
        .members
        .iter()
        .filter(is_broken)
        .flat_map(|member| {
            let of_pod = afresh.of_pod(member);
            of_pod.into_iter().map(move |finding| (member, finding))
        })
        .collect();
    troubles.sort_by_key(|(_, finding)| (finding.hope != Hope::Certain, finding.cause));
    let (member, trouble) = troubles.into_iter().next()?;
    let pod = &member.pod.meta;
    let mut verdict = trouble.verdict;
    verdict.sentence = format!(
        "{} is stuck: pod {} of the revision before is broken, and is not replaced until it is \
         ready: {}",
        subject.object.short(),
        pod.name,
        verdict.sentence
    );
    verdict.hints = vec![format!(
        "`kubectl delete pod {} -n {}`: the new revision then takes its place",
        pod.name, pod.namespace
    )];
    Some(Finding {
        key: format!("{}/{}", trouble.key, Cause::StuckRollout.as_str()),
        cause: Cause::StuckRollout,
        verdict,
        ..trouble
    })
}
