use crate::snapshot::{UpdateStrategy, Workload};

use super::of_pods;

/// What the roll-out still lacks. With `OnDelete` nobody replaces the old pods, so enough ready
/// ones of whichever revision are enough; with a partition, the pods below it stay old.
pub fn blocked(set: &Workload) -> Option<String> {
    if set.ready < set.desired {
        return Some(of_pods(set.ready, set.desired, "ready"));
    }
    let UpdateStrategy::Rolling { partition } = set.strategy else {
        return None;
    };
    // Those below it are kept at the current revision, which may be the one that was asked for again.
    let is_same = set.current_revision == set.update_revision;
    let kept = if is_same { 0 } else { partition };
    let wanted = set.desired.saturating_sub(kept);
    (set.updated < wanted).then(|| of_pods(set.updated, wanted, "updated"))
}
