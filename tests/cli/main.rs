//! The real binary in a folder of its own, with a helm that is a script: what it prints, on which
//! stream, and how it ends. No cluster is needed; what takes one is tried out in tests/e2e.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod api;
mod cluster;
mod completions;
mod down;
mod folder;
mod graph;
mod helm;
mod help;
mod history;
mod init;
mod leash;
mod lock;
mod logs;
mod man;
mod output;
mod planted;
mod profile;
mod status;
mod up;
