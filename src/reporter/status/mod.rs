//! How stacks stand, for people who ask: a table, and below it why what is not ready is not.

mod changes;
mod page;
mod picture;
mod table;

use jiff::Timestamp;
use serde::Serialize;

use crate::event::Verdict;
use crate::names::{Namespace, ReleaseId, StackName};
use crate::output::Palette;

pub use changes::{Change, Changes};
pub use page::lines;
pub use picture::picture;

/// What the cluster shows; with `-o json` exactly this is written.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Overview {
    pub stacks: Vec<StackStatus>,
    /// What we may not or can't look at, a sentence each: what is told may be wrong about it.
    pub unseen: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackStatus {
    pub stack: StackName,
    pub namespace: Namespace,
    pub context: String,
    /// In the order of the plan, what the profile doesn't name at the end.
    pub releases: Vec<StatusRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusRow {
    pub release: ReleaseId,
    pub namespace: Namespace,
    /// Nothing if helm has no record of it.
    pub revision: Option<u32>,
    pub state: Condition,
    /// Ready and desired pods; nothing if it has no workload.
    pub ready: Option<Share>,
    /// Finished and all init containers of the pods that are not through them.
    pub init: Option<Share>,
    pub restarts: u32,
    /// When the revision was deployed.
    pub deployed: Option<Timestamp>,
    /// What it waits for or why it failed, in a sentence.
    pub reason: Option<String>,
    /// The worst trouble there is, with its proof. Trouble that may pass leaves the release
    /// `progressing`.
    pub verdict: Option<Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    pub done: u32,
    pub all: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    Ready,
    /// Deployed, on its way.
    Progressing,
    Failed,
    /// Helm's record is `pending-*`: somebody is at it, or was cut off.
    Pending,
    /// In the profile, not in the cluster.
    Missing,
    /// In the cluster, not in the profile.
    Orphaned,
    /// There, but we may not look at it.
    Unknown,
}

impl Condition {
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Ready => "ready",
            Condition::Progressing => "progressing",
            Condition::Failed => "failed",
            Condition::Pending => "pending",
            Condition::Missing => "missing",
            Condition::Orphaned => "orphaned",
            Condition::Unknown => "unknown",
        }
    }

    fn paint(self, text: &str, palette: &Palette) -> String {
        match self {
            Condition::Ready => palette.good(text),
            Condition::Failed => palette.bad(text),
            Condition::Progressing
            | Condition::Pending
            | Condition::Orphaned
            | Condition::Unknown => palette.warn(text),
            Condition::Missing => palette.dim(text),
        }
    }
}
