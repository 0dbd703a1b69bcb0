//! Releases of a stack that its profile names no more, or has disabled.

use std::collections::BTreeSet;

use super::{held, session};
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::memory::{StackRecord, StackRelease};
use crate::names::{Namespace, ReleaseId, ReleaseName, StackName};
use crate::plan::{Leftover, Plan};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Record, StackId};

/// The orphans of a stack in the cluster, with what the record knows of them, be it that they were
/// orphans before or that the profile has just dropped them. `whole` is the plan of all that it names.
///
/// # Errors
/// The cluster can't be asked.
pub async fn still_there(
    cluster: &Cluster,
    whole: &Plan,
    record: &StackRecord,
) -> Result<Vec<StackRelease>, Failure> {
    let found = find(cluster, whole, record).await;
    found.map_err(|error| session::observe(&error))
}

/// As [`still_there`], with those that helm has forgotten and of which something is still going.
///
/// # Errors
/// As there.
pub async fn all(
    cluster: &Cluster,
    whole: &Plan,
    record: &StackRecord,
) -> Result<Vec<StackRelease>, Failure> {
    let found = find_all(cluster, whole, record).await;
    found.map_err(|error| session::observe(&error))
}

/// As [`all`].
///
/// # Errors
/// `Denied`, `Unreachable`.
pub async fn find_all(
    cluster: &Cluster,
    whole: &Plan,
    record: &StackRecord,
) -> Result<Vec<StackRelease>, ObserveError> {
    let mut orphans = find(cluster, whole, record).await?;
    orphans.extend(held::orphans(cluster, whole, record, &orphans).await?);
    Ok(orphans)
}

/// One of which nothing but its name is remembered.
pub fn unknown(id: ReleaseId, release: ReleaseName, namespace: Namespace) -> StackRelease {
    StackRelease {
        id,
        release,
        namespace,
        chart: String::new(),
        needs: Vec::new(),
        forward_only: false,
        verified: None,
    }
}

/// As [`still_there`].
///
/// # Errors
/// `Denied`, `Unreachable`.
pub async fn find(
    cluster: &Cluster,
    whole: &Plan,
    record: &StackRecord,
) -> Result<Vec<StackRelease>, ObserveError> {
    let stack = record.id();
    let known: Vec<&StackRelease> = record.releases.iter().chain(&record.orphans).collect();
    let mut namespaces = whole.namespaces();
    namespaces.extend(known.iter().map(|it| it.namespace.clone()));
    namespaces.sort();
    namespaces.dedup();
    let records = records(cluster, &whole.stack, &namespaces).await?;
    let mut orphans = Vec::new();
    let last = Record::last_of_each(records).into_iter();
    for record in last.filter(|record| stack.owns(record)) {
        if !is_orphan(cluster, &stack, &record, whole).await? {
            continue;
        }
        let (namespace, name) = (record.namespace.as_str(), record.release.as_str());
        let mut known = known.iter();
        let known =
            known.find(|it| it.release.as_str() == name && it.namespace.as_str() == namespace);
        let id = record.marks.release.as_deref().unwrap_or(name);
        match (known, id.parse(), name.parse(), namespace.parse()) {
            (Some(&known), ..) => orphans.push(known.clone()),
            (None, Ok(id), Ok(release), Ok(namespace)) => {
                orphans.push(unknown(id, release, namespace));
            }
            _ => {}
        }
    }
    Ok(orphans)
}

/// A release of the stack that is there, and that the profile names no more; `last` is the last revision
/// that bears the stack's mark. Another stack may have taken it over since.
///
/// # Errors
/// As those of [`Cluster::revisions`].
async fn is_orphan(
    cluster: &Cluster,
    stack: &StackId,
    last: &Record,
    whole: &Plan,
) -> Result<bool, ObserveError> {
    if whole.has(&last.namespace, &last.release) {
        return Ok(false);
    }
    let (Ok(namespace), Ok(release)) = (last.namespace.parse(), last.release.parse()) else {
        return Ok(false);
    };
    let revisions = cluster.revisions(&namespace, &release).await?;
    let newest = revisions.iter().max_by_key(|record| record.revision);
    Ok(newest.is_some_and(|newest| newest.is_there() && stack.owns(newest)))
}

/// The records that bear the stack's name, in these namespaces where no more may be seen.
async fn records(
    cluster: &Cluster,
    stack: &StackName,
    namespaces: &[Namespace],
) -> Result<Vec<Record>, ObserveError> {
    match cluster.records(Some(stack), None).await {
        Err(ObserveError::Denied(_)) => {}
        found => return found,
    }
    let mut records = Vec::new();
    for namespace in namespaces {
        records.extend(cluster.records(Some(stack), Some(namespace)).await?);
    }
    Ok(records)
}

/// What a run is to do with them, None where there are none.
pub fn plan(record: &StackRecord) -> Option<Plan> {
    let mut taken: BTreeSet<ReleaseId> = record.releases.iter().map(|it| it.id.clone()).collect();
    let mut leftover = |it: &StackRelease| {
        let id = free_id(it, &taken);
        taken.insert(id.clone());
        Leftover {
            id,
            release: it.release.clone(),
            namespace: it.namespace.clone(),
            needs: it.needs.clone(),
        }
    };
    let all: Vec<Leftover> = record.orphans.iter().map(&mut leftover).collect();
    let (stack, namespace) = (record.stack.clone(), record.namespace.clone());
    (!all.is_empty()).then(|| Plan::of_leftovers(stack, namespace, &all))
}

/// The id that it had, unless another release of the stack has it now: it may have been renamed.
fn free_id(orphan: &StackRelease, taken: &BTreeSet<ReleaseId>) -> ReleaseId {
    let names = [
        orphan.release.to_string(),
        format!("{}-{}", orphan.release, orphan.namespace),
        format!("{}-orphan", orphan.id),
    ];
    let names = names.iter().filter_map(|name| name.parse().ok());
    let mut all = std::iter::once(orphan.id.clone()).chain(names);
    let free = all.find(|id| !taken.contains(id));
    free.unwrap_or_else(|| orphan.id.clone())
}
