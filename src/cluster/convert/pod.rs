use k8s_openapi::api::core::v1 as api;

use super::count;
use super::meta::{conditions, meta, time};
use crate::snapshot::{ContainerSpec, ContainerState, ContainerStatus, Pod, Terminated, Volume};

pub(super) fn pod(pod: api::Pod) -> Pod {
    let spec = pod.spec.unwrap_or_default();
    let status = pod.status.unwrap_or_default();
    Pod {
        meta: meta(pod.metadata),
        phase: status.phase.unwrap_or_default(),
        reason: status.reason.unwrap_or_default(),
        message: status.message.unwrap_or_default(),
        node: spec.node_name.filter(|node| !node.is_empty()),
        restart_policy: spec.restart_policy.unwrap_or_else(|| "Always".to_owned()),
        conditions: conditions!(status.conditions),
        init_containers: specs(spec.init_containers.unwrap_or_default(), true),
        containers: specs(spec.containers, false),
        volumes: volumes(spec.volumes.unwrap_or_default()),
        init_statuses: statuses(status.init_container_statuses),
        statuses: statuses(status.container_statuses),
    }
}

/// Only an init container with `restartPolicy: Always` is a sidecar (KEP-753); since KEP-5307 main
/// containers may carry a restart policy too.
fn specs(containers: Vec<api::Container>, init: bool) -> Vec<ContainerSpec> {
    containers
        .into_iter()
        .map(|container| ContainerSpec {
            name: container.name,
            image: container.image.unwrap_or_default(),
            sidecar: init && container.restart_policy.as_deref() == Some("Always"),
            has_readiness_probe: container.readiness_probe.is_some(),
            has_startup_probe: container.startup_probe.is_some(),
        })
        .collect()
}

/// Projected volumes have many sources and are left out.
fn volumes(volumes: Vec<api::Volume>) -> Vec<Volume> {
    let of = |volume: api::Volume| {
        let secret = volume.secret.and_then(|source| source.secret_name);
        let config = volume.config_map.map(|source| source.name);
        let claim = volume
            .persistent_volume_claim
            .map(|source| source.claim_name);
        let (kind, object) = (secret.map(|name| ("Secret", name)))
            .or(config.map(|name| ("ConfigMap", name)))
            .or(claim.map(|name| ("PersistentVolumeClaim", name)))?;
        Some(Volume {
            name: volume.name,
            kind,
            object,
        })
    };
    volumes.into_iter().filter_map(of).collect()
}

fn statuses(statuses: Option<Vec<api::ContainerStatus>>) -> Vec<ContainerStatus> {
    statuses
        .unwrap_or_default()
        .into_iter()
        .map(|status| ContainerStatus {
            name: status.name,
            container_id: status.container_id.filter(|id| !id.is_empty()),
            state: state(status.state.unwrap_or_default()),
            last: status.last_state.and_then(|s| s.terminated).map(terminated),
            ready: status.ready,
            started: status.started,
            restarts: count(Some(status.restart_count)),
        })
        .collect()
}

/// The API leaves all three members out for a container that is yet to come, which means waiting
/// (`core/v1 types.go`, `ContainerState`).
fn state(state: api::ContainerState) -> ContainerState {
    if let Some(end) = state.terminated {
        return ContainerState::Terminated(terminated(end));
    }
    if let Some(running) = state.running {
        return ContainerState::Running {
            since: time(running.started_at),
        };
    }
    let waiting = state.waiting.unwrap_or_default();
    ContainerState::Waiting {
        reason: waiting.reason.unwrap_or_default(),
        message: waiting.message.unwrap_or_default(),
    }
}

fn terminated(end: api::ContainerStateTerminated) -> Terminated {
    Terminated {
        exit_code: end.exit_code,
        signal: end.signal.unwrap_or(0),
        reason: end.reason.unwrap_or_default(),
        message: end.message.unwrap_or_default(),
        started: time(end.started_at),
        finished: time(end.finished_at),
        container_id: end.container_id.filter(|id| !id.is_empty()),
    }
}
