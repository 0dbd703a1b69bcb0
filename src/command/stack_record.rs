//! What the cluster remembers of a stack between runs: written when one begins and when it ends.

use std::time::Duration;

use jiff::Timestamp;

use super::{orphans, seal, session};
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::event::Holder;
use crate::helm::{Helm, Staged};
use crate::keyed::Key;
use crate::memory::{RunEnd, StackRecord, Verified};
use crate::names::{ReleaseId, RunId};
use crate::plan::{Plan, Selection};
use crate::profile::Profile;
use crate::runner::Ended;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::ObjectRef;

/// How long a run that is over may take to write down how it ended.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Takes note of a run that begins: the graph, which `status` needs when no profile is at hand, who
/// runs, and the key of the inputs' digests.
///
/// # Errors
/// The record can't be written, or there is no randomness for a key.
pub async fn begin(
    cluster: &Cluster,
    profile: &Profile,
    helm: &Helm,
    by: Holder,
) -> Result<(StackRecord, Key), Failure> {
    let whole = Plan::new(profile, &Selection::All).map_err(anyhow::Error::from)?;
    let file = profile.file.file_name().unwrap_or_default();
    let (stack, namespace) = (whole.stack.clone(), whole.namespace.clone());
    let known = match cluster.read_stack(&stack, &namespace).await {
        Ok(known) => known,
        // What can't be read is written anew: it is never the only proof of anything.
        Err(ObserveError::Unexpected(why)) => {
            tracing::warn!(why, "the stack's record is lost");
            None
        }
        Err(error) => return Err(session::observe(&error)),
    };
    let mut record = known.unwrap_or_else(|| StackRecord::new(stack, namespace, ""));
    let label = |(id, chart): (&ReleaseId, &Staged)| (id.clone(), chart.label.clone());
    let charts = helm.charts.iter().map(label).collect();
    record.take_in(&file.to_string_lossy(), &whole, &charts);
    let key = match &record.key {
        Some(key) => key.clone(),
        None => seal::new_key()?,
    };
    record.key = Some(key.clone());
    record.orphans = orphans::still_there(cluster, &whole, &record).await?;
    record.begin(by);
    write(cluster, &record).await?;
    Ok((record, key))
}

/// Every release of a plan was ready once, so a run may find nothing to do for helm.
pub async fn remembers(cluster: &Cluster, plan: &Plan) -> bool {
    let known = cluster.read_stack(&plan.stack, &plan.namespace).await;
    let Ok(Some(record)) = known else {
        return false;
    };
    let is_known = |id| record.release(id).is_some_and(|it| it.verified.is_some());
    plan.steps().iter().all(|step| is_known(&step.id))
}

/// Takes note of how a run ended. What fails in that is no failure of the run: the next one has more
/// to look at then.
pub async fn end(cluster: &Cluster, record: StackRecord, run: &RunId, ended: &Ended) {
    let write = try_end(cluster, record, run, ended);
    match tokio::time::timeout(LAST_WORDS, write).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "how the run ended can't be written down"),
        Err(_) => tracing::warn!("how the run ended can't be written down in time"),
    }
}

async fn try_end(
    cluster: &Cluster,
    mut record: StackRecord,
    run: &RunId,
    ended: &Ended,
) -> Result<(), ObserveError> {
    let all = ended.verified.iter().flat_map(|(_, _, objects)| objects);
    let all: Vec<ObjectRef> = all.cloned().collect();
    let there = match all.as_slice() {
        [] => Vec::new(),
        all => cluster.survey(all).await?,
    };
    let verified = ended.verified.iter().map(|(id, revision, objects)| {
        let objects = there.iter().filter(|it| objects.contains(&it.object));
        let verified = Verified {
            revision: *revision,
            objects: objects.cloned().collect(),
        };
        (id.clone(), verified)
    });
    let end = RunEnd {
        at: Timestamp::now(),
        outcome: ended.outcome,
        releases: ended.releases.clone(),
        together: ended.together,
    };
    record.end(run, end, verified.collect());
    cluster.write_stack(&record).await
}

/// Takes note of a run that begins and installs nothing, where anything is remembered.
pub async fn begin_other(
    cluster: &Cluster,
    plan: &Plan,
    by: Holder,
) -> Result<Option<StackRecord>, Failure> {
    let known = cluster.read_stack(&plan.stack, &plan.namespace).await;
    let Some(mut record) = known.ok().flatten() else {
        return Ok(None);
    };
    record.begin(by);
    write(cluster, &record).await?;
    Ok(Some(record))
}

/// Takes it away.
pub async fn delete(cluster: &Cluster, plan: &Plan) -> Result<(), Failure> {
    let deleted = cluster.delete_stack(&plan.stack, &plan.namespace).await;
    deleted.map(drop).map_err(|e| session::observe(&e))
}

async fn write(cluster: &Cluster, record: &StackRecord) -> Result<(), Failure> {
    let written = cluster.write_stack(record).await;
    written.map_err(|error| session::observe(&error))
}
