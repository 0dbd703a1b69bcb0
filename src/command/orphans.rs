//! Releases of a stack that its profile names no more, or has disabled.

use super::session;
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::memory::{StackRecord, StackRelease};
use crate::names::Namespace;
use crate::plan::{Leftover, Plan};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Record, RecordStatus};

/// The orphans of a stack in the cluster, with what the record knows of them. `whole` is the plan of
/// all that the profile names.
///
/// # Errors
/// The cluster can't be asked.
pub async fn still_there(
    cluster: &Cluster,
    whole: &Plan,
    record: &StackRecord,
) -> Result<Vec<StackRelease>, Failure> {
    let known = &record.orphans;
    let mut namespaces = whole.namespaces();
    namespaces.extend(known.iter().map(|it| it.namespace.clone()));
    namespaces.sort();
    namespaces.dedup();
    let records = records(cluster, whole, &namespaces).await;
    let records = records.map_err(|error| session::observe(&error))?;
    let mut orphans = Vec::new();
    for record in Record::last_of_each(records) {
        let (namespace, name) = (record.namespace.as_str(), record.release.as_str());
        // Another namespace may have a stack of the same name.
        let is_here = namespaces.iter().any(|it| it.as_str() == namespace);
        if !is_here || !is_orphan(&record, whole) {
            continue;
        }
        let mut known = known.iter();
        let known =
            known.find(|it| it.release.as_str() == name && it.namespace.as_str() == namespace);
        let id = record.marks.release.as_deref().unwrap_or(name);
        match (known, id.parse(), name.parse(), namespace.parse()) {
            (Some(known), ..) => orphans.push(known.clone()),
            (None, Ok(id), Ok(release), Ok(namespace)) => orphans.push(StackRelease {
                id,
                release,
                namespace,
                chart: String::new(),
                needs: Vec::new(),
                verified: None,
            }),
            _ => {}
        }
    }
    Ok(orphans)
}

/// A release of the stack that is there, and that the profile names no more.
pub fn is_orphan(last: &Record, whole: &Plan) -> bool {
    last.status != RecordStatus::Uninstalled && !whole.has(&last.namespace, &last.release)
}

async fn records(
    cluster: &Cluster,
    whole: &Plan,
    namespaces: &[Namespace],
) -> Result<Vec<Record>, ObserveError> {
    match cluster.records(Some(&whole.stack), None).await {
        Err(ObserveError::Denied(_)) => {}
        found => return found,
    }
    let mut records = Vec::new();
    for namespace in namespaces {
        records.extend(cluster.records(Some(&whole.stack), Some(namespace)).await?);
    }
    Ok(records)
}

/// What a run is to do with them, None where there are none.
pub fn plan(record: &StackRecord) -> Option<Plan> {
    let leftover = |it: &StackRelease| Leftover {
        id: it.id.clone(),
        release: it.release.clone(),
        namespace: it.namespace.clone(),
        needs: it.needs.clone(),
    };
    let all: Vec<Leftover> = record.orphans.iter().map(leftover).collect();
    let (stack, namespace) = (record.stack.clone(), record.namespace.clone());
    (!all.is_empty()).then(|| Plan::of_leftovers(stack, namespace, &all))
}
