//! What is known of a release while it is removed.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::hooks::DeleteHooks;
use crate::memory::{Left, ReleaseEnd};
use crate::plan::Step;
use crate::runner::Gate;
use crate::runner::asking::{Backoff, Limits};
use crate::runner::ports::{Cancel, ObserveError};
use crate::runner::tracked::GRACE;
use crate::snapshot::{Contents, Lingering, ObjectRef, Remaining, Uid};

/// A release that is removed.
pub struct Removed<'p> {
    pub step: &'p Step,
    pub phase: Phase,
    /// How long it has until then.
    pub limit: Duration,
    pub deadline: Option<Instant>,
    pub contents: Contents,
    /// Those that helm runs while it removes it.
    pub hooks: Option<DeleteHooks>,
    /// What can own pods of it; they go after their owners.
    pub owners: HashSet<Uid>,
    pub cancel: Cancel,
    /// When a helm that was asked to end is made to.
    pub kill_at: Option<Instant>,
    pub waiting: Option<String>,
    /// What earlier removals have left of it.
    pub remembered: Vec<Remaining>,
    /// What helm is going to leave and we have to remove.
    pub leftovers: Vec<ObjectRef>,
    /// helm has uninstalled it, or is to, and its record is kept until the rest is removed.
    pub keeps_record: bool,
    /// What of it we have removed.
    pub swept: Vec<ObjectRef>,
    /// What stays because volumes do, where it is there.
    pub stays: Vec<ObjectRef>,
    /// What of that is there.
    pub left: Vec<Remaining>,
    /// What was written down before helm was started.
    pub noted: Vec<Remaining>,
    /// It is written down what is held by finalizers.
    pub is_held_noted: bool,
    /// What is still there, when it was asked; None until it was.
    pub lingering: Option<Vec<Lingering>>,
    pub asked_at: Option<Instant>,
    pub backoff: Backoff,
    /// Why the last question was not answered, and how long it is left at that.
    pub unanswered: Option<(ObserveError, Duration)>,
    /// A question or a deletion is under way.
    pub asking: bool,
    pub end: Option<ReleaseEnd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Waiting,
    Reading,
    /// What a run must know that takes this up is written down.
    Noting,
    Removing,
    /// helm has failed, and why is being looked for.
    Failing,
    /// All of it is removed, and its record is.
    Forgetting,
    Vanishing,
    Ended,
}

impl<'p> Removed<'p> {
    pub fn new(step: &'p Step, gate: &Gate, left: &[Left]) -> Removed<'p> {
        Removed {
            remembered: Left::of(left, &step.release, &step.namespace),
            stays: Vec::new(),
            left: Vec::new(),
            keeps_record: false,
            noted: Vec::new(),
            is_held_noted: false,
            step,
            phase: Phase::Waiting,
            limit: step.timeout,
            deadline: None,
            contents: Contents::default(),
            hooks: None,
            owners: HashSet::new(),
            cancel: Cancel::behind(gate),
            kill_at: None,
            waiting: None,
            leftovers: Vec::new(),
            swept: Vec::new(),
            lingering: None,
            asked_at: None,
            backoff: Backoff::default(),
            unanswered: None,
            asking: false,
            end: None,
        }
    }

    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Waiting | Phase::Ended)
    }

    /// What is to be known of it before helm starts is asked for.
    pub fn is_asked_about(&self) -> bool {
        matches!(self.phase, Phase::Reading | Phase::Noting)
    }

    /// helm is at work on it.
    pub fn is_at_helm(&self) -> bool {
        matches!(self.phase, Phase::Removing | Phase::Forgetting)
    }

    /// How long it has yet.
    pub fn left(&self) -> Duration {
        self.deadline.map_or(self.step.timeout, |end| {
            end.saturating_duration_since(Instant::now())
        })
    }

    pub fn limits(&self) -> Limits {
        Limits {
            cancel: self.cancel.gently.clone(),
            until: self.deadline,
        }
    }

    /// Asks a helm that is at work to end, and gives it a while for that.
    pub fn stop_helm(&mut self) {
        self.cancel.gently.cancel();
        if self.is_at_helm() {
            self.kill_at.get_or_insert(Instant::now() + GRACE);
        }
    }
}
