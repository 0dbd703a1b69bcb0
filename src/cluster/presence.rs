//! What there is in a cluster, without looking into it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Preconditions, PropagationPolicy,
};
use kube::{Api, ResourceExt};

use super::Cluster;
use super::error::{ask, observe_error};
use crate::names::{Namespace, ReleaseName};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Meta, ObjectRef};

impl Cluster {
    /// The API server serves this kind in this version.
    ///
    /// # Errors
    /// It does not say.
    pub async fn serves(&self, api_version: &str, kind: &str) -> Result<bool, ObserveError> {
        let served = self.discovery.resolve(api_version, kind).await?;
        Ok(served.is_some())
    }

    /// The versions of all APIs that there are: `v1`, `apps/v1`.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub async fn api_versions(&self) -> Result<Vec<String>, ObserveError> {
        let doing = "asking which APIs there are";
        let core = ask(doing, || self.client.list_core_api_versions()).await?;
        let groups = ask(doing, || self.client.list_api_groups()).await?.groups;
        let versions = groups.into_iter().flat_map(|group| group.versions);
        let versions = versions.map(|version| version.group_version);
        Ok(core.versions.into_iter().chain(versions).collect())
    }

    /// The object where it lives: in its own namespace, else in the release's, or in none.
    ///
    /// # Errors
    /// The API server does not say whether its kind has namespaces.
    pub async fn placed(
        &self,
        mut object: ObjectRef,
        own: &Namespace,
    ) -> Result<ObjectRef, ObserveError> {
        let one = std::iter::once(&mut object);
        self.discovery.place(one, own.as_str()).await?;
        Ok(object)
    }

    /// As [`crate::runner::ports::Observer::delete_pod`] says.
    ///
    /// # Errors
    /// `Denied`, `Unreachable`.
    pub(super) async fn remove_pod(&self, pod: &Meta) -> Result<(), ObserveError> {
        let api = Api::<Pod>::namespaced(self.client.clone(), &pod.namespace);
        match api.delete(&pod.name, &only(pod.uid.0.to_string())).await {
            Ok(_) => Ok(()),
            // Gone, or another of its name.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(error) => Err(observe_error(
                &format!("deleting pod `{}`", pod.name),
                &error,
            )),
        }
    }

    /// As [`crate::runner::ports::Observer::delete`] says: in the background, as helm does.
    ///
    /// # Errors
    /// The first that could not be deleted; the others are, as far as they can be.
    pub(super) async fn delete_left(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        objects: &[ObjectRef],
    ) -> Result<Vec<ObjectRef>, ObserveError> {
        let mut first = None;
        let mut others = Vec::new();
        for object in objects {
            match self
                .delete_unless_of_another(namespace, release, object)
                .await
            {
                Ok(true) => {}
                Ok(false) => others.push(object.clone()),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        first.map_or(Ok(others), Err)
    }

    /// Returns false where it is another release's.
    async fn delete_unless_of_another(
        &self,
        namespace: &Namespace,
        release: &ReleaseName,
        object: &ObjectRef,
    ) -> Result<bool, ObserveError> {
        let resolved = self.discovery.resolve(&object.api_version, &object.kind);
        let Some(served) = resolved.await? else {
            return Ok(true);
        };
        let api = self.api_of(&served, object);
        let doing = format!("looking for {}", object.short());
        let Some(found) = ask(&doing, || api.get_metadata_opt(&object.name)).await? else {
            return Ok(true);
        };
        if let Some(owner) = owner(found.annotations())
            && owner != (namespace.as_str(), release.as_str())
        {
            return Ok(false);
        }
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            ..only(found.metadata.uid.unwrap_or_default())
        };
        let doing = format!("deleting {}", object.short());
        match ask(&doing, || api.delete(&object.name, &params)).await {
            Ok(_) | Err(ObserveError::NotFound(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether there is such an object of a kind that comes with Kubernetes; none where it may not be
    /// asked for. Only metadata is asked for.
    ///
    /// # Errors
    /// `Unreachable`.
    pub async fn has(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<bool>, ObserveError> {
        let group = match kind {
            "Deployment" | "StatefulSet" | "DaemonSet" => "apps",
            "Job" => "batch",
            _ => "",
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &resource);
        let doing = format!("looking for {kind} `{name}` in namespace `{namespace}`");
        match ask(&doing, || api.get_metadata_opt(name)).await {
            Err(ObserveError::Denied(_)) => Ok(None),
            found => Ok(Some(found?.is_some())),
        }
    }
}

/// The namespace and the name of the release for which helm has made an ordinary object (helm
/// `pkg/action/validate.go`). Those of hooks and StatefulSets' claims bear none.
fn owner(annotations: &BTreeMap<String, String>) -> Option<(&str, &str)> {
    let namespace = annotations.get("meta.helm.sh/release-namespace")?;
    let name = annotations.get("meta.helm.sh/release-name")?;
    Some((namespace, name))
}

/// Deletes the object of this uid, and none that has come in its place.
pub(super) fn only(uid: String) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid),
            resource_version: None,
        }),
        ..DeleteParams::default()
    }
}
