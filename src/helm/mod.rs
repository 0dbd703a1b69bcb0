//! The port [`Deployer`] over the real `helm`: which binary, with which arguments and environment,
//! on charts that were staged beforehand in a private folder.
//!
//! It applies and removes, it never waits for readiness, and it doesn't judge a failure: it hands
//! on what helm said.

mod args;
mod binary;
mod chart_file;
mod deploy;
mod environment;
mod stage;
mod workspace;

pub use args::Marks;
pub use binary::{Binary, BinaryError, Version};
pub use deploy::{Helm, Target};
pub use environment::storage_driver;
pub use stage::{StageError, Staged, stage};
pub use workspace::Workspace;
