//! Watches of kinds that a manifest brings: custom resources, their definitions, Ingress, ...

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use kube::Api;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind, TypeMeta};

use super::convert::{custom, untyped};
use super::discovery::{Served, Status, is_watched};
use super::error::ask;
use super::feed::{Label, Source};
use super::watch::delivered;
use super::{Cluster, locked};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Custom, ObjectRef, Observation, Snapshot};

/// Groups whose kinds have no status to wait for, so that they need not be asked about.
const WITHOUT_STATUS: [&str; 2] = ["", "rbac.authorization.k8s.io"];

impl Cluster {
    /// As [`crate::runner::ports::Observer::follow`] says. An object of a namespaced kind that
    /// does not say its namespace is looked for in all that are watched. What is not served yet is
    /// left out now and found by a later call. Of each kind the definition is delivered before its
    /// objects, whoever has installed it, because it is part of what counts as ready.
    ///
    /// # Errors
    /// The API server does not say what it serves, or how a kind is defined.
    pub(super) async fn follow_objects(&self, objects: &[ObjectRef]) -> Result<(), ObserveError> {
        let mut wanted = BTreeSet::new();
        for object in objects {
            if !is_watched(object) && !WITHOUT_STATUS.contains(&object.group()) {
                wanted.insert((&object.api_version, &object.kind, &object.namespace));
            }
        }
        let mut followed = Vec::new();
        let mut firsts = Vec::new();
        let claims = ["PersistentVolumeClaim", "StatefulSet"];
        if objects.iter().any(|it| claims.contains(&it.kind.as_str())) {
            firsts.push(self.watch_storage_classes());
        }
        for (api_version, kind, namespace) in wanted {
            let served = self.discovery.resolve(api_version, kind).await?;
            if let Some(served) = served.filter(|served| served.status != Status::Nowhere) {
                followed.push((served, namespace));
            }
        }
        // Nobody has promised a status where there is no place for it.
        let promising = followed.iter().filter(|it| it.0.status == Status::Apart);
        let definitions = promising.map(|(served, _)| self.read_definition(served));
        try_join_all(definitions).await?;
        for (served, namespace) in followed {
            if !served.namespaced {
                firsts.push(self.begin(source(self, &served, None)));
                continue;
            }
            let namespaces = match namespace {
                Some(namespace) => vec![namespace.clone()],
                None => self.watched_namespaces(),
            };
            for namespace in namespaces {
                firsts.push(self.begin(source(self, &served, Some(namespace))));
            }
        }
        // A watch that can't begin has said so by itself, as interrupted.
        drop(join_all(firsts.into_iter().map(delivered)).await);
        Ok(())
    }

    /// Objects of this kind are watched for the releases that have some, and missed where they may not
    /// be.
    ///
    /// # Errors
    /// The API server does not say what it serves.
    pub async fn is_followed(&self, object: &ObjectRef) -> Result<bool, ObserveError> {
        if is_watched(object) || WITHOUT_STATUS.contains(&object.group()) {
            return Ok(false);
        }
        let resolved = self.discovery.resolve(&object.api_version, &object.kind);
        let served = resolved.await?;
        Ok(served.is_some_and(|served| served.status != Status::Nowhere))
    }

    /// Delivers the definition of a kind, once in the cluster's life. What another API server stands
    /// behind (an `APIService`) has none.
    async fn read_definition(&self, served: &Served) -> Result<(), ObserveError> {
        let name = served.plural();
        if !is_custom(&served.resource.group) || locked(&self.definitions).contains(&name) {
            return Ok(());
        }
        let types = TypeMeta {
            api_version: "apiextensions.k8s.io/v1".to_owned(),
            kind: "CustomResourceDefinition".to_owned(),
        };
        let gvk = GroupVersionKind::try_from(&types).ok();
        let Some(resource) = gvk.map(|gvk| ApiResource::from_gvk(&gvk)) else {
            return Ok(());
        };
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let doing = format!("reading customresourcedefinition/{name}");
        let observation = match ask(&doing, || api.get_opt(&name)).await {
            Ok(found) => found
                .and_then(custom)
                .map(Snapshot::Custom)
                .map(Observation::Seen),
            Err(ObserveError::Denied(why)) => Some(Observation::Interrupted {
                what: format!("customresourcedefinition/{name}"),
                why: format!("{why}; what has no status yet counts as ready"),
            }),
            Err(error) => return Err(error),
        };
        if locked(&self.definitions).insert(name) {
            // Nobody listens when the run is over.
            if let Some(observation) = observation {
                drop(self.sender.send(observation));
            }
        }
        Ok(())
    }
}

/// A group of custom resources has a dot in its name (apiextensions-apiserver,
/// `validation.go`). Those of the API server itself that have one end in `.k8s.io`, as do some
/// of custom resources.
fn is_custom(group: &str) -> bool {
    group.contains('.') && group != "apiextensions.k8s.io"
}

fn source(cluster: &Cluster, served: &Served, namespace: Option<String>) -> Source<DynamicObject> {
    let client = cluster.client.clone();
    let (resource, status) = (&served.resource, served.status);
    let types = TypeMeta {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
    };
    Source {
        api: match &namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, resource),
            None => Api::all_with(client, resource),
        },
        selector: None,
        label: Label {
            resource: served.plural(),
            group: resource.group.clone(),
            kind: resource.kind.clone(),
            namespace,
        },
        essential: false,
        quiet: false,
        reach: Arc::clone(&cluster.reach),
        convert: Box::new(move |mut object| {
            // The items of a list leave them out.
            object.types.get_or_insert_with(|| types.clone());
            match status {
                Status::Within => custom(object)
                    .map(Custom::written_whole)
                    .map(Snapshot::Custom),
                _ => untyped(object),
            }
        }),
    }
}
