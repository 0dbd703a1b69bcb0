//! Asks for the rights that a stack gives away.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::stack::AT_ONCE;
use crate::cluster::{Cluster, Right};
use crate::doctor::{self, Check, Grant, RoleRef, Source};
use crate::runner::ports::ObserveError;
use crate::snapshot::ObjectRef;

type Answers<'a> = BTreeMap<&'a Right, Result<bool, ObserveError>>;

/// What the API server would refuse, because it gives rights that these credentials don't have. Nothing
/// where all may be given.
pub async fn refused(cluster: &Cluster, objects: &[(&str, Value)]) -> Vec<Check> {
    let grants = doctor::grants(objects);
    let waivers = ask(cluster, grants.iter().map(|it| &it.waiver)).await;
    let mut checks = Vec::new();
    let mut counted: Vec<(&Grant, Vec<Right>)> = Vec::new();
    for grant in &grants {
        match waivers.get(&grant.waiver) {
            Some(Ok(true)) => continue,
            Some(Err(error)) => {
                checks.push(grant.unknown(&error.to_string()));
                continue;
            }
            Some(Ok(false)) | None => {}
        }
        match &grant.source {
            Source::Rules(rights) => counted.push((grant, rights.clone())),
            Source::Role(role) => match cluster.live(&object(role)).await {
                Ok(Some(live)) => {
                    let place = grant.object.namespace.as_deref();
                    counted.push((grant, doctor::held(&live["rules"], place)));
                }
                Ok(None) => checks.push(grant.binds_nothing(role)),
                Err(error) => checks.push(grant.unknown(&error.to_string())),
            },
        }
    }
    let held = ask(cluster, counted.iter().flat_map(|(_, rights)| rights)).await;
    for (grant, rights) in &counted {
        if let Some(error) = rights.iter().find_map(|it| held[it].as_ref().err()) {
            checks.push(grant.unknown(&error.to_string()));
            continue;
        }
        let missing = rights.iter().filter(|it| matches!(held[it], Ok(false)));
        let missing: Vec<&Right> = missing.collect();
        if !missing.is_empty() {
            let is_there = is_there(cluster, grant, objects).await;
            checks.push(grant.lacks(&missing, is_there));
        }
    }
    checks
}

async fn ask<'a>(cluster: &Cluster, rights: impl Iterator<Item = &'a Right>) -> Answers<'a> {
    let rights: BTreeSet<&Right> = rights.collect();
    let asked = stream::iter(rights).map(|right| async move { (right, cluster.may(right).await) });
    asked.buffered(AT_ONCE).collect().await
}

/// It stands in the cluster and gives the same rights.
async fn is_there(cluster: &Cluster, grant: &Grant, objects: &[(&str, Value)]) -> bool {
    let RoleRef { kind, name, .. } = &grant.object;
    let mut ours = objects.iter().map(|(_, value)| value);
    let ours = ours.find(|it| it["kind"] == *kind && it["metadata"]["name"] == *name);
    let (Some(ours), Ok(Some(live))) = (ours, cluster.live(&object(&grant.object)).await) else {
        return false;
    };
    ["rules", "roleRef", "aggregationRule"]
        .iter()
        .all(|key| ours[key] == live[key])
}

fn object(role: &RoleRef) -> ObjectRef {
    ObjectRef {
        api_version: RoleRef::API_VERSION.to_owned(),
        kind: role.kind.clone(),
        namespace: role.namespace.clone(),
        name: role.name.clone(),
    }
}
