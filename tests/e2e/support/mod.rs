//! What the end-to-end tests stand on: the sandbox, the real binary, its events, and the API
//! server's own opinion of every pod.

mod chart;
mod cluster;
mod program;
mod table;

pub use chart::{Stack, deployment, hook_job};
pub use cluster::{Cluster, eventually};
pub use program::{Ended, Started, stackctl};
pub use table::summary as compared;

use std::sync::OnceLock;

use stackctl_sandbox::Sandbox;

/// The sandbox that all tests share, brought up by the first; every pod that any test makes is
/// compared with the API server's Table from then on.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let sandbox = Sandbox::shared().expect("the sandbox comes up");
        table::compare_from_now_on(&sandbox);
        sandbox
    })
}
