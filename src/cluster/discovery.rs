//! What the API server serves: which resource a kind is, and whether it lives in namespaces.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Service};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::Client;
use kube::core::GroupVersion;
use kube::discovery::{self, ApiCapabilities, ApiResource, Scope, verbs};

use super::error::ask;
use super::locked;
use crate::runner::ports::ObserveError;
use crate::snapshot::ObjectRef;

/// A kind as the API server serves it.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub resource: ApiResource,
    pub namespaced: bool,
    pub status: Status,
}

/// Where the objects of a kind have their status, if they can be watched at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// They have none, or can't be watched.
    Nowhere,
    /// In a subresource: somebody means to write it.
    Apart,
    /// Some may have one, written with all the rest.
    Within,
}

impl Served {
    /// `certificates.cert-manager.io`
    pub fn plural(&self) -> String {
        let ApiResource { plural, group, .. } = &self.resource;
        if group.is_empty() {
            plural.clone()
        } else {
            format!("{plural}.{group}")
        }
    }
}

type Resources = Arc<Vec<(ApiResource, ApiCapabilities)>>;

/// Answers are kept for the run; that something is not served is asked again each time, because
/// a release may bring it.
pub(super) struct Discovery {
    client: Client,
    known: Mutex<HashMap<String, Resources>>,
}

impl Discovery {
    pub fn new(client: Client) -> Discovery {
        let known = Mutex::default();
        Discovery { client, known }
    }

    /// None where the cluster does not serve the kind.
    ///
    /// # Errors
    /// The cluster does not say.
    pub async fn resolve(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Served>, ObserveError> {
        if let Some(served) = built_in(api_version, kind) {
            return Ok(Some(served));
        }
        let known = locked(&self.known).get(api_version).cloned();
        if let Some(served) = known.and_then(|resources| find(&resources, kind)) {
            return Ok(Some(served));
        }
        let Ok(group) = api_version.parse::<GroupVersion>() else {
            return Ok(None);
        };
        let doing = format!("asking whether {kind} of `{api_version}` is served");
        let answer = ask(&doing, || discovery::pinned_group(&self.client, &group)).await;
        let resources = match answer {
            Ok(answer) => Arc::new(answer.versioned_resources(&group.version)),
            Err(ObserveError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        locked(&self.known).insert(api_version.to_owned(), Arc::clone(&resources));
        Ok(find(&resources, kind))
    }

    /// A kind of this version has turned out not to be served any more.
    pub fn forget(&self, api_version: &str) {
        locked(&self.known).remove(api_version);
    }

    /// Fills in `namespace` where a manifest leaves it to the release's, and takes it away where
    /// the kind has none. Of a kind that is not served yet nobody knows which it is: it is given
    /// the release's, and who asks for it later finds out.
    ///
    /// # Errors
    /// The cluster does not say what it serves.
    pub async fn place(
        &self,
        objects: impl Iterator<Item = &mut ObjectRef>,
        namespace: &str,
    ) -> Result<(), ObserveError> {
        let mut asked = HashMap::new();
        for object in objects {
            let kind = (object.api_version.clone(), object.kind.clone());
            let served = match asked.entry(kind) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let (api_version, kind) = free.key();
                    let served = self.resolve(api_version, kind).await?;
                    free.insert(served)
                }
            };
            match served {
                Some(served) if !served.namespaced => object.namespace = None,
                _ => {
                    let own = || namespace.to_owned();
                    object.namespace.get_or_insert_with(own);
                }
            }
        }
        Ok(())
    }
}

fn find(resources: &Resources, kind: &str) -> Option<Served> {
    let (resource, capabilities) = resources.iter().find(|(r, _)| r.kind == kind)?;
    let mut subresources = capabilities.subresources.iter();
    let can_be_watched = capabilities.supports_operation(verbs::LIST)
        && capabilities.supports_operation(verbs::WATCH);
    Some(Served {
        resource: resource.clone(),
        namespaced: capabilities.scope == Scope::Namespaced,
        status: match subresources.any(|(sub, _)| sub.plural == "status") {
            _ if !can_be_watched => Status::Nowhere,
            true => Status::Apart,
            false if is_of_others(&resource.group) => Status::Within,
            false => Status::Nowhere,
        },
    })
}

/// Not a group of Kubernetes itself, of which the kinds without a subresource have no status.
fn is_of_others(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io")
}

/// Kinds that have a snapshot of their own are served by every cluster: no need to ask.
fn built_in(api_version: &str, kind: &str) -> Option<Served> {
    fn erased<K: kube::Resource<DynamicType = ()>>() -> ApiResource {
        ApiResource::erase::<K>(&())
    }
    let resource = match (api_version, kind) {
        ("v1", "Pod") => erased::<Pod>(),
        ("v1", "Service") => erased::<Service>(),
        ("v1", "PersistentVolumeClaim") => erased::<PersistentVolumeClaim>(),
        ("apps/v1", "Deployment") => erased::<Deployment>(),
        ("apps/v1", "StatefulSet") => erased::<StatefulSet>(),
        ("apps/v1", "DaemonSet") => erased::<DaemonSet>(),
        ("apps/v1", "ReplicaSet") => erased::<ReplicaSet>(),
        ("batch/v1", "Job") => erased::<Job>(),
        ("storage.k8s.io/v1", "StorageClass") => erased::<StorageClass>(),
        _ => return None,
    };
    Some(Served {
        namespaced: kind != "StorageClass",
        status: Status::Apart,
        resource,
    })
}

/// Whether one of the standing watches sees the kind already.
pub(super) fn is_watched(object: &ObjectRef) -> bool {
    built_in(&object.api_version, &object.kind).is_some()
}
