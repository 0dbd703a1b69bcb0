//! Objects of the API, as typed by k8s-openapi, become snapshots. Pure: nothing here asks the
//! cluster, and what an object leaves out gets the API's own default.

mod claim;
mod custom;
mod event;
mod job;
mod meta;
mod pod;
mod record;
mod service;
mod workload;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    Event, PersistentVolumeClaim, Pod, ReplicationController, Service,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DynamicObject;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::snapshot::Snapshot;

pub use custom::custom;
pub use record::{REMOVAL, ROLLED_BACK, record};

/// An object that has a snapshot of its own kind.
pub trait IntoSnapshot {
    fn into_snapshot(self) -> Snapshot;
}

macro_rules! into_snapshot {
    ($($object:ty => $variant:ident by $convert:path),+ $(,)?) => {
        $(impl IntoSnapshot for $object {
            fn into_snapshot(self) -> Snapshot {
                Snapshot::$variant($convert(self))
            }
        })+
    };
}

into_snapshot! {
    Pod => Pod by pod::pod,
    Deployment => Workload by workload::deployment,
    StatefulSet => Workload by workload::stateful_set,
    DaemonSet => Workload by workload::daemon_set,
    ReplicationController => Workload by workload::replication_controller,
    Job => Job by job::job,
    PersistentVolumeClaim => Claim by claim::claim,
    StorageClass => StorageClass by claim::storage_class,
    Service => Service by service::service,
    EndpointSlice => Endpoints by service::endpoints,
    Event => Event by event::event,
}

impl IntoSnapshot for ReplicaSet {
    fn into_snapshot(self) -> Snapshot {
        workload::replica_set(self)
    }
}

/// The snapshot of an object of a kind that no standing watch sees; None where it does not say its
/// kind or its name.
pub fn untyped(object: DynamicObject) -> Option<Snapshot> {
    let types = object.types.as_ref()?;
    match (types.api_version.as_str(), types.kind.as_str()) {
        ("v1", "ReplicationController") => {
            let typed = object.try_parse::<ReplicationController>().ok()?;
            Some(typed.into_snapshot())
        }
        _ => custom(object).map(Snapshot::Custom),
    }
}

/// The snapshot of an object as `kubectl get -o json` prints it, told apart by `apiVersion` and
/// `kind`. A Secret (or its `PartialObjectMetadata`) is read as helm's record of a release, by its
/// labels alone. Any other kind becomes a [`crate::snapshot::Custom`].
///
/// None where `kind` or `metadata.name` is missing, a field has the wrong type, or a Secret is
/// no record.
pub fn from_json(object: Value) -> Option<Snapshot> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    match (text("apiVersion")?, text("kind")?) {
        ("v1", "Pod") => typed::<Pod>(object),
        ("apps/v1", "Deployment") => typed::<Deployment>(object),
        ("apps/v1", "StatefulSet") => typed::<StatefulSet>(object),
        ("apps/v1", "DaemonSet") => typed::<DaemonSet>(object),
        ("apps/v1", "ReplicaSet") => typed::<ReplicaSet>(object),
        ("batch/v1", "Job") => typed::<Job>(object),
        ("v1", "PersistentVolumeClaim") => typed::<PersistentVolumeClaim>(object),
        ("storage.k8s.io/v1", "StorageClass") => typed::<StorageClass>(object),
        ("v1", "Service") => typed::<Service>(object),
        ("discovery.k8s.io/v1", "EndpointSlice") => typed::<EndpointSlice>(object),
        ("v1", "Event") => typed::<Event>(object),
        ("v1", "Secret") | ("meta.k8s.io/v1", "PartialObjectMetadata") => {
            let meta: ObjectMeta = serde_json::from_value(object.get("metadata")?.clone()).ok()?;
            record(&meta).map(Snapshot::Record)
        }
        _ => untyped(serde_json::from_value(object).ok()?),
    }
}

fn typed<K: IntoSnapshot + DeserializeOwned>(object: Value) -> Option<Snapshot> {
    object.get("metadata")?.get("name")?;
    serde_json::from_value::<K>(object)
        .ok()
        .map(K::into_snapshot)
}

/// The API's numbers are signed and never negative.
fn count(number: Option<i32>) -> u32 {
    number.unwrap_or(0).try_into().unwrap_or(0)
}
