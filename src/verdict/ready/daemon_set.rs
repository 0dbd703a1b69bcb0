use crate::snapshot::{UpdateStrategy, Workload};

use super::of_pods;

/// What the roll-out still lacks, over the nodes that the DaemonSet is meant for.
pub fn blocked(set: &Workload) -> Option<String> {
    if set.strategy != UpdateStrategy::OnDelete && set.updated < set.desired {
        Some(of_pods(set.updated, set.desired, "updated"))
    } else if set.available < set.desired {
        Some(of_pods(set.available, set.desired, "available"))
    } else {
        None
    }
}
