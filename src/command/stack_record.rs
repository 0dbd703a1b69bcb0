//! What the cluster remembers of a stack between runs: written when one begins and when it ends.

mod ended;
mod left;

use super::{lease, orphans, seal, session};
use crate::cluster::{Cluster, StoredStack, TRIES, Written};
use crate::error::Failure;
use crate::event::Holder;
use crate::helm::{Helm, Staged};
use crate::keyed::Key;
use crate::memory::StackRecord;
use crate::names::{ReleaseId, RunId};
use crate::plan::{Plan, Selection};
use crate::profile::Profile;
use crate::runner::ports::{Leases, ObserveError};
use crate::snapshot::StackId;

pub use ended::end;
pub use left::{forget, remember};

/// What the cluster remembers of a stack, None where it is nothing.
///
/// # Errors
/// It can't be read.
pub async fn read(cluster: &Cluster, plan: &Plan) -> Result<Option<StoredStack>, Failure> {
    let known = cluster.stored_stack(&plan.stack, &plan.namespace).await;
    known.map_err(|error| session::observe(&error))
}

/// A run that has been taken note of.
pub struct Begun {
    pub stored: StoredStack,
    pub key: Key,
    /// By which the stack was known before.
    pub before: StackId,
}

/// Takes note of a run that begins: the graph, which `status` needs when no profile is at hand, who
/// runs, and the key of the inputs' digests.
///
/// # Errors
/// The record can't be read or written, another run has the stack by now, or there is no randomness
/// for a key.
pub async fn begin(
    cluster: &Cluster,
    profile: &Profile,
    helm: &Helm,
    by: &Holder,
) -> Result<Begun, Failure> {
    let whole = Plan::new(profile, &Selection::All).map_err(anyhow::Error::from)?;
    let file = profile.file.file_name().unwrap_or_default();
    let label = |(id, chart): (&ReleaseId, &Staged)| (id.clone(), chart.label.clone());
    let charts = helm.charts.iter().map(label).collect();
    for _ in 0..TRIES {
        let now = cluster
            .stored_or_empty(&whole.stack, &whole.namespace)
            .await;
        let mut now = now.map_err(|error| session::observe(&error))?;
        let record = &mut now.record;
        let before = record.id();
        record.take_in(&file.to_string_lossy(), &whole, &charts);
        let key = match &record.key {
            Some(key) => key.clone(),
            None => seal::new_key()?,
        };
        record.key = Some(key.clone());
        record.orphans = orphans::all(cluster, &whole, record).await?;
        if note(cluster, &mut now, by).await? {
            return Ok(Begun {
                stored: now,
                key,
                before,
            });
        }
    }
    Err(lease::lost(&whole.stack, &whole.namespace))
}

/// Every release of a plan was ready once, so a run may find nothing to do for helm.
///
/// # Errors
/// The record can't be read.
pub async fn remembers(cluster: &Cluster, plan: &Plan) -> Result<bool, Failure> {
    let known = read(cluster, plan).await?;
    let is_known = |id: &ReleaseId| {
        let known = known.as_ref().and_then(|known| known.record.release(id));
        known.is_some_and(|it| it.verified.is_some())
    };
    Ok(plan.steps().iter().all(|step| is_known(&step.id)))
}

/// Takes note of a run that begins and installs nothing, where anything is remembered.
///
/// # Errors
/// As those of [`begin`].
pub async fn begin_other(
    cluster: &Cluster,
    plan: &Plan,
    by: &Holder,
) -> Result<Option<StoredStack>, Failure> {
    for _ in 0..TRIES {
        let Some(mut stored) = read(cluster, plan).await? else {
            return Ok(None);
        };
        if note(cluster, &mut stored, by).await? {
            return Ok(Some(stored));
        }
    }
    Err(lease::lost(&plan.stack, &plan.namespace))
}

/// Takes note of a run that begins, in a record that was read. Returns false where somebody else has
/// written it since.
///
/// # Errors
/// Another run has the stack by now, or it can't be written.
pub async fn note(
    cluster: &Cluster,
    stored: &mut StoredStack,
    by: &Holder,
) -> Result<bool, Failure> {
    stored.record.begin(by.clone());
    let ours = is_ours(cluster, stored, &by.run).await;
    if !ours.map_err(|error| session::observe(&error))? {
        return Err(lease::lost(&stored.record.stack, &stored.record.namespace));
    }
    let written = cluster.write_stack(stored).await;
    let written = written.map_err(|error| session::observe(&error))?;
    Ok(written != Written::Outdated)
}

/// The Lease is still this run's.
async fn is_ours(
    cluster: &Cluster,
    stored: &StoredStack,
    run: &RunId,
) -> Result<bool, ObserveError> {
    let StackRecord {
        stack, namespace, ..
    } = &stored.record;
    let lease = cluster.lease(stack, namespace).read().await?;
    let holder = lease.and_then(|lease| lease.holder);
    Ok(holder.is_some_and(|holder| holder.run == *run))
}
