//! What there is of many objects, in a number of questions that does not grow with theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, ResourceExt};
use sha2::{Digest, Sha256};

use super::Cluster;
use super::discovery::Served;
use super::dry_run::HELM;
use super::error::ask;
use crate::runner::ports::ObserveError;
use crate::snapshot::{Lingering, ObjectRef, Share, Surveyed, Uid};
use crate::wording;

/// Questions that are open at once.
const AT_ONCE: usize = 8;
/// Objects in one answer.
const PAGE: u32 = 500;

/// The version of an API, and a kind of it.
type Kind = (String, String);
/// A kind in a namespace, None where it has none.
type Place = (Kind, Option<String>);

/// An object by its metadata.
struct Found {
    uid: Uid,
    is_owned: bool,
    is_going: bool,
    share: Share,
    finalizers: Vec<String>,
}

/// What there is in one place, by name; None where it may not be looked at.
type Names = Option<HashMap<String, Found>>;

/// What there is in all places that were asked for.
struct All {
    /// The kinds that are served.
    kinds: BTreeMap<Kind, Served>,
    names: BTreeMap<Place, Names>,
}

impl All {
    /// None where the object's kind is not served.
    fn at(&self, object: &ObjectRef) -> Option<&Names> {
        self.names.get(&place(&self.kinds, object)?)
    }
}

impl Cluster {
    /// As [`crate::runner::ports::Observer::survey`] says. Only metadata is asked for.
    ///
    /// # Errors
    /// `Unreachable`.
    pub(super) async fn survey_objects(
        &self,
        objects: &[ObjectRef],
    ) -> Result<Vec<Surveyed>, ObserveError> {
        let found = self.all_at(objects).await?;
        let surveyed = objects.iter().filter_map(|object| {
            let found = match found.at(object)? {
                // Taken to be there.
                None => None,
                Some(names) => Some(names.get(&object.name)?),
            };
            Some(Surveyed {
                object: object.clone(),
                share: found.map(|it| it.share.clone()),
                is_going: found.is_some_and(|it| it.is_going),
            })
        });
        Ok(surveyed.collect())
    }

    /// As [`crate::runner::ports::Observer::lingering`] says.
    ///
    /// # Errors
    /// `Unreachable`.
    pub(super) async fn lingering_objects(
        &self,
        objects: &[ObjectRef],
    ) -> Result<Vec<Lingering>, ObserveError> {
        let found = self.all_at(objects).await?;
        let lingering = objects.iter().filter_map(|object| {
            let names = found.at(object)?.as_ref()?;
            let found = names.get(&object.name)?;
            Some(Lingering {
                object: object.clone(),
                uid: found.uid.clone(),
                is_owned: found.is_owned,
                is_going: found.is_going,
                finalizers: found.finalizers.clone(),
            })
        });
        Ok(lingering.collect())
    }

    async fn all_at(&self, objects: &[ObjectRef]) -> Result<All, ObserveError> {
        let asked: BTreeSet<Kind> = objects.iter().map(kind).collect();
        let mut kinds = BTreeMap::new();
        for asked in asked {
            if let Some(served) = self.discovery.resolve(&asked.0, &asked.1).await? {
                kinds.insert(asked, served);
            }
        }
        let at = |object: &ObjectRef| place(&kinds, object);
        let places: BTreeSet<Place> = objects.iter().filter_map(at).collect();
        let names = stream::iter(places)
            .map(|place| {
                let served = kinds.get(&place.0);
                async move {
                    let names = match served {
                        Some(served) => self.names_at(served, place.1.as_deref()).await?,
                        None => Some(HashMap::new()),
                    };
                    Ok::<_, ObserveError>((place, names))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(All { kinds, names })
    }

    /// What there is in a place. None where that may not be asked.
    async fn names_at(
        &self,
        served: &Served,
        namespace: Option<&str>,
    ) -> Result<Names, ObserveError> {
        let mut names = HashMap::new();
        let client = self.client.clone();
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &served.resource),
            None => Api::all_with(client, &served.resource),
        };
        let doing = format!("listing {}", served.plural());
        let mut params = ListParams::default().limit(PAGE);
        loop {
            let page = match ask(&doing, || api.list_metadata(&params)).await {
                Err(ObserveError::Denied(_)) => return Ok(None),
                // Its definition has gone since, and with it all objects of the kind.
                Err(ObserveError::NotFound(_)) => {
                    self.discovery.forget(&served.resource.api_version);
                    return Ok(Some(HashMap::new()));
                }
                page => page?,
            };
            for object in &page.items {
                let found = Found {
                    uid: Uid::from(object.uid().unwrap_or_default().as_str()),
                    is_owned: !object.owner_references().is_empty(),
                    is_going: object.metadata.deletion_timestamp.is_some(),
                    share: share(object.managed_fields()),
                    finalizers: object.finalizers().to_vec(),
                };
                names.insert(object.name_any(), found);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(Some(names)),
            }
        }
    }
}

/// Where an object is asked for: its kind decides whether a namespace counts. None where the kind
/// is not served.
fn place(kinds: &BTreeMap<Kind, Served>, object: &ObjectRef) -> Option<Place> {
    let kind = kind(object);
    let served = kinds.get(&kind)?;
    let namespace = object.namespace.clone().filter(|_| served.namespaced);
    Some((kind, namespace))
}

fn kind(object: &ObjectRef) -> Kind {
    (object.api_version.clone(), object.kind.clone())
}

/// Whatever helm has written, in whichever way, but for the status.
fn share(managed: &[ManagedFieldsEntry]) -> Share {
    let of_helm = managed
        .iter()
        .filter(|entry| entry.manager.as_deref() == Some(HELM) && entry.subresource.is_none());
    let fields = of_helm.filter_map(|entry| entry.fields_v1.as_ref());
    let mut texts: Vec<String> = fields.map(|fields| fields.0.to_string()).collect();
    texts.sort();
    let hash = Sha256::digest(texts.join("\n"));
    Share(wording::hex(&hash[..8]))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_others_hold_is_no_part_of_helms_share() {
        let entry = |manager: &str, fields: Value| ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            fields_v1: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1(
                fields,
            )),
            ..ManagedFieldsEntry::default()
        };
        let ours = entry("helm", serde_json::json!({"f:spec": {"f:replicas": {}}}));
        let less = entry("helm", serde_json::json!({"f:spec": {}}));
        let others = entry("kubectl", serde_json::json!({"f:spec": {"f:paused": {}}}));
        assert_eq!(
            share(std::slice::from_ref(&ours)),
            share(&[others.clone(), ours.clone()])
        );
        assert_ne!(share(&[ours]), share(&[others, less]));
    }
}
