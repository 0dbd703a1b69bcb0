//! What removals wait for that have not ended, of releases that helm has forgotten.

use super::orphans;
use crate::cluster::Cluster;
use crate::memory::{Left, StackRecord, StackRelease};
use crate::plan::Plan;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{Lingering, ObjectRef, Remaining};

/// Those of what removals have left that are being deleted.
///
/// # Errors
/// The cluster can't be asked.
pub async fn of(cluster: &Cluster, left: &[Remaining]) -> Result<Vec<Lingering>, ObserveError> {
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let objects: Vec<ObjectRef> = left.iter().map(|it| it.object.clone()).collect();
    let there = cluster.lingering(&objects).await?.into_iter();
    let going = there.filter(|it| it.is_going && it.is_among(left));
    Ok(going.collect())
}

/// Orphans that helm has forgotten and whose removal has not ended, beside those that are known: something
/// of them is still going, or what stays has yet to be told.
///
/// # Errors
/// `Denied`, `Unreachable`.
pub async fn orphans(
    cluster: &Cluster,
    whole: &Plan,
    record: &StackRecord,
    known: &[StackRelease],
) -> Result<Vec<StackRelease>, ObserveError> {
    let mut found = Vec::new();
    for left in &record.left {
        let Left {
            release, namespace, ..
        } = left;
        let is_it = |it: &&StackRelease| left.is_of(&it.release, &it.namespace);
        let is_planned = whole.has(namespace.as_str(), release.as_str());
        if is_planned || known.iter().any(|it| is_it(&it)) {
            continue;
        }
        // The run that ends a removal tells of what stays for good, and remembers it no more.
        let is_cut_off = left.objects.iter().any(|it| it.object.stays_for_good());
        if !is_cut_off && of(cluster, &left.objects).await?.is_empty() {
            continue;
        }
        let mut before = record.releases.iter().chain(&record.orphans);
        match (before.find(is_it), release.as_str().parse()) {
            (Some(before), _) => found.push(before.clone()),
            (None, Ok(id)) => found.push(orphans::unknown(id, release.clone(), namespace.clone())),
            (None, Err(_)) => {}
        }
    }
    Ok(found)
}
