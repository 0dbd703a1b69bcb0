//! The runs of a container whose logs can be had.

use crate::snapshot::{ContainerState, ContainerStatus};

pub struct Run {
    pub attempt: u32,
    pub container_id: String,
    /// It ended badly, or follows one that did.
    pub failed: bool,
    pub previous: bool,
}

/// The present run, and the one before. `old`: the last run that says nothing about today.
pub fn runs(status: &ContainerStatus, old: u32) -> Vec<Run> {
    let present = status.restarts + 1;
    let mut runs = Vec::new();
    let waiting = matches!(status.state, ContainerState::Waiting { .. });
    let has_failed = status.last.as_ref().is_some_and(|last| last.exit_code != 0);
    if let Some(last) = &status.last
        && let Some(container_id) = last.container_id.clone()
    {
        runs.push(Run {
            attempt: if waiting { present } else { status.restarts },
            container_id,
            failed: has_failed,
            // While the container waits for its next start, the last one is still the present one.
            previous: !waiting,
        });
    }
    let now = match &status.state {
        ContainerState::Running { .. } => {
            let fails = has_failed && status.restarts > old;
            status.container_id.clone().map(|id| (id, fails))
        }
        ContainerState::Terminated(end) => {
            let id = end.container_id.clone().or(status.container_id.clone());
            id.map(|id| (id, end.exit_code != 0))
        }
        ContainerState::Waiting { .. } => None,
    };
    if let Some((container_id, failed)) = now {
        runs.push(Run {
            attempt: present,
            container_id,
            failed,
            previous: false,
        });
    }
    runs
}

/// This very run is still under way.
pub fn is_running(status: &ContainerStatus, attempt: u32) -> bool {
    matches!(status.state, ContainerState::Running { .. }) && status.restarts + 1 == attempt
}
