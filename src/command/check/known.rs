//! What the rules want to know of a cluster.

use std::collections::BTreeSet;

use crate::check::{Known, Stack};
use crate::cluster::Cluster;
use crate::error::Failure;

pub async fn ask(cluster: &Cluster, stack: &Stack) -> Result<Known, Failure> {
    let mut known = Known::default();
    for (api_version, kind) in stack.kinds() {
        if cluster.serves(&api_version, &kind).await {
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
        if there.map_err(|error| super::session::observe(&error))? {
            known.existing.insert(key);
        }
    }
    Ok(known)
}
