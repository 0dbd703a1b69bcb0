use crate::snapshot::Workload;

use super::of_pods;

/// What the roll-out still lacks. The deadline (`ProgressDeadlineExceeded`) is no part of it: the
/// controller goes on trying behind it, so it is a cause and not a state.
pub fn blocked(deployment: &Workload) -> Option<String> {
    let Workload {
        desired,
        current,
        updated,
        available,
        ..
    } = *deployment;
    if deployment.paused {
        Some("paused".to_owned())
    } else if updated < desired {
        Some(of_pods(updated, desired, "updated"))
    } else if current > updated {
        let old = current - updated;
        let noun = if old == 1 { "pod" } else { "pods" };
        Some(format!("{old} old {noun} still there"))
    } else if available < updated {
        Some(of_pods(available, updated, "available"))
    } else {
        None
    }
}
