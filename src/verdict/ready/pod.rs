use crate::event::Health;
use crate::snapshot::{ContainerState, Pod};

use super::{State, is_pod_ready};

/// A pod that stands in the manifest itself: up, or done.
pub fn state(pod: &Pod) -> State {
    match pod.phase.as_str() {
        "Succeeded" => State::single(Health::Ready, ""),
        "Failed" if pod.reason.is_empty() => State::single(Health::Failed, "failed"),
        "Failed" => State::single(Health::Failed, &*pod.reason),
        _ if pod.meta.deleting => State::single(Health::Progressing, "being deleted"),
        _ if is_pod_ready(pod) || is_done(pod) => State::single(Health::Ready, ""),
        _ => State::single(Health::Progressing, "not ready"),
    }
}

/// Its containers have ended well and are not started again, or are ready: the pod's own phase says
/// so only a moment later.
fn is_done(pod: &Pod) -> bool {
    let mut ended = pod.mains().map(|(_, status)| {
        status.is_some_and(|status| match &status.state {
            ContainerState::Terminated(end) => end.exit_code == 0,
            _ => status.ready,
        })
    });
    pod.restart_policy != "Always" && !pod.containers.is_empty() && ended.all(|it| it)
}
