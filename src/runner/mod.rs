//! The orchestration: starts releases when their needs are met, listens to the cluster, judges,
//! and emits what happens. It owns the only clock. It knows neither helm nor Kubernetes: both
//! stand behind [`ports`].
//!
//! One task, [`up`]'s or [`down`]'s, owns all state and emits all events, so that their order is
//! the order in which things became true. What takes time runs as futures beside it and comes
//! back as a message.

mod asking;
mod begin;
mod clock;
mod emitter;
mod hold;
mod lease;
mod logs;
mod others;
mod outage;
mod patience;
pub mod ports;
mod refusal;
mod removal;
mod shown;
mod sooner;
mod touched;
mod tracked;
mod up;
mod watching;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures::stream::LocalBoxStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::event::{CancelReason, EventKind, Outcome, Verb, VerdictClass};
use crate::memory::{EndedRelease, Left, ReleaseEnd, Unreachable, Verified, VerifiedSet, WentBack};
use crate::names::{Namespace, ReleaseId, ReleaseName, RunId};
use crate::plan::Plan;
use crate::snapshot::{LastingHook, ObjectRef, Observation, Uid};
use crate::verdict::CompletedRule;

pub use clock::Clock;
pub use emitter::Emitter;
pub use hold::Held;
pub use lease::{Gate, Keeper, NotHeld, Wish, acquire};
pub use patience::Patience;
pub use removal::{down, going, remedies};
pub use up::{back, up};
pub use watching::watch_objects;

/// How long a release whose pods have no readiness probe must stay ready before the run believes it.
pub const SETTLE: Duration = Duration::from_secs(2);

/// What a run is given beside its plan.
#[derive(Debug, Clone)]
pub struct Settings {
    pub run: RunId,
    /// The kubeconfig context, for people.
    pub context: String,
    /// Helm processes at work at once.
    pub parallel: usize,
    /// The deadline of the whole run.
    pub timeout: Option<Duration>,
    /// Releases that another helm may still be at work on are taken up all the same: the user's word.
    pub recover: bool,
    /// How the API server words the STATUS of pods with ended containers.
    pub completed: CompletedRule,
    /// Name and version of each release's chart, for people.
    pub charts: HashMap<ReleaseId, String>,
    /// A removal takes volumes too.
    pub volumes: bool,
    /// What earlier removals have left.
    pub left: Vec<Left>,
    /// Releases of the stack that the plan's profile does not name.
    pub orphans: Option<Plan>,
    /// They are removed when all else is ready.
    pub prune: bool,
    pub on_failure: OnFailure,
    /// Releases that were known to be the stack's before the run.
    pub listed: BTreeSet<(Namespace, ReleaseName)>,
    /// By which a release is known to be unchanged; those that are not among them never are.
    pub known: HashMap<ReleaseId, Known>,
}

/// What a run does that fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OnFailure {
    #[default]
    Stay,
    /// Goes back to what was verified together last, if anything was.
    GoBack(Option<VerifiedSet>),
}

/// What is known of a release before the run.
#[derive(Debug, Clone)]
pub struct Known {
    /// The digest of all that goes into it now, as helm's record of it would bear it.
    pub inputs: String,
    /// What is remembered of it.
    pub verified: Option<Verified>,
}

/// The revisions that releases go back to, and why others don't.
#[derive(Debug, Clone, Default)]
pub struct Back {
    pub to: BTreeMap<ReleaseId, u32>,
    pub left: BTreeMap<ReleaseId, String>,
    /// What it might have gone back to, and why not.
    pub passed_over: Vec<Unreachable>,
}

/// A release that was seen ready.
#[derive(Debug)]
pub struct BroughtUp {
    pub id: ReleaseId,
    pub revision: u32,
    /// helm's record of it.
    pub record: Option<Uid>,
    /// What it consists of.
    pub objects: Vec<ObjectRef>,
    /// What its hooks have made for others.
    pub hooks: Vec<LastingHook>,
    /// Those of them that helm has deleted though the release needs them.
    pub lost: Vec<ObjectRef>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub outcome: Outcome,
    pub releases: Vec<EndedRelease>,
    /// What this run has brought up.
    pub verified: Vec<BroughtUp>,
    /// helm's records of revisions that were verified before it was written down which those are.
    pub identified: Vec<(ReleaseId, u32, Uid)>,
    /// Every release was ready at the end, be it at a revision that it went back to.
    pub together: bool,
    /// It had failed before, and `releases` are how they were after it went back.
    pub back: Option<WentBack>,
    /// What it has left of releases that are gone.
    pub left: Vec<Left>,
}

impl Ended {
    /// The releases that have failed.
    fn failed(&self) -> Vec<ReleaseId> {
        let failed = self.releases.iter();
        let failed = failed.filter(|it| it.end == ReleaseEnd::Failed);
        failed.map(|it| it.id.clone()).collect()
    }

    /// It ended before anything was begun.
    pub fn early(outcome: Outcome) -> Ended {
        Ended {
            outcome,
            releases: Vec::new(),
            verified: Vec::new(),
            identified: Vec::new(),
            together: false,
            back: None,
            left: Vec::new(),
        }
    }
}

/// The run's ends towards the program.
#[derive(Debug)]
pub struct Channels {
    pub emitter: Emitter,
    /// A first reason ends the run gently, a second one at once.
    pub cancel: UnboundedReceiver<CancelReason>,
    /// Whether the stack is this run's.
    pub gate: Gate,
    /// Earlier runs that were gone without a word: their helms may still be at work.
    pub unsure: Vec<RunId>,
}

/// How a run ended that was cancelled before it began.
pub fn outcome_of(reason: CancelReason) -> Outcome {
    outcome(Some(reason), &[], Outcome::Ready)
}

/// How a run ended, given what ended it early and what failed in it.
fn outcome(cancelled: Option<CancelReason>, failures: &[VerdictClass], good: Outcome) -> Outcome {
    match cancelled {
        Some(CancelReason::Interrupt) => Outcome::Interrupted,
        Some(CancelReason::Terminate) => Outcome::Terminated,
        Some(CancelReason::LockLost) => Outcome::LockLost,
        Some(CancelReason::NamespaceGone) => Outcome::Failed,
        Some(CancelReason::Superseded) if failures.is_empty() => Outcome::Superseded,
        _ if failures.is_empty() => good,
        _ if failures.iter().all(|&class| class == VerdictClass::Expired) => {
            Outcome::DeadlinePassed
        }
        _ => Outcome::Failed,
    }
}

/// What a run listens to.
type Ends = (
    LocalBoxStream<'static, Observation>,
    UnboundedReceiver<CancelReason>,
);

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// Says which releases of the stack the profile names no more, and what becomes of them.
fn tell_orphans(emitter: &mut Emitter, settings: &Settings, verb: Verb) {
    for step in settings.orphans.iter().flat_map(Plan::steps) {
        let (release, namespace) = (&step.release, &step.namespace);
        let remedy = match verb {
            Verb::Up if settings.prune => "it is removed once the rest is ready".to_owned(),
            Verb::Up => "`up --prune` removes it".to_owned(),
            Verb::Down | Verb::Rollback => {
                format!("it stays; `helm uninstall {release} -n {namespace}` removes it")
            }
        };
        let message = format!(
            "release `{release}` in `{namespace}` is of this stack, and the profile names it no \
             more: {remedy}"
        );
        emitter.emit(EventKind::Warning {
            release: None,
            message,
        });
    }
}
