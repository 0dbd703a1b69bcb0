//! Small snapshots for tests.

use jiff::Timestamp;

use crate::snapshot::{
    Condition, ContainerSpec, ContainerState, ContainerStatus, Meta, Pod, Terminated, Uid,
    UpdateStrategy, Workload, WorkloadKind,
};

/// So many seconds after the epoch.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

pub fn meta(name: &str) -> Meta {
    Meta {
        uid: Uid::from(name),
        namespace: "oro".to_owned(),
        name: name.to_owned(),
        generation: 1,
        created: at(0),
        deleting: false,
        owner: None,
        revision_hash: None,
        hook: false,
    }
}

pub fn condition(kind: &str, status: &str, reason: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        since: None,
        observed_generation: None,
    }
}

pub fn pending() -> ContainerState {
    waiting("")
}

pub fn waiting(reason: &str) -> ContainerState {
    ContainerState::Waiting {
        reason: reason.to_owned(),
        message: String::new(),
    }
}

pub fn running() -> ContainerState {
    ContainerState::Running { since: Some(at(1)) }
}

pub fn done() -> ContainerState {
    ContainerState::Terminated(end(0, 0, "Completed"))
}

pub fn failed(exit_code: i32) -> ContainerState {
    ContainerState::Terminated(end(exit_code, 0, "Error"))
}

/// An end of which the runtime tells no reason.
pub fn killed(exit_code: i32, signal: i32) -> ContainerState {
    ContainerState::Terminated(end(exit_code, signal, ""))
}

pub fn end(exit_code: i32, signal: i32, reason: &str) -> Terminated {
    Terminated {
        exit_code,
        signal,
        reason: reason.to_owned(),
        message: String::new(),
        started: Some(at(1)),
        finished: Some(at(2)),
        container_id: None,
    }
}

/// A pod in the making. What follows a container speaks of that container.
#[derive(Debug, Clone)]
pub struct PodBuilder {
    pub pod: Pod,
    last_is_init: bool,
}

pub fn pod(phase: &str) -> PodBuilder {
    PodBuilder {
        pod: Pod {
            meta: meta("web"),
            phase: phase.to_owned(),
            reason: String::new(),
            message: String::new(),
            node: Some("node".to_owned()),
            restart_policy: "Always".to_owned(),
            conditions: Vec::new(),
            init_containers: Vec::new(),
            containers: Vec::new(),
            volumes: Vec::new(),
            init_statuses: Vec::new(),
            statuses: Vec::new(),
        },
        last_is_init: false,
    }
}

impl PodBuilder {
    pub fn init(self, state: ContainerState) -> PodBuilder {
        self.container(true, false, Some(state))
    }

    pub fn sidecar(self, state: ContainerState) -> PodBuilder {
        self.container(true, true, Some(state))
    }

    pub fn main(self, state: ContainerState) -> PodBuilder {
        self.container(false, false, Some(state))
    }

    pub fn init_without_status(self) -> PodBuilder {
        self.container(true, false, None)
    }

    fn container(mut self, init: bool, sidecar: bool, state: Option<ContainerState>) -> Self {
        let (specs, statuses) = if init {
            (&mut self.pod.init_containers, &mut self.pod.init_statuses)
        } else {
            (&mut self.pod.containers, &mut self.pod.statuses)
        };
        let name = format!("{}{}", if init { "init" } else { "main" }, specs.len());
        specs.push(ContainerSpec {
            name: name.clone(),
            image: "image:1".to_owned(),
            sidecar,
            has_readiness_probe: false,
            has_startup_probe: false,
        });
        if let Some(state) = state {
            statuses.push(ContainerStatus {
                name,
                container_id: None,
                state,
                last: None,
                ready: false,
                started: None,
                restarts: 0,
            });
        }
        self.last_is_init = init;
        self
    }

    fn last_status(&mut self) -> &mut ContainerStatus {
        let statuses = if self.last_is_init {
            &mut self.pod.init_statuses
        } else {
            &mut self.pod.statuses
        };
        statuses.last_mut().unwrap()
    }

    pub fn ready(mut self) -> Self {
        self.last_status().ready = true;
        self
    }

    pub fn started(mut self, started: bool) -> Self {
        self.last_status().started = Some(started);
        self
    }

    pub fn restarted(mut self, restarts: u32, finished: Option<i64>) -> Self {
        let status = self.last_status();
        status.restarts = restarts;
        status.last = Some(Terminated {
            finished: finished.map(at),
            ..end(1, 0, "Error")
        });
        self
    }

    /// Takes the container out of the spec; its status stays.
    pub fn unknown(mut self) -> Self {
        if self.last_is_init {
            self.pod.init_containers.pop();
        } else {
            self.pod.containers.pop();
        }
        self
    }

    pub fn condition(mut self, kind: &str, status: &str, reason: &str) -> Self {
        self.pod.conditions.push(condition(kind, status, reason));
        self
    }

    pub fn reason(mut self, reason: &str) -> Self {
        self.pod.reason = reason.to_owned();
        self
    }

    pub fn deleting(mut self) -> Self {
        self.pod.meta.deleting = true;
        self
    }
}

/// Three replicas, all through.
pub fn workload(kind: WorkloadKind) -> Workload {
    Workload {
        kind,
        meta: Meta {
            generation: 2,
            ..meta("web")
        },
        observed_generation: 2,
        desired: 3,
        current: 3,
        updated: 3,
        ready: 3,
        available: 3,
        strategy: UpdateStrategy::Rolling { partition: 0 },
        ordered: kind == WorkloadKind::StatefulSet,
        paused: false,
        revision: 0,
        current_revision: "web-1".to_owned(),
        update_revision: "web-1".to_owned(),
        conditions: Vec::new(),
    }
}
