//! The runs of a container whose logs can be had.

use crate::snapshot::{ContainerState, ContainerStatus, Instance};

/// Those that there are, oldest first, each with whether it ended badly, or follows one that did.
/// `old`: the last run that says nothing about today.
pub fn runs(status: &ContainerStatus, old: u32) -> Vec<(Instance, bool)> {
    let has_failed = status.last.as_ref().is_some_and(|last| last.exit_code != 0);
    let failed = |run: &Instance| match run.exit_code {
        Some(code) => code != 0,
        None => has_failed && status.restarts > old,
    };
    let instances = status.instances().into_iter();
    instances
        .map(|run| {
            let failed = failed(&run);
            (run, failed)
        })
        .collect()
}

/// This very run is still under way.
pub fn is_running(status: &ContainerStatus, attempt: u32) -> bool {
    matches!(status.state, ContainerState::Running { .. }) && status.restarts + 1 == attempt
}
