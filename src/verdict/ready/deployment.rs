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
    let blocked = if updated < desired {
        of_pods(updated, desired, "updated")
    } else if current > updated {
        let old = current - updated;
        let noun = if old == 1 { "pod" } else { "pods" };
        format!("{old} old {noun} still there")
    } else if available < updated {
        of_pods(available, updated, "available")
    } else {
        return None;
    };
    // A paused one stays as it is until somebody resumes it. Paused when it was through, it serves.
    Some(match deployment.paused {
        true => format!("paused, {blocked}"),
        false => blocked,
    })
}
