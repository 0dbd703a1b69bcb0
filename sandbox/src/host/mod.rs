//! The machine that a sandbox runs on: what has to be installed, and the private view of it that the
//! sandbox's processes get. Knows nothing of Kubernetes but a few addresses.

pub mod packages;
pub mod process;

#[cfg(target_os = "linux")]
pub mod cgroup;
#[cfg(target_os = "linux")]
pub mod mounts;
#[cfg(target_os = "linux")]
pub mod namespace;
#[cfg(target_os = "linux")]
pub mod network;
