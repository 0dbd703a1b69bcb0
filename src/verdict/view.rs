//! Pods and containers as readers of the event stream see them.

use jiff::Timestamp;

use crate::event::{ContainerRole, ContainerView, PodChanged};
use crate::snapshot::{ContainerSpec, ContainerState, ContainerStatus, Pod};

use super::member::Member;
use super::scope::Scope;
use super::status::printed;

/// The wire form of a pod.
pub fn pod_view(scope: &Scope<'_>, member: &Member<'_>) -> PodChanged {
    let pod = member.pod;
    let columns = printed(pod, scope.completed);
    PodChanged {
        release: scope.id.clone(),
        pod: pod.meta.name.clone(),
        owner: member.owner.short(),
        ready: columns.ready_column(),
        status: columns.status,
        restarts: columns.restarts,
        created: pod.meta.created,
        outgoing: member.outgoing,
        containers: container_views(pod, member.hook),
    }
}

/// All containers in the order in which they start.
pub fn container_views(pod: &Pod, hook: bool) -> Vec<ContainerView> {
    let init = pod.inits().map(|(spec, status)| {
        let role = role(spec, true, hook);
        view(spec, status, role, position(pod, &spec.name))
    });
    let main = pod
        .mains()
        .map(|(spec, status)| view(spec, status, role(spec, false, hook), None));
    init.chain(main).collect()
}

pub fn role(spec: &ContainerSpec, init: bool, hook: bool) -> ContainerRole {
    match (init, spec.sidecar, hook) {
        (true, true, _) => ContainerRole::Sidecar,
        (true, false, _) => ContainerRole::Init,
        (false, _, true) => ContainerRole::Hook,
        (false, _, false) => ContainerRole::Main,
    }
}

/// Where an init container stands among those that have to end, `(2, 3)`; sidecars don't count.
pub fn position(pod: &Pod, name: &str) -> Option<(u32, u32)> {
    let ordinary = || pod.init_containers.iter().filter(|c| !c.sidecar);
    let index = ordinary().position(|c| c.name == name)?;
    let total = ordinary().count();
    Some((u32::try_from(index + 1).ok()?, u32::try_from(total).ok()?))
}

fn view(
    spec: &ContainerSpec,
    status: Option<&ContainerStatus>,
    role: ContainerRole,
    position: Option<(u32, u32)>,
) -> ContainerView {
    ContainerView {
        name: spec.name.clone(),
        role,
        position,
        state: status.map_or_else(|| "pending".to_owned(), |s| state_text(&s.state)),
        since: status.and_then(|s| state_since(&s.state)),
        ready: status.is_some_and(|s| s.ready),
        restarts: status.map_or(0, |s| s.restarts),
    }
}

pub fn state_text(state: &ContainerState) -> String {
    match state {
        ContainerState::Waiting { reason, .. } if reason.is_empty() => "pending".to_owned(),
        ContainerState::Waiting { reason, .. } => format!("waiting: {reason}"),
        ContainerState::Running { .. } => "running".to_owned(),
        ContainerState::Terminated(end) if end.exit_code == 0 => "done".to_owned(),
        ContainerState::Terminated(end) if end.signal != 0 => format!("signal {}", end.signal),
        ContainerState::Terminated(end) => format!("exit {}", end.exit_code),
    }
}

/// When the state began; the API does not say it of a container that waits.
pub fn state_since(state: &ContainerState) -> Option<Timestamp> {
    match state {
        ContainerState::Waiting { .. } => None,
        ContainerState::Running { since } => *since,
        ContainerState::Terminated(end) => end.finished,
    }
}
