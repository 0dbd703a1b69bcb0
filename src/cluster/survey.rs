//! What there is of many objects, in a number of questions that does not grow with theirs; and what
//! has become of the fields that helm holds in them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Cluster;
use super::dry_run::HELM;
use super::error::ask;
use crate::manifest;
use crate::names::{Namespace, ReleaseName};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Contested, Lingering, ObjectRef, Share, Surveyed};
use crate::wording;

/// Questions that are open at once.
const AT_ONCE: usize = 8;
/// Objects in one answer.
const PAGE: u32 = 500;
/// How the API server names a conflict between managers of a field
/// (`k8s.io/apimachinery`, `meta/v1/types.go`, `CauseTypeFieldManagerConflict`).
const CONFLICT: &str = "FieldManagerConflict";

/// A kind in a namespace, None where it has none.
type Place = (String, String, Option<String>);

/// An object by its metadata.
struct Found {
    share: Share,
    finalizers: Vec<String>,
}

/// What there is, by place and name; None for a place that may not be looked at.
type All = BTreeMap<Place, Option<HashMap<String, Found>>>;

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
            let share = match found.get(&place(object))? {
                // Taken to be there.
                None => None,
                Some(names) => Some(names.get(&object.name)?.share.clone()),
            };
            Some(Surveyed {
                object: object.clone(),
                share,
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
            let names = found.get(&place(object))?.as_ref()?;
            Some(Lingering {
                object: object.clone(),
                finalizers: names.get(&object.name)?.finalizers.clone(),
            })
        });
        Ok(lingering.collect())
    }

    async fn all_at(&self, objects: &[ObjectRef]) -> Result<All, ObserveError> {
        let places: BTreeSet<Place> = objects.iter().map(place).collect();
        stream::iter(places)
            .map(|place| async move {
                let names = self.names_at(&place).await?;
                Ok::<_, ObserveError>((place, names))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// What there is in a place. None where that may not be asked.
    async fn names_at(
        &self,
        (api_version, kind, namespace): &Place,
    ) -> Result<Option<HashMap<String, Found>>, ObserveError> {
        let mut names = HashMap::new();
        let Some(served) = self.discovery.resolve(api_version, kind).await else {
            return Ok(Some(names));
        };
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
                page => page?,
            };
            for object in &page.items {
                let found = Found {
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

    /// As [`crate::runner::ports::Observer::contested`] says. What helm has written by client-side
    /// apply it writes again whoever holds it.
    ///
    /// # Errors
    /// As those of reading a record.
    pub(super) async fn contested_fields(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        revision: u32,
        objects: &[ObjectRef],
    ) -> Result<Vec<Contested>, ObserveError> {
        let Some(manifest) = self.applied_manifest(namespace, release, revision).await? else {
            return Ok(Vec::new());
        };
        let wholes = manifest::wholes(&manifest)
            .map_err(|error| ObserveError::Unexpected(error.to_string()))?;
        let mut wanted = Vec::new();
        for whole in wholes {
            let Some(mut object) = manifest::reference(&whole.value) else {
                continue;
            };
            let one = std::iter::once(&mut object);
            self.discovery.place(one, namespace.as_str()).await;
            if objects.contains(&object) {
                wanted.push((object, whole.value));
            }
        }
        let contested: Vec<Vec<Contested>> = stream::iter(wanted)
            .map(|(object, value)| async move { self.conflicts(&object, &value).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(contested.into_iter().flatten().collect())
    }

    /// Whose fields stand in the way of an apply; nothing else that may be wrong with it.
    async fn conflicts(
        &self,
        object: &ObjectRef,
        wanted: &Value,
    ) -> Result<Vec<Contested>, ObserveError> {
        let resolved = self.discovery.resolve(&object.api_version, &object.kind);
        let Some(served) = resolved.await else {
            return Ok(Vec::new());
        };
        let api = self.api_of(&served, object);
        let params = PatchParams {
            dry_run: true,
            ..PatchParams::apply(HELM)
        };
        let patch = Patch::Apply(wanted);
        let causes = match api.patch(&object.name, &params, &patch).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                status.details.map(|details| details.causes)
            }
            _ => None,
        };
        let causes = causes.unwrap_or_default().into_iter();
        let conflicts = causes.filter(|cause| cause.reason == CONFLICT);
        Ok(conflicts
            .map(|cause| Contested {
                object: object.clone(),
                field: cause.field,
                manager: manager(&cause.message),
            })
            .collect())
    }
}

fn place(object: &ObjectRef) -> Place {
    let ObjectRef {
        api_version,
        kind,
        namespace,
        ..
    } = object;
    (api_version.clone(), kind.clone(), namespace.clone())
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

/// `conflict with "kubectl" with subresource "scale" using apps/v1`: who it is.
fn manager(message: &str) -> String {
    let mut quoted = message.split('"').skip(1).step_by(2);
    let name = quoted.next().unwrap_or(message);
    match quoted.next() {
        Some(subresource) => format!("{name} ({subresource})"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_names_its_manager() {
        let edit = r#"conflict with "kubectl-edit" using apps/v1"#;
        assert_eq!(manager(edit), "kubectl-edit");
        let scale = r#"conflict with "kubectl" with subresource "scale" using apps/v1"#;
        assert_eq!(manager(scale), "kubectl (scale)");
    }

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
