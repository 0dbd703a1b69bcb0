use super::of_pods;
use crate::snapshot::{UpdateStrategy, Workload};

/// What of a workload that counts as ready is not of its present template, for its update strategy
/// leaves that to somebody else. None where all of it is.
pub fn left_old(workload: &Workload) -> Option<String> {
    let old = workload.desired.saturating_sub(workload.updated);
    let why = match workload.strategy {
        _ if old == 0 || !workload.kind.has_revisions() => return None,
        UpdateStrategy::OnDelete => "with `OnDelete`, a pod is replaced once somebody deletes it",
        UpdateStrategy::Rolling { partition: 1.. } => "its `partition` keeps them",
        UpdateStrategy::Rolling { partition: 0 } | UpdateStrategy::Recreate => return None,
    };
    let old = of_pods(old, workload.desired, "not updated");
    Some(format!("{old}: {why}"))
}
