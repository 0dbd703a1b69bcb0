//! What becomes of a release that an earlier helm has left half done: plain rules, which a run goes by,
//! and `plan` and `doctor` tell of.
//!
//! That no helm is at work any more can't be seen in the cluster. It is known of runs of stackctl
//! that gave the stack's Lease back: they wait for their helms. It is not known of those that were
//! gone without a word, unless they ran on this machine (`docs/recovery.md`).

mod first_install;

pub use first_install::{FirstInstall, after, first_of, may_hold_data};

use crate::names::{Namespace, ReleaseName, RunId};
use crate::snapshot::{Record, RecordStatus, StackId};

/// What a run is about to do with a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    Up,
    Rollback,
    Down,
    Prune,
}

/// What the Lease of a stack tells of its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// Has the stack, as far as can be seen.
    pub holder: Option<RunId>,
    /// Were gone without a word: a helm of them may live on.
    pub abandoned: Vec<RunId>,
}

/// Why a release is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftAlone {
    pub sentence: String,
    /// From the object down to the deepest cause.
    pub chain: Vec<String>,
    pub hints: Vec<String>,
}

/// Why the helm that left this revision half done may still be at work, for a run that would go on
/// from there. None where it can't be.
pub fn doubt(
    stack: &StackId,
    last: &Record,
    abandoned: &[RunId],
    (release, namespace): (&ReleaseName, &Namespace),
    intent: Intent,
) -> Option<LeftAlone> {
    let run = last.marks.run.as_deref();
    let why = match run.filter(|_| last.is_of(stack)) {
        // helm writes nothing of ours on it when it uninstalls.
        _ if last.status == RecordStatus::Uninstalling => {
            "a helm may still be at work on that".to_owned()
        }
        Some(run) if abandoned.iter().all(|it| it.as_str() != run) => return None,
        Some(run) => {
            format!("run {run} left it so, without a word: its helm may still be at work")
        }
        None => "no run of stackctl left it so: somebody's helm may still be at work".to_owned(),
    };
    Some(LeftAlone {
        sentence: format!(
            "its revision {} is {}, and {why}",
            last.revision,
            last.status.as_str()
        ),
        chain: Vec::new(),
        hints: vec![
            format!(
                "`helm history {release} -n {namespace}` shows since when; let a helm that is at work end"
            ),
            format!("if none is, {}", intent.with_recover()),
        ],
    })
}

impl Intent {
    /// What it does on the word of somebody that no helm is at work.
    fn with_recover(self) -> &'static str {
        match self {
            Intent::Up => "`stackctl up --recover` takes the release up where it was left",
            Intent::Rollback => {
                "`stackctl rollback --recover` takes the release up where it was left"
            }
            Intent::Down => "`stackctl down --recover` removes the release all the same",
            Intent::Prune => "`stackctl up --prune --recover` removes the release all the same",
        }
    }
}

impl LeftAlone {
    /// What there is of it can't be read.
    pub fn unreadable(error: &impl std::fmt::Display) -> LeftAlone {
        LeftAlone {
            sentence: format!("what an earlier run has left of it can't be read: {error}"),
            ..LeftAlone::default()
        }
    }
}

impl Runs {
    /// The run that has the stack and may be at work on that very revision: others wait for it.
    pub fn at_work_on(&self, stack: &StackId, last: &Record) -> Option<&RunId> {
        let holder = self.holder.as_ref()?;
        let is_its = last.is_of(stack) && last.marks.run.as_deref() == Some(holder.as_str());
        (is_its || last.status == RecordStatus::Uninstalling).then_some(holder)
    }
}
