//! Brings up a graph of Helm releases in order, and says why when one does not come up.
//!
//! The rooms and who may import whom: `docs/design.md`, held by `tests/rooms.rs`.

pub mod budget;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod doctor;
pub mod error;
pub mod event;
pub mod files;
pub mod helm;
pub mod identity;
pub mod keyed;
pub mod lease;
pub mod manifest;
pub mod mask;
pub mod memory;
pub mod names;
pub mod order;
pub mod output;
pub mod plan;
pub mod preview;
pub mod process;
pub mod profile;
pub mod recovery;
pub mod redact;
pub mod reporter;
pub mod runner;
pub mod snapshot;
pub mod state;
pub mod verdict;
pub mod wording;
pub mod yaml;
