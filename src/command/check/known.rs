//! What the rules want to know of a cluster.

use std::collections::BTreeSet;

use crate::check::{Known, Stack};
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::helm::Capabilities;

/// What charts may ask of it.
pub async fn capabilities(cluster: &Cluster) -> Result<Capabilities, Failure> {
    let served = cluster.api_versions().await;
    Ok(Capabilities {
        version: cluster.server_version().git_version.clone(),
        served: served.map_err(|error| super::session::observe(&error))?,
        upgrade: false,
    })
}

pub async fn ask(cluster: &Cluster, stack: &Stack) -> Result<Known, Failure> {
    let mut known = Known::default();
    for (api_version, kind) in stack.kinds() {
        let serves = cluster.serves(&api_version, &kind).await;
        if serves.map_err(|error| super::session::observe(&error))? {
            known.served.insert((api_version, kind));
        }
    }
    let mut asked = BTreeSet::new();
    for (kind, namespace, name) in stack.outsiders() {
        let key = (kind, namespace, name);
        if !asked.insert(key.clone()) {
            continue;
        }
        let (kind, namespace, name) = &key;
        let there = cluster.has(kind, namespace, name).await;
        match there.map_err(|error| super::session::observe(&error))? {
            Some(true) => known.existing.insert(key),
            Some(false) => false,
            None => known.hidden.insert(key),
        };
    }
    Ok(known)
}
