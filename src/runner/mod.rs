//! The orchestration: starts releases when their needs are met, listens to the cluster, judges,
//! and emits what happens. It owns the only clock. It knows neither helm nor Kubernetes: both
//! stand behind [`ports`].
//!
//! One task, [`up`]'s or [`down`]'s, owns all state and emits all events, so that their order is
//! the order in which things became true. What takes time runs as futures beside it and comes
//! back as a message.

mod begin;
mod emitter;
mod hold;
mod lease;
mod logs;
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

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::event::{CancelReason, Outcome, VerdictClass};
use crate::names::{ReleaseId, RunId};
use crate::verdict::CompletedRule;

pub use emitter::Emitter;
pub use hold::Held;
pub use lease::{Gate, Keeper, NotHeld, Wish, acquire};
pub use patience::Patience;
pub use removal::down;
pub use up::up;

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
        Some(CancelReason::Superseded) if failures.is_empty() => Outcome::Superseded,
        _ if failures.is_empty() => good,
        _ if failures.iter().all(|&class| class == VerdictClass::Expired) => {
            Outcome::DeadlinePassed
        }
        _ => Outcome::Failed,
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
