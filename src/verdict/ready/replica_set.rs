use crate::snapshot::Workload;

use super::of_pods;

/// What a ReplicaSet or ReplicationController lacks, as kstatus has it (cli-utils
/// `pkg/kstatus/status/core.go`).
pub fn blocked(set: &Workload) -> Option<String> {
    if set.available < set.desired {
        return Some(of_pods(set.available, set.desired, "available"));
    }
    let extra = set.current.saturating_sub(set.desired);
    let noun = if extra == 1 { "pod" } else { "pods" };
    (extra > 0).then(|| format!("{extra} {noun} more than wanted"))
}
