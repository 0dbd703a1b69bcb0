//! Watches of kinds that a manifest brings: custom resources, their definitions, Ingress, ...

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use kube::Api;
use kube::api::DynamicObject;
use kube::core::TypeMeta;

use super::Cluster;
use super::convert::custom;
use super::discovery::{Served, is_watched};
use super::feed::{Label, Source};
use super::watch::delivered;
use crate::snapshot::{ObjectRef, Snapshot};

/// Groups whose kinds have no status to wait for, so that they need not be asked about.
const WITHOUT_STATUS: [&str; 2] = ["", "rbac.authorization.k8s.io"];

impl Cluster {
    /// As [`crate::runner::ports::Observer::follow`] says. An object of a namespaced kind that
    /// does not say its namespace is looked for in all that are watched. What is not served yet is
    /// left out now and found by a later call.
    pub(super) async fn follow_objects(&self, objects: &[ObjectRef]) {
        let mut wanted = BTreeSet::new();
        for object in objects {
            if !is_watched(object) && !WITHOUT_STATUS.contains(&object.group()) {
                wanted.insert((&object.api_version, &object.kind, &object.namespace));
            }
        }
        let mut firsts = Vec::new();
        let claims = ["PersistentVolumeClaim", "StatefulSet"];
        if objects.iter().any(|it| claims.contains(&it.kind.as_str())) {
            firsts.push(self.watch_storage_classes());
        }
        for (api_version, kind, namespace) in wanted {
            let served = self.discovery.resolve(api_version, kind).await;
            let Some(served) = served.filter(|served| served.has_status) else {
                continue;
            };
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
    }
}

fn source(cluster: &Cluster, served: &Served, namespace: Option<String>) -> Source<DynamicObject> {
    let client = cluster.client.clone();
    let resource = &served.resource;
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
            namespace,
        },
        essential: false,
        quiet: false,
        reach: Arc::clone(&cluster.reach),
        convert: Box::new(move |mut object| {
            // The items of a list leave them out.
            object.types.get_or_insert_with(|| types.clone());
            custom(object).map(Snapshot::Custom)
        }),
    }
}
