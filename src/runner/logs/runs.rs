//! The runs of a container whose logs can be had.

use crate::runner::ports::Life;
use crate::snapshot::{ContainerState, ContainerStatus, Instance, Pod};

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

/// How far this run is, as its pod tells. An init container that has succeeded does not run again,
/// nor does any container of a pod that is through.
pub fn life(pod: &Pod, status: &ContainerStatus, attempt: u32) -> Life {
    let is_present = status.restarts + 1 == attempt;
    match &status.state {
        ContainerState::Running { .. } if is_present => Life::Runs,
        ContainerState::Terminated(end) if is_present => {
            let through = matches!(pod.phase.as_str(), "Succeeded" | "Failed");
            let mut inits = pod.init_containers.iter().filter(|spec| !spec.sidecar);
            let is_init = inits.any(|spec| spec.name == status.name);
            match through || is_init && end.exit_code == 0 {
                true => Life::Last,
                false => Life::Ended,
            }
        }
        _ => Life::Ended,
    }
}
