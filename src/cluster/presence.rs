//! What there is in a cluster, without looking into it.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};

use super::Cluster;
use super::error::ask;
use crate::runner::ports::ObserveError;

impl Cluster {
    /// The API server serves this kind in this version.
    pub async fn serves(&self, api_version: &str, kind: &str) -> bool {
        self.discovery.resolve(api_version, kind).await.is_some()
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
