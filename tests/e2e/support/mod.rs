//! What the end-to-end tests stand on: the sandbox, the real binary, its events, and the API
//! server's own opinion of every pod.

mod chart;
mod cluster;
mod program;
mod registry;
mod scenario;
mod table;

pub use chart::{Stack, deployment, hook_job, moment};
pub use cluster::{Cluster, eventually};
pub use program::{Ended, Started, helm, helm_test, stackctl, stackctl_on};
pub use registry::Registry;
pub use scenario::{Said, Scenario};
pub use table::summary as compared;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stackctl_sandbox::Sandbox;

const OWN: &[&str] = &["--nodes", "real"];

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

/// The sandbox of the tests that stop or change the cluster itself, which come one after another:
/// it goes with the guard of whoever has it.
pub fn own_sandbox() -> (MutexGuard<'static, ()>, &'static Sandbox) {
    static TURN: Mutex<()> = Mutex::new(());
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let sandbox = SANDBOX.get_or_init(|| {
        let sandbox = Sandbox::up("e2e", OWN).expect("the sandbox comes up");
        table::compare_from_now_on(&sandbox);
        sandbox
    });
    (turn, sandbox)
}

/// Kills a component of a test's own sandbox.
pub fn kill_component(sandbox: &Sandbox, name: &str) {
    let pid = sandbox.process(name).expect("it runs");
    let pid = Pid::from_raw(pid.cast_signed());
    kill(pid, Signal::SIGKILL).expect("it is ours");
}

/// Waits until the sandbox has brought back what was killed.
pub fn heal(sandbox: &Sandbox) {
    Sandbox::up(sandbox.name(), OWN).expect("the sandbox heals");
}
