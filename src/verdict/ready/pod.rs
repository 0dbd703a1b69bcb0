use crate::event::Health;
use crate::snapshot::Pod;

use super::{State, is_pod_ready};

/// A pod that stands in the manifest itself: up, or done.
pub fn state(pod: &Pod) -> State {
    match pod.phase.as_str() {
        "Succeeded" => State::single(Health::Ready, ""),
        "Failed" if pod.reason.is_empty() => State::single(Health::Failed, "failed"),
        "Failed" => State::single(Health::Failed, &*pod.reason),
        _ if pod.meta.deleting => State::single(Health::Progressing, "being deleted"),
        _ if is_pod_ready(pod) => State::single(Health::Ready, ""),
        _ => State::single(Health::Progressing, "not ready"),
    }
}
