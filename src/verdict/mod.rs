//! Judges what the watches saw: is a release ready, what does it wait for, and is there trouble
//! that will not pass.
//!
//! The room is pure: snapshots in, judgement out. It must not know a clock, I/O, nor Kubernetes'
//! client.

mod status;

#[cfg(test)]
mod build;

pub use status::{CompletedRule, Printed, human_duration, printed};
