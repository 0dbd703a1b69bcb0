//! Namespaces that we have made, and that nobody uses.

use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace as ApiNamespace;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::PartialObjectMeta;
use kube::discovery::{Scope, verbs};
use kube::{Api, ResourceExt};

use super::error::{ask, observe_error};
use super::{Cluster, presence};
use crate::names::{Namespace, RunId};
use crate::runner::ports::ObserveError;

/// Questions that are open at once.
const AT_ONCE: usize = 8;
/// What Kubernetes makes in every namespace by itself, or what only tells of others.
const OF_EVERYBODY: [(&str, &str); 3] = [
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
    ("ConfigMap", "openshift-service-ca.crt"),
];
const TELLING: [&str; 2] = ["Event", "PodMetrics"];

impl Cluster {
    /// Removes a namespace that stackctl has made if there is nothing in it but what Kubernetes makes
    /// by itself and the Lease of this run. Returns whether it did; what may not be looked into is
    /// not empty.
    ///
    /// # Errors
    /// `Unreachable`, or `Denied` where it may not be removed.
    pub async fn remove_if_empty(
        &self,
        namespace: &Namespace,
        run: &RunId,
    ) -> Result<bool, ObserveError> {
        let api = Api::<ApiNamespace>::all(self.client.clone());
        let doing = format!("looking for namespace `{namespace}`");
        let found = match ask(&doing, || api.get_opt(namespace.as_str())).await {
            Err(ObserveError::Denied(_)) => return Ok(false),
            found => found?,
        };
        let is_ours = |it: &ApiNamespace| {
            let by = it.labels().get("app.kubernetes.io/managed-by");
            by.is_some_and(|by| by == "stackctl")
        };
        let Some(found) = found.filter(is_ours) else {
            return Ok(false);
        };
        if !self.is_empty(namespace, run).await? {
            return Ok(false);
        }
        let params = presence::only(found.metadata.uid.unwrap_or_default());
        match api.delete(namespace.as_str(), &params).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(false),
            Err(error) => {
                let doing = format!("removing namespace `{namespace}`, which is empty");
                Err(observe_error(&doing, &error))
            }
        }
    }

    async fn is_empty(&self, namespace: &Namespace, run: &RunId) -> Result<bool, ObserveError> {
        let discovery = kube::Discovery::new(self.client.clone()).run().await;
        let discovery =
            discovery.map_err(|error| observe_error("asking what is served", &error))?;
        let kinds: Vec<ApiResource> = discovery
            .groups()
            .flat_map(kube::discovery::ApiGroup::recommended_resources)
            .filter(|(_, can)| {
                can.scope == Scope::Namespaced && can.supports_operation(verbs::LIST)
            })
            .map(|(resource, _)| resource)
            .filter(|resource| !TELLING.contains(&resource.kind.as_str()))
            .collect();
        let empty: Vec<bool> = stream::iter(kinds)
            .map(|kind| self.has_none(namespace, kind, run))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(empty.into_iter().all(|it| it))
    }

    async fn has_none(
        &self,
        namespace: &Namespace,
        kind: ApiResource,
        run: &RunId,
    ) -> Result<bool, ObserveError> {
        if kind.kind == "Lease" {
            return self.has_no_lease_but(namespace, run).await;
        }
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace.as_str(), &kind);
        let doing = format!("listing {}", kind.plural);
        let params = ListParams::default().limit(10);
        let list = match ask(&doing, || api.list_metadata(&params)).await {
            Err(ObserveError::Denied(_)) => return Ok(false),
            // Listed by discovery, and not served: an API whose server is away.
            Err(ObserveError::NotFound(_)) => return Ok(true),
            list => list?,
        };
        let is_of_everybody = |object: &PartialObjectMeta<DynamicObject>| {
            let name = object.name_any();
            OF_EVERYBODY.contains(&(kind.kind.as_str(), name.as_str()))
        };
        Ok(list.items.iter().all(is_of_everybody))
    }

    async fn has_no_lease_but(
        &self,
        namespace: &Namespace,
        run: &RunId,
    ) -> Result<bool, ObserveError> {
        let api = Api::<Lease>::namespaced(self.client.clone(), namespace.as_str());
        let params = ListParams::default();
        let list = ask("listing leases", || api.list(&params)).await?;
        let is_free = |lease: &Lease| {
            let holder = lease
                .spec
                .as_ref()
                .and_then(|it| it.holder_identity.as_deref());
            let is_ours = lease.name_any().starts_with("stackctl.");
            is_ours && holder.is_none_or(|it| it.is_empty() || it == run.as_str())
        };
        Ok(list.items.iter().all(is_free))
    }
}
