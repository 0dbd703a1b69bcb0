use jiff::Timestamp;

use super::{Condition, Conditions, Meta};

#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    pub meta: Meta,
    pub phase: String,
    /// `status.reason`: `Evicted`, `NodeLost`, ...
    pub reason: String,
    pub message: String,
    pub node: Option<String>,
    /// `Always`, `OnFailure` or `Never`.
    pub restart_policy: String,
    pub conditions: Vec<Condition>,
    pub init_containers: Vec<ContainerSpec>,
    pub containers: Vec<ContainerSpec>,
    pub volumes: Vec<Volume>,
    pub init_statuses: Vec<ContainerStatus>,
    pub statuses: Vec<ContainerStatus>,
}

/// A volume that is filled from one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// As the pod calls it.
    pub name: String,
    /// `Secret`, `ConfigMap` or `PersistentVolumeClaim`.
    pub kind: &'static str,
    /// The name of the object.
    pub object: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSpec {
    pub name: String,
    pub image: String,
    /// An init container with `restartPolicy: Always`: a native sidecar (KEP-753).
    pub sidecar: bool,
    pub has_readiness_probe: bool,
    pub has_startup_probe: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ContainerStatus {
    pub name: String,
    /// `containerd://...`, of the present or the last instance; None before the first.
    pub container_id: Option<String>,
    pub state: ContainerState,
    pub last: Option<Terminated>,
    pub ready: bool,
    pub started: Option<bool>,
    pub restarts: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ContainerState {
    /// Both texts may be empty: the API leaves the state out of a container that is yet to come.
    Waiting {
        reason: String,
        message: String,
    },
    Running {
        since: Option<Timestamp>,
    },
    Terminated(Terminated),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminated {
    pub exit_code: i32,
    /// 0 where no signal ended it.
    pub signal: i32,
    pub reason: String,
    pub message: String,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub container_id: Option<String>,
}

/// A run of a container whose log the kubelet still has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `containerd://...`
    pub id: String,
    /// 1 for the first run.
    pub attempt: u32,
    /// Its log is to be asked for as that of the one before the present one.
    pub previous: bool,
    /// None while it runs.
    pub exit_code: Option<i32>,
}

impl ContainerStatus {
    /// The run before the present one and the present one, as far as there have been such. While
    /// a container waits for its next start, the last run is still the present one (k/k
    /// `kubelet_pods.go`, `validateContainerLogStatus`).
    pub fn instances(&self) -> Vec<Instance> {
        let own = self.container_id.as_ref();
        let last = |previous| {
            let end = self.last.as_ref()?;
            Some((end.container_id.as_ref()?, previous, Some(end.exit_code)))
        };
        let instances = match &self.state {
            ContainerState::Waiting { .. } => [None, last(false)],
            ContainerState::Terminated(end) => {
                let id = end.container_id.as_ref().or(own);
                [last(true), id.map(|id| (id, false, Some(end.exit_code)))]
            }
            ContainerState::Running { .. } => [last(true), own.map(|id| (id, false, None))],
        };
        instances
            .into_iter()
            .flatten()
            .map(|(id, previous, exit_code)| Instance {
                id: id.clone(),
                attempt: self.restarts + u32::from(!previous),
                previous,
                exit_code,
            })
            .collect()
    }
}

impl Pod {
    /// Reason and message of why its controller has to replace it, if it was taken from it: the
    /// kubelet's own word (`Evicted`, `SysctlForbidden`), or that of whoever disrupts it (KEP-3329).
    pub fn lost(&self) -> Option<(&str, &str)> {
        if self.phase == "Failed" && !self.reason.is_empty() {
            return Some((&self.reason, &self.message));
        }
        let disrupted = self.conditions.condition("DisruptionTarget");
        let disrupted = disrupted.filter(|condition| condition.is_true())?;
        Some((&disrupted.reason, &disrupted.message))
    }

    /// It is on its way to its first container, and nothing that is known stands in it.
    pub fn is_starting(&self) -> bool {
        const ON_THE_WAY: [&str; 3] = ["", "PodInitializing", "ContainerCreating"];
        let scheduled = self.conditions.condition("PodScheduled");
        let statuses = self.init_statuses.iter().chain(&self.statuses);
        let mut waiting = statuses.filter_map(|it| match &it.state {
            ContainerState::Waiting { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
        self.phase == "Pending"
            && scheduled.is_none_or(|it| it.reason != "Unschedulable")
            && waiting.all(|reason| ON_THE_WAY.contains(&reason))
    }

    /// `spec.initContainers` in their order with their statuses, which may be missing.
    pub fn inits(&self) -> impl Iterator<Item = (&ContainerSpec, Option<&ContainerStatus>)> {
        self.init_containers
            .iter()
            .map(|spec| (spec, find(&self.init_statuses, &spec.name)))
    }

    /// `spec.containers` in their order with their statuses, which may be missing.
    pub fn mains(&self) -> impl Iterator<Item = (&ContainerSpec, Option<&ContainerStatus>)> {
        self.containers
            .iter()
            .map(|spec| (spec, find(&self.statuses, &spec.name)))
    }

    pub fn status_of(&self, container: &str) -> Option<&ContainerStatus> {
        find(&self.init_statuses, container).or_else(|| find(&self.statuses, container))
    }
}

fn find<'a>(statuses: &'a [ContainerStatus], name: &str) -> Option<&'a ContainerStatus> {
    statuses.iter().find(|s| s.name == name)
}
