//! A real Kubernetes on one machine.
//!
//! For tests: [`Sandbox::shared`] returns the default sandbox, brought up if need be.

pub mod cli;
pub mod cluster;
pub mod down;
pub mod home;
pub mod output;
pub mod provision;
pub mod status;
pub mod supervisor;
pub mod up;

mod build;
mod files;
mod host;
mod images;
mod kubectl;
mod lock;
mod pki;
mod ready;
mod sandbox;

pub use build::helm;
pub use cluster::Nodes;
pub use host::packages::require;
pub use sandbox::Sandbox;
