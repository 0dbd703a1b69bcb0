//! What is remembered of a stack that is gone: what its removal has left.

use super::is_ours;
use crate::cluster::Cluster;
use crate::command::session;
use crate::error::Failure;
use crate::memory::Left;
use crate::names::RunId;
use crate::plan::Plan;
use crate::runner::Ended;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::ObjectRef;

/// Takes the record of a stack away that is gone, but for what has been left of it. `volumes` go too,
/// also those of releases that the profile does not name. Does nothing where the stack is another
/// run's.
///
/// # Errors
/// It can't be.
pub async fn forget(
    cluster: &Cluster,
    plan: &Plan,
    run: &RunId,
    ended: &Ended,
    volumes: bool,
) -> Result<(), Failure> {
    let forgotten = async {
        // The run has written it too.
        let known = cluster.stored_stack(&plan.stack, &plan.namespace).await?;
        let Some(mut stored) = known else {
            return Ok(());
        };
        if !is_ours(cluster, &stored, run).await? {
            return Ok(());
        }
        stored.record.leave(&ended.left);
        if volumes {
            let is_planned = |left: &Left| plan.has(left.namespace.as_str(), left.release.as_str());
            let (kept, others) = stored.record.left.drain(..).partition(is_planned);
            stored.record.left = kept;
            remove(cluster, &others).await?;
        }
        stored.record = stored.record.remains();
        match stored.record.left.is_empty() {
            true => cluster.delete_stack(&stored).await.map(drop),
            false => cluster.write_stack(&mut stored).await.map(drop),
        }
    };
    forgotten
        .await
        .map_err(|error: ObserveError| session::observe(&error))
}

/// Takes note of what has been left of a stack of which nothing was remembered before the run.
///
/// # Errors
/// It can't be written.
pub async fn remember(
    cluster: &Cluster,
    plan: &Plan,
    run: &RunId,
    ended: &Ended,
) -> Result<(), Failure> {
    let remembered = async {
        let (stack, namespace) = (&plan.stack, &plan.namespace);
        let mut stored = cluster.stored_or_empty(stack, namespace).await?;
        let before = stored.record.left.clone();
        stored.record.leave(&ended.left);
        if stored.record.left == before || !is_ours(cluster, &stored, run).await? {
            return Ok(());
        }
        // The run itself has made it, of what is gone by now.
        match stored.record.is_gone() && stored.record.left.is_empty() {
            true => cluster.delete_stack(&stored).await.map(drop),
            false => cluster.write_stack(&mut stored).await.map(drop),
        }
    };
    remembered
        .await
        .map_err(|error: ObserveError| session::observe(&error))
}

/// Deletes what is still there of it, and nothing that has come in its place.
async fn remove(cluster: &Cluster, left: &[Left]) -> Result<(), ObserveError> {
    for left in left {
        let objects = left.objects.iter().map(|it| &it.object);
        let objects = objects.filter(|it| !it.stays_for_good());
        let objects: Vec<ObjectRef> = objects.cloned().collect();
        let there = cluster.lingering(&objects).await?;
        let there = there.into_iter().filter(|it| it.is_among(&left.objects));
        let there: Vec<ObjectRef> = there.map(|it| it.object).collect();
        cluster
            .delete(&left.namespace, &left.release, &there)
            .await?;
    }
    Ok(())
}
