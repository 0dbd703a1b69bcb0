//! What there is in a cluster, without looking into it.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Preconditions};

use super::Cluster;
use super::error::{ask, observe_error};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Meta, ObjectRef};

impl Cluster {
    /// The API server serves this kind in this version.
    pub async fn serves(&self, api_version: &str, kind: &str) -> bool {
        self.discovery.resolve(api_version, kind).await.is_some()
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
    pub(super) async fn delete_objects(&self, objects: &[ObjectRef]) -> Result<(), ObserveError> {
        let mut first = Ok(());
        for object in objects {
            let resolved = self.discovery.resolve(&object.api_version, &object.kind);
            let Some(served) = resolved.await else {
                continue;
            };
            let api = self.api_of(&served, object);
            let doing = format!("deleting {}", object.short());
            let params = DeleteParams::background();
            match ask(&doing, || api.delete(&object.name, &params)).await {
                Ok(_) | Err(ObserveError::NotFound(_)) => {}
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// There is such an object of a kind that comes with Kubernetes; taken for granted where it may
    /// not be asked for. Only metadata is asked for.
    ///
    /// # Errors
    /// `Unreachable`.
    pub async fn has(&self, kind: &str, namespace: &str, name: &str) -> Result<bool, ObserveError> {
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
            Err(ObserveError::Denied(_)) => Ok(true),
            found => Ok(found?.is_some()),
        }
    }
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
