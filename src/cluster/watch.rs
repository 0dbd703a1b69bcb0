//! Which watches there are: one per namespace and kind for the whole run.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::core::PartialObjectMeta;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::convert::{IntoSnapshot, record};
use super::feed::{First, Label, Source, run};
use super::{Cluster, locked};
use crate::names::Namespace;
use crate::runner::ports::ObserveError;
use crate::snapshot::Snapshot;

/// What helm's records carry (`pkg/storage/driver/secrets.go`).
const RECORDS: &str = "owner=helm";

/// The watches that have been begun.
#[derive(Default)]
pub(super) struct Watches {
    /// By namespace (None: the whole cluster) and resource with its group.
    begun: Mutex<HashMap<Key, watch::Receiver<First>>>,
    /// Aborted when the cluster is dropped.
    tasks: Mutex<JoinSet<()>>,
}

pub(super) type Key = (Option<String>, String);

impl Cluster {
    /// As [`crate::runner::ports::Observer::watch`] says. A denied pod or record list is an error;
    /// other kinds are reported as interrupted and done without.
    pub(super) async fn watch_namespaces(
        &self,
        namespaces: &[Namespace],
    ) -> Result<(), ObserveError> {
        let mut firsts = Vec::new();
        for namespace in namespaces {
            let namespace = namespace.as_str();
            firsts.extend([
                self.watch_kind::<Pod>(namespace, true),
                self.watch_records(namespace),
                self.watch_kind::<Event>(namespace, false),
                self.watch_kind::<Deployment>(namespace, false),
                self.watch_kind::<StatefulSet>(namespace, false),
                self.watch_kind::<DaemonSet>(namespace, false),
                self.watch_kind::<ReplicaSet>(namespace, false),
                self.watch_kind::<Job>(namespace, false),
                self.watch_kind::<PersistentVolumeClaim>(namespace, false),
                self.watch_kind::<Service>(namespace, false),
                self.watch_kind::<EndpointSlice>(namespace, false),
            ]);
        }
        // Also where one may not be watched: what the others have is not known before.
        let delivered = join_all(firsts.into_iter().map(delivered)).await;
        delivered.into_iter().collect()
    }

    /// The namespaces that are watched.
    pub(super) fn watched_namespaces(&self) -> Vec<String> {
        let begun = locked(&self.watches.begun);
        let namespaces: BTreeSet<&String> =
            begun.keys().filter_map(|(ns, _)| ns.as_ref()).collect();
        namespaces.into_iter().cloned().collect()
    }

    fn watch_kind<K>(&self, namespace: &str, essential: bool) -> watch::Receiver<First>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: IntoSnapshot + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        self.begin(Source {
            api: Api::<K>::namespaced(self.client.clone(), namespace),
            selector: None,
            label: label::<K>(Some(namespace)),
            essential,
            quiet: false,
            reach: Arc::clone(&self.reach),
            convert: Box::new(|object| Some(object.into_snapshot())),
        })
    }

    /// Only metadata is asked for: what the Secrets hold never comes here.
    fn watch_records(&self, namespace: &str) -> watch::Receiver<First> {
        self.begin(Source {
            api: Api::<PartialObjectMeta<Secret>>::namespaced(self.client.clone(), namespace),
            selector: Some(RECORDS),
            label: label::<Secret>(Some(namespace)),
            essential: true,
            quiet: false,
            reach: Arc::clone(&self.reach),
            convert: Box::new(|secret| record(&secret.metadata).map(Snapshot::Record)),
        })
    }

    /// Only wanted where there are claims. Many people may not see them; they only sharpen what is
    /// said about unbound ones.
    pub(super) fn watch_storage_classes(&self) -> watch::Receiver<First> {
        self.begin(Source {
            api: Api::<StorageClass>::all(self.client.clone()),
            selector: None,
            label: label::<StorageClass>(None),
            essential: false,
            quiet: true,
            reach: Arc::clone(&self.reach),
            convert: Box::new(|object| Some(object.into_snapshot())),
        })
    }

    /// Begins a watch unless there is one, and gives what tells of its first list.
    pub(super) fn begin<K>(&self, source: Source<K>) -> watch::Receiver<First>
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
        K::DynamicType: Send + Sync,
    {
        let key = (
            source.label.namespace.clone(),
            source.label.resource.clone(),
        );
        let mut begun = locked(&self.watches.begun);
        if let Some(first) = begun.get(&key) {
            return first.clone();
        }
        let (sender, first) = watch::channel(First::Pending);
        begun.insert(key, first.clone());
        locked(&self.watches.tasks).spawn(run(source, self.sender.clone(), sender));
        first
    }
}

/// Waits for the first list.
pub(super) async fn delivered(mut first: watch::Receiver<First>) -> Result<(), ObserveError> {
    let settled = first
        .wait_for(|first| !matches!(first, First::Pending))
        .await;
    match settled.as_deref() {
        Ok(First::Failed(error)) => Err(error.clone()),
        Ok(First::Done | First::Pending) => Ok(()),
        Err(_) => Err(ObserveError::Unexpected("a watch has ended".to_owned())),
    }
}

fn label<K: Resource<DynamicType = ()>>(namespace: Option<&str>) -> Label {
    Label {
        resource: K::plural(&()).into_owned(),
        group: K::group(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        namespace: namespace.map(str::to_owned),
    }
}
