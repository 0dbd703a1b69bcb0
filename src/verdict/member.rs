//! Which pods belong to the release, by the chain of owners' uids, and which of them are of
//! the revision that is judged.

use crate::snapshot::{
    ObjectRef, Pod, ReplicaSet, Uid, UpdateStrategy, Workload, WorkloadKind, World,
};

use super::subject::{Body, Subject};

/// A pod of the release.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub pod: &'a Pod,
    /// The object in the release that it belongs to.
    pub owner: &'a ObjectRef,
    pub keeper: Keeper,
    pub hook: bool,
    /// Of the present revision: its troubles are the release's.
    pub judged: bool,
    /// Of an old revision, to be replaced.
    pub outgoing: bool,
}

/// Who sees to it that the pod does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// Replaced when lost, restarted when ended.
    Workload,
    /// Retried by a Job's own backoff.
    Job,
    /// Nobody but the kubelet.
    Nobody,
}

/// The pods of these subjects, in the subjects' order, then oldest first.
pub fn members<'a>(world: &'a World, subjects: &'a [Subject<'a>]) -> Vec<Member<'a>> {
    subjects
        .iter()
        .flat_map(|subject| pods_of(world, subject))
        .collect()
}

fn pods_of<'a>(world: &'a World, subject: &'a Subject<'a>) -> Vec<Member<'a>> {
    let member = |pod, keeper, judged, outgoing| Member {
        pod,
        owner: &subject.object,
        keeper,
        hook: subject.hook,
        judged: judged && !subject.stale,
        outgoing,
    };
    match &subject.body {
        Body::Workload(workload) if workload.kind == WorkloadKind::Deployment => {
            let present = present_set(world, workload).map(|set| &set.meta.uid);
            let sets = world.replica_sets_of(&workload.meta.uid);
            let of_set = |set: &ReplicaSet| {
                let is_present = Some(&set.meta.uid) == present;
                world
                    .pods_of(&set.meta.uid)
                    .into_iter()
                    .map(move |pod| (pod, is_present))
                    .collect::<Vec<_>>()
            };
            sets.into_iter()
                .flat_map(of_set)
                .map(|(pod, new)| {
                    let outgoing = !new && present.is_some() && !subject.stale;
                    member(pod, Keeper::Workload, new, outgoing)
                })
                .collect()
        }
        Body::Workload(workload) if !workload.kind.has_revisions() => {
            let pods = world.pods_of(&workload.meta.uid).into_iter();
            pods.map(|pod| member(pod, Keeper::Workload, true, false))
                .collect()
        }
        Body::Workload(workload) => {
            let pods = world.pods_of(&workload.meta.uid);
            let revision = present_revision(workload, &pods);
            let is_new = |pod: &Pod| revision.is_some() && pod.meta.revision_hash == revision;
            let total = pods.len();
            let old = pods.iter().filter(|pod| !is_new(pod)).count();
            let leaving = revision.is_some() && old > kept(workload).min(total);
            pods.into_iter()
                .map(|pod| {
                    let new = is_new(pod);
                    member(
                        pod,
                        Keeper::Workload,
                        new,
                        !new && !subject.stale && leaving,
                    )
                })
                .collect()
        }
        Body::Job(job) => world
            .pods_of(&job.meta.uid)
            .into_iter()
            .map(|pod| member(pod, Keeper::Job, true, false))
            .collect(),
        Body::Pod(pod) => vec![member(*pod, Keeper::Nobody, true, false)],
        _ => Vec::new(),
    }
}

/// The ReplicaSet that the Deployment's controller has made for the present pod template: the
/// one with the Deployment's own revision (kubectl `pkg/util/deployment`), or the newest while
/// that is not known. None while the controller, or our watch of ReplicaSets, is behind.
pub fn present_set<'a>(world: &'a World, deployment: &Workload) -> Option<&'a ReplicaSet> {
    if deployment.observed_generation < deployment.meta.generation {
        return None;
    }
    let sets = world.replica_sets_of(&deployment.meta.uid);
    let is_present =
        |set: &&ReplicaSet| deployment.revision == 0 || set.revision == deployment.revision;
    sets.into_iter().find(is_present)
}

/// The `controller-revision-hash` of the pods that a StatefulSet or DaemonSet wants.
///
/// A StatefulSet says it. A DaemonSet only counts the pods that have it, so it is that of the
/// youngest pod as soon as there is one to count.
fn present_revision(workload: &Workload, pods: &[&Pod]) -> Option<String> {
    if workload.observed_generation < workload.meta.generation {
        return None;
    }
    match workload.kind {
        WorkloadKind::DaemonSet if workload.updated > 0 || workload.current == 0 => pods
            .iter()
            .rfind(|pod| !pod.meta.deleting)
            .and_then(|pod| pod.meta.revision_hash.clone()),
        WorkloadKind::DaemonSet => None,
        _ => Some(workload.update_revision.clone()).filter(|r| !r.is_empty()),
    }
}

/// How many pods of an old revision may stay for good.
fn kept(workload: &Workload) -> usize {
    match workload.strategy {
        UpdateStrategy::OnDelete => usize::MAX,
        UpdateStrategy::Rolling { partition } if workload.kind == WorkloadKind::StatefulSet => {
            usize::try_from(partition).unwrap_or(usize::MAX)
        }
        _ => 0,
    }
}

/// Pods that don't speak for the revision that is judged.
pub fn is_old(members: &[Member<'_>], pod: &Uid) -> bool {
    members.iter().any(|m| &m.pod.meta.uid == pod && !m.judged)
}
