//! How long a release may take, and how much trouble is borne before hope is given up.

use std::time::Duration;

/// A release's whole deadline when the profile says nothing.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// When trouble that may pass by itself is taken for final.
///
/// Durations are counted from the moment the trouble was first seen and start again
/// when it goes away in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// Restarts of one container, whatever its exit codes. The same exit code twice in a
    /// row ends it sooner: a program that fails the same way twice rarely heals.
    pub restarts: u32,
    /// Image pulls that fail for a reason which may pass (registry down, rate limit).
    pub image_pull: Duration,
    /// A Secret, ConfigMap or key that is not there; operators may fill it late.
    pub missing_object: Duration,
    /// A pod that no node takes; an autoscaler may bring one.
    pub unschedulable: Duration,
    /// A controller that can't create its pods: quota, admission, ServiceAccount.
    pub failed_create: Duration,
    /// A volume that can't be attached or mounted, or a sandbox that can't be made.
    pub failed_mount: Duration,
    /// An init or hook container that keeps printing what it has printed before: it waits for
    /// something. Counted from when it began to repeat itself.
    pub no_activity: Duration,
}

impl Default for Budgets {
    fn default() -> Self {
        Budgets {
            restarts: 3,
            image_pull: Duration::from_secs(60),
            missing_object: Duration::from_secs(30),
            unschedulable: Duration::from_secs(120),
            failed_create: Duration::from_secs(30),
            failed_mount: Duration::from_secs(120),
            no_activity: Duration::from_secs(240),
        }
    }
}
