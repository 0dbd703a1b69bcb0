use k8s_openapi::api::apps::v1 as api;
use k8s_openapi::api::core::v1::ReplicationController;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::count;
use super::meta::{annotation, conditions, meta};
use crate::snapshot::{Condition, ReplicaSet, Snapshot, UpdateStrategy, Workload, WorkloadKind};

const REVISION: &str = "deployment.kubernetes.io/revision";
const ROLLING: UpdateStrategy = UpdateStrategy::Rolling { partition: 0 };

pub(super) fn deployment(object: api::Deployment) -> Workload {
    let spec = object.spec;
    let status = object.status.unwrap_or_default();
    let recreate = spec.strategy.and_then(|s| s.type_).as_deref() == Some("Recreate");
    let revision = annotation(&object.metadata, REVISION);
    Workload {
        kind: WorkloadKind::Deployment,
        revision: revision.and_then(|r| r.parse().ok()).unwrap_or(0),
        meta: meta(object.metadata),
        observed_generation: status.observed_generation.unwrap_or(0),
        desired: count(spec.replicas.or(Some(1))),
        current: count(status.replicas),
        updated: count(status.updated_replicas),
        ready: count(status.ready_replicas),
        available: count(status.available_replicas),
        strategy: if recreate {
            UpdateStrategy::Recreate
        } else {
            ROLLING
        },
        ordered: false,
        paused: spec.paused.unwrap_or(false),
        current_revision: String::new(),
        update_revision: String::new(),
        conditions: conditions!(status.conditions),
    }
}

pub(super) fn stateful_set(object: api::StatefulSet) -> Workload {
    let spec = object.spec;
    let status = object.status.unwrap_or_default();
    let update = spec.update_strategy.unwrap_or_default();
    Workload {
        kind: WorkloadKind::StatefulSet,
        revision: 0,
        meta: meta(object.metadata),
        observed_generation: status.observed_generation.unwrap_or(0),
        desired: count(spec.replicas.or(Some(1))),
        current: count(Some(status.replicas)),
        updated: count(status.updated_replicas),
        ready: count(status.ready_replicas),
        available: count(status.available_replicas),
        strategy: if update.type_.as_deref() == Some("OnDelete") {
            UpdateStrategy::OnDelete
        } else {
            UpdateStrategy::Rolling {
                partition: count(update.rolling_update.and_then(|r| r.partition)),
            }
        },
        ordered: spec.pod_management_policy.as_deref() != Some("Parallel"),
        paused: false,
        current_revision: status.current_revision.unwrap_or_default(),
        update_revision: status.update_revision.unwrap_or_default(),
        conditions: conditions!(status.conditions),
    }
}

pub(super) fn daemon_set(object: api::DaemonSet) -> Workload {
    let spec = object.spec;
    let status = object.status.unwrap_or_default();
    let on_delete = spec.update_strategy.and_then(|s| s.type_).as_deref() == Some("OnDelete");
    Workload {
        kind: WorkloadKind::DaemonSet,
        revision: 0,
        meta: meta(object.metadata),
        observed_generation: status.observed_generation.unwrap_or(0),
        desired: count(Some(status.desired_number_scheduled)),
        current: count(Some(status.current_number_scheduled)),
        updated: count(status.updated_number_scheduled),
        ready: count(Some(status.number_ready)),
        available: count(status.number_available),
        strategy: if on_delete {
            UpdateStrategy::OnDelete
        } else {
            ROLLING
        },
        ordered: false,
        paused: false,
        current_revision: String::new(),
        update_revision: String::new(),
        conditions: conditions!(status.conditions),
    }
}

/// One that nobody controls is a workload of its own.
pub(super) fn replica_set(object: api::ReplicaSet) -> Snapshot {
    let owners = object.metadata.owner_references.as_deref();
    let mut owners = owners.unwrap_or_default().iter();
    match owners.any(|owner| owner.controller == Some(true)) {
        true => Snapshot::ReplicaSet(of_deployment(object)),
        false => Snapshot::Workload(bare_replica_set(object)),
    }
}

fn bare_replica_set(object: api::ReplicaSet) -> Workload {
    let status = object.status.unwrap_or_default();
    counting(
        WorkloadKind::ReplicaSet,
        object.metadata,
        status.observed_generation,
        [
            object.spec.replicas.or(Some(1)),
            Some(status.replicas),
            status.ready_replicas,
            status.available_replicas,
        ],
        conditions!(status.conditions),
    )
}

pub(super) fn replication_controller(object: ReplicationController) -> Workload {
    let status = object.status.unwrap_or_default();
    counting(
        WorkloadKind::ReplicationController,
        object.metadata,
        status.observed_generation,
        [
            object.spec.and_then(|spec| spec.replicas).or(Some(1)),
            Some(status.replicas),
            status.ready_replicas,
            status.available_replicas,
        ],
        conditions!(status.conditions),
    )
}

/// What only counts its pods: how many there are to be, are, are ready and are available.
fn counting(
    kind: WorkloadKind,
    metadata: ObjectMeta,
    observed_generation: Option<i64>,
    pods: [Option<i32>; 4],
    conditions: Vec<Condition>,
) -> Workload {
    let [desired, current, ready, available] = pods.map(count);
    Workload {
        kind,
        revision: 0,
        meta: meta(metadata),
        observed_generation: observed_generation.unwrap_or(0),
        desired,
        current,
        updated: current,
        ready,
        available,
        strategy: UpdateStrategy::OnDelete,
        ordered: false,
        paused: false,
        current_revision: String::new(),
        update_revision: String::new(),
        conditions,
    }
}

fn of_deployment(object: api::ReplicaSet) -> ReplicaSet {
    let status = object.status.unwrap_or_default();
    let revision = annotation(&object.metadata, REVISION);
    ReplicaSet {
        revision: revision.and_then(|r| r.parse().ok()).unwrap_or(0),
        desired: count(object.spec.replicas.or(Some(1))),
        ready: count(status.ready_replicas),
        conditions: conditions!(status.conditions),
        meta: meta(object.metadata),
    }
}
