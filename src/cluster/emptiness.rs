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

/// What has become of a namespace that is not used any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Emptied {
    Removed,
    /// stackctl has not made it, or it is not there.
    NotOurs,
    /// These objects are in it.
    Holds(Vec<String>),
    /// Objects of this kind may not be listed.
    Unknown(String),
    /// It is another by now.
    Changed,
}

/// What is in a namespace, of one kind.
enum Held {
    Objects(Vec<String>),
    /// May not be looked at.
    Unseen(String),
    Memory,
}

impl Cluster {
    /// Removes a namespace that stackctl has made if there is nothing in it but what Kubernetes makes
    /// by itself and the Lease of this run. What may not be looked into is not empty.
    ///
    /// # Errors
    /// `Unreachable`, or `Denied` where it may not be removed.
    pub async fn remove_if_empty(
        &self,
        namespace: &Namespace,
        run: &RunId,
    ) -> Result<Emptied, ObserveError> {
        let api = Api::<ApiNamespace>::all(self.client.clone());
        let doing = format!("looking for namespace `{namespace}`");
        let found = match ask(&doing, || api.get_opt(namespace.as_str())).await {
            Err(ObserveError::Denied(_)) => return Ok(Emptied::NotOurs),
            found => found?,
        };
        let is_ours = |it: &ApiNamespace| {
            let by = it.labels().get("app.kubernetes.io/managed-by");
            by.is_some_and(|by| by == "stackctl")
        };
        let Some(found) = found.filter(is_ours) else {
            return Ok(Emptied::NotOurs);
        };
        let found_in_it = self.all_in(namespace, run).await?;
        if let Some(emptied) = what_holds(found_in_it) {
            return Ok(emptied);
        }
        let params = presence::only(found.metadata.uid.unwrap_or_default());
        match api.delete(namespace.as_str(), &params).await {
            Ok(_) => Ok(Emptied::Removed),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Emptied::Removed),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Emptied::Changed),
            Err(error) => {
                let doing = format!("removing namespace `{namespace}`, which is empty");
                Err(observe_error(&doing, &error))
            }
        }
    }

    async fn all_in(&self, namespace: &Namespace, run: &RunId) -> Result<Vec<Held>, ObserveError> {
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
        let held: Vec<Option<Held>> = stream::iter(kinds)
            .map(|kind| self.held_of(namespace, kind, run))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(held.into_iter().flatten().collect())
    }

    async fn held_of(
        &self,
        namespace: &Namespace,
        kind: ApiResource,
        run: &RunId,
    ) -> Result<Option<Held>, ObserveError> {
        if kind.kind == "Lease" {
            return self.leases_but(namespace, run).await;
        }
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace.as_str(), &kind);
        let doing = format!("listing {}", kind.plural);
        let params = ListParams::default().limit(10);
        let list = match ask(&doing, || api.list_metadata(&params)).await {
            Err(ObserveError::Denied(_)) => return Ok(Some(Held::Unseen(kind.plural))),
            // Listed by discovery, and not served: an API whose server is away.
            Err(ObserveError::NotFound(_)) => return Ok(None),
            list => list?,
        };
        let is_of_everybody = |object: &PartialObjectMeta<DynamicObject>| {
            let name = object.name_any();
            OF_EVERYBODY.contains(&(kind.kind.as_str(), name.as_str()))
        };
        let others = list.items.iter().filter(|it| !is_of_everybody(it));
        let is_record = |it: &&PartialObjectMeta<DynamicObject>| {
            it.labels().contains_key("stackctl.dev/stack") && kind.kind == "Secret"
        };
        let (records, names): (Vec<_>, Vec<_>) = others.partition(is_record);
        let short = |it: &PartialObjectMeta<DynamicObject>| {
            format!("{}/{}", kind.kind.to_lowercase(), it.name_any())
        };
        let names: Vec<String> = names.into_iter().map(short).collect();
        Ok(match names.is_empty() {
            true if records.is_empty() => None,
            // What stackctl remembers is there for the sake of what else is.
            true => Some(Held::Memory),
            false => Some(Held::Objects(names)),
        })
    }

    async fn leases_but(
        &self,
        namespace: &Namespace,
        run: &RunId,
    ) -> Result<Option<Held>, ObserveError> {
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
        let others = list.items.iter().filter(|it| !is_free(it));
        let names: Vec<String> = others
            .map(|it| format!("lease/{}", it.name_any()))
            .collect();
        Ok((!names.is_empty()).then_some(Held::Objects(names)))
    }
}

/// Why a namespace stays; None where nothing is in it.
fn what_holds(all: Vec<Held>) -> Option<Emptied> {
    let mut objects = Vec::new();
    let mut unseen = None;
    let mut remembers = false;
    for held in all {
        match held {
            Held::Objects(names) => objects.extend(names),
            Held::Unseen(kind) => unseen = unseen.or(Some(kind)),
            Held::Memory => remembers = true,
        }
    }
    match unseen {
        _ if !objects.is_empty() => Some(Emptied::Holds(objects)),
        Some(kind) => Some(Emptied::Unknown(kind)),
        None => {
            remembers.then(|| Emptied::Holds(vec!["what stackctl remembers of a stack".into()]))
        }
    }
}
