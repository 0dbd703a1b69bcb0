//! The digests of what goes into releases, by which a run finds what is unchanged.

use std::collections::HashMap;
use std::io;

use super::session;
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::helm::Helm;
use crate::keyed::Key;
use crate::memory::StackRecord;
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::runner::Known;
use crate::snapshot::LastingHook;

/// Makes the digests of a plan's inputs with the stack's key, where a run has left one. Returns what is
/// remembered of the stack.
///
/// # Errors
/// The inputs can't be read, or the cluster.
pub async fn as_before(
    cluster: &Cluster,
    plan: &Plan,
    helm: &mut Helm,
) -> Result<Option<StackRecord>, Failure> {
    let known = cluster.read_stack(&plan.stack, &plan.namespace).await;
    let known = known.map_err(|error| session::observe(&error))?;
    freeze(plan, helm)?;
    if let Some(key) = known.as_ref().and_then(|record| record.key.as_ref()) {
        all(plan, helm, key)?;
    }
    Ok(known)
}

/// Takes the values as they are now, for a helm that only renders.
///
/// # Errors
/// A file of them can't be read.
pub fn freeze(plan: &Plan, helm: &mut Helm) -> Result<(), Failure> {
    helm.freeze(plan).map_err(|error| unreadable(&error))
}

/// The digests of a plan's inputs under a key of one's own, of values as they were taken.
///
/// # Errors
/// The inputs can't be read.
pub fn apart(plan: &Plan, helm: &Helm, key: &Key) -> Result<HashMap<ReleaseId, String>, Failure> {
    helm.digests(plan, key).map_err(|error| unreadable(&error))
}

/// Makes the digests of a plan's inputs.
///
/// # Errors
/// The inputs can't be read.
pub fn all(plan: &Plan, helm: &mut Helm, key: &Key) -> Result<(), Failure> {
    helm.seal(plan, key).map_err(|error| unreadable(&error))
}

fn unreadable(error: &io::Error) -> Failure {
    let text = format!("what goes into the releases can't be read: {error}");
    Failure::new(Kind::Environment, text)
}

/// By which a run may find that a release is unchanged.
pub fn known(record: &StackRecord, helm: &Helm) -> HashMap<ReleaseId, Known> {
    let sealed = helm.sealed.iter();
    let known = sealed.map(|(id, inputs)| {
        let known = Known {
            inputs: inputs.clone(),
            verified: record
                .release(id)
                .and_then(|release| release.verified.clone()),
        };
        (id.clone(), known)
    });
    known.collect()
}

/// What hooks had made of the releases when each was seen ready last, with its revision then.
pub fn hooks(record: &StackRecord) -> HashMap<ReleaseId, (u32, Vec<LastingHook>)> {
    let hooks = record.releases.iter().filter_map(|release| {
        let verified = release.verified.as_ref()?;
        let made = (verified.revision, verified.hooks.clone());
        Some((release.id.clone(), made))
    });
    hooks.collect()
}

/// Makes digests that nobody else can try.
///
/// # Errors
/// The system has no randomness.
pub fn new_key() -> Result<Key, Failure> {
    Key::random().map_err(|error| {
        let text = format!("there is no randomness: {error}");
        Failure::new(Kind::Environment, text)
    })
}
