//! The port [`Deployer`] over the real `helm`: which binary, with which arguments and environment,
//! on charts that were staged beforehand in a private folder.
//!
//! It applies and removes, and never waits for readiness. Of a failure it tells what helm's own
//! words prove; what only the cluster knows is judged elsewhere.

mod args;
mod binary;
mod chart_file;
mod commands;
mod deploy;
mod digest;
mod environment;
mod failure;
mod found;
mod inputs;
mod lock;
mod render;
mod stage;
mod vary;
mod workspace;

pub use args::{Capabilities, Marks};
pub use binary::{Binary, BinaryError, Version};
pub use deploy::{Helm, Target, shown};
pub use environment::storage_driver;
pub use failure::{About, refusal};
pub use found::{Found, charts_in};
pub use lock::{Lock, Unlocked};
pub use render::{Moment, Template, Upcoming, UpcomingHook};
pub use stage::{PullError, StageError, Staged, Staging, stage};
pub use workspace::Workspace;
