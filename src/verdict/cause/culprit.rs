//! Which container of a pod made it fail.

use jiff::Timestamp;

use crate::event::ContainerRole;
use crate::snapshot::{ContainerSpec, ContainerState, ContainerStatus, Pod, Terminated};

use super::super::view::role;
use super::super::words::{container, exit};
use super::Case;
use super::report::Draft;

/// The container that failed.
pub struct Culprit<'a> {
    pub pod: &'a Pod,
    pub name: &'a str,
    pub role: ContainerRole,
    end: Terminated,
    /// Which run of it that was, 1 for the first.
    pub attempt: u32,
}

impl<'a> Culprit<'a> {
    /// Of several the one that failed first, and a sidecar only where nothing else has: when a
    /// container has failed, the kubelet kills what still runs beside it (KEP-753).
    pub fn of(case: &Case<'_>, hook: bool, pod: &'a Pod) -> Option<Culprit<'a>> {
        let init = pod.inits().map(|(spec, status)| (spec, status, true));
        let main = pod.mains().map(|(spec, status)| (spec, status, false));
        let failed = init.chain(main).filter_map(|(spec, status, is_init)| {
            let role = role(spec, is_init, hook);
            Culprit::that_failed(case, pod, (spec, status), role)
        });
        failed.min_by_key(|it| {
            let ended = it.end.finished.unwrap_or(Timestamp::MAX);
            (it.role == ContainerRole::Sidecar, ended)
        })
    }

    fn that_failed(
        case: &Case<'_>,
        pod: &'a Pod,
        (spec, status): (&'a ContainerSpec, Option<&ContainerStatus>),
        role: ContainerRole,
    ) -> Option<Culprit<'a>> {
        let exits = case.world.past.exits(&pod.meta.uid, &spec.name);
        let failed = exits.iter().rfind(|exit| exit.terminated.exit_code != 0);
        let healed = status.is_some_and(|status| match &status.state {
            ContainerState::Terminated(end) => end.exit_code == 0,
            ContainerState::Running { .. } => {
                role == ContainerRole::Sidecar && status.started == Some(true)
            }
            ContainerState::Waiting { .. } => false,
        });
        let failed = failed.filter(|_| !healed)?;
        Some(Culprit {
            pod,
            name: &spec.name,
            role,
            end: failed.terminated.clone(),
            attempt: failed.attempt,
        })
    }

    /// Container `migrate` of pod migrate-abcde.
    pub fn who(&self) -> String {
        let container = self.container();
        format!("{container} of pod {}", self.pod.meta.name)
    }

    /// Container `migrate`.
    pub fn container(&self) -> String {
        container(self.role, self.name)
    }

    pub fn how(&self) -> String {
        match self.end.reason.as_str() {
            "OOMKilled" => "ran out of memory (OOMKilled)".to_owned(),
            _ => format!("ended with {}", exit(&self.end)),
        }
    }

    pub fn prove(&self, draft: Draft) -> Draft {
        let message = match self.end.message.as_str() {
            "" => exit(&self.end),
            message => format!("{}: {message}", exit(&self.end)),
        };
        let pod = format!("pod/{}", self.pod.meta.name);
        draft
            .in_container(self.role, self.name)
            .status(pod, &self.end.reason, &message)
            .log(self.pod, self.name, self.attempt)
    }
}
