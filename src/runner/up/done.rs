//! What comes back from the side, and what follows from it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Up, unchanged};
use crate::event::EventKind;
use crate::runner::ports::{DeployError, Ensured, ObserveError, Refusal};
use crate::runner::tracked::{LeftBehind, Phase};
use crate::snapshot::{Contents, Lingering, ObjectRef, Observation, Record};

/// What comes back; the first number is the release's position in the plan.
pub(super) enum Done {
    /// What needs no helm is known.
    Surveyed(Result<unchanged::Found, ObserveError>),
    /// How the namespace stands that it goes to.
    Ensured(usize, Result<Ensured, ObserveError>),
    /// What an earlier run has left.
    LeftBehind(usize, Result<LeftBehind, ObserveError>),
    /// A revision that was pending is so no more.
    Closed(usize, Result<Record, ObserveError>),
    TakenAway(usize, Result<(), DeployError>),
    /// Objects of its last revision that are being deleted.
    StillGoing(usize, Result<Vec<Lingering>, ObserveError>),
    /// The record of a helm that returned well is closed.
    Recorded(usize, Result<Option<Record>, ObserveError>),
    /// The API server answers again, and tells what helm has done.
    Answered(usize, Result<Vec<Record>, ObserveError>),
    /// A command before helm has ended well.
    Prepared(usize),
    Deployed(usize, Result<(), DeployError>),
    /// helm has ended badly, and may have left the revision pending that it was to make.
    HelmFailed(usize, u32, DeployError),
    Contents(usize, Result<Contents, ObserveError>),
    /// All that the release brings is watched, as far as it can be by now.
    Watched(usize, Result<(), ObserveError>),
    LookedAt(usize, Result<Vec<Observation>, ObserveError>),
    /// What is there of objects that have become hooks.
    HooksLookedFor(usize, Result<Vec<ObjectRef>, ObserveError>),
    /// A command after it has ended.
    Concluded(usize, Result<(), DeployError>),
    Marked(usize, Result<(), ObserveError>),
    /// A pod that stood in the way is gone.
    Unstuck(usize, Result<(), ObserveError>),
}

impl Done {
    /// The release that it is about.
    fn release(&self) -> Option<usize> {
        match *self {
            Done::Surveyed(_) => None,
            Done::Ensured(at, _)
            | Done::LeftBehind(at, _)
            | Done::Closed(at, _)
            | Done::TakenAway(at, _)
            | Done::StillGoing(at, _)
            | Done::Answered(at, _)
            | Done::Recorded(at, _)
            | Done::Prepared(at)
            | Done::Deployed(at, _)
            | Done::HelmFailed(at, ..)
            | Done::Concluded(at, _)
            | Done::Contents(at, _)
            | Done::Watched(at, _)
            | Done::LookedAt(at, _)
            | Done::HooksLookedFor(at, _)
            | Done::Marked(at, _)
            | Done::Unstuck(at, _) => Some(at),
        }
    }
}

impl Up<'_> {
    pub(super) fn done(&mut self, done: Done) {
        if let Done::Deployed(at, _) | Done::Concluded(at, _) = done {
            self.helm_ended(at);
        }
        self.unjudged.extend(done.release());
        match done {
            Done::Surveyed(found) => self.surveyed(found),
            Done::Ensured(at, _)
            | Done::LeftBehind(at, _)
            | Done::Closed(at, _)
            | Done::TakenAway(at, _)
            | Done::StillGoing(at, _)
            | Done::Answered(at, _)
            | Done::Prepared(at)
                if !self.may_go_on(at) =>
            {
                self.helm_ended(at);
                self.not_deployed(at, DeployError::Cancelled);
            }
            Done::Ensured(at, ensured) => self.ensured(at, ensured),
            Done::LeftBehind(at, left) => self.left_behind(at, left),
            Done::Closed(at, record) => self.closed(at, record),
            Done::TakenAway(at, removed) => self.taken_away(at, removed),
            Done::StillGoing(at, going) => self.still_going(at, going),
            Done::Answered(at, revisions) => self.answered(at, revisions),
            Done::Prepared(at) => self.prepared(at),
            Done::Concluded(at, ended) => self.concluded(at, ended),
            Done::Deployed(at, Ok(())) if self.cancelled.is_some() => {
                if self.releases[at].phase == Phase::Deploying {
                    self.end(at, |release| EventKind::ReleaseCancelled { release });
                }
            }
            Done::Deployed(at, Ok(())) => self.helm_returned(at),
            Done::Recorded(at, _) if self.releases[at].phase != Phase::Deploying => {}
            Done::Recorded(at, record) => self.recorded(at, record),
            Done::Deployed(at, Err(error)) => self.not_deployed(at, error),
            Done::HelmFailed(at, revision, error) => self.close_own(at, revision, error),
            Done::Contents(at, Ok(contents)) => self.learn(at, contents),
            Done::Contents(at, Err(error)) => self.refused(
                at,
                Refusal::unclear(format!("helm's record of it can't be read: {error}")),
            ),
            Done::LookedAt(at, Ok(seen)) => {
                for answer in &seen {
                    self.world.apply_answer(answer);
                }
                let release = &mut self.releases[at];
                release.looked_at = true;
                release.looking.reset();
                release.unseen = None;
                if release.phase == Phase::Converging {
                    self.read_unwatched(at);
                }
            }
            Done::LookedAt(at, Err(error)) => {
                let release = &mut self.releases[at];
                if release.phase == Phase::Converging {
                    let is_first = !release.looking.is_failing();
                    let pause = release.looking.after(&error);
                    // What ends a question at the deadline says less than the answer before it.
                    let is_over = release.deadline.is_some_and(|end| end <= Instant::now());
                    if !is_over || release.unseen.is_none() {
                        release.unseen = Some(error.to_string());
                    }
                    // That the API server does not answer is said by whoever watches it.
                    if is_first && error.passes().is_none() {
                        self.warn(at, format!("its objects can't be read: {error}"));
                    }
                    self.look(at, pause);
                }
            }
            // What a helm of this run has made is looked at once it has returned.
            Done::Watched(at, watched) => {
                let release = &self.releases[at];
                let is_settled = release.settled.is_some();
                if let Err(error) = watched
                    && error.passes().is_none()
                    && release.is_active()
                {
                    self.warn(at, format!("not all of it can be watched: {error}"));
                }
                if is_settled {
                    self.look(at, Duration::ZERO);
                }
            }
            Done::HooksLookedFor(at, Ok(gone)) => self.tell_lost_hooks(at, gone),
            // It tells more, and nothing waits for it.
            Done::HooksLookedFor(_, Err(_)) => {}
            Done::Marked(_, Ok(())) | Done::Unstuck(_, Ok(())) => {}
            Done::Unstuck(at, Err(error)) => {
                self.warn(at, format!("its pod can't be deleted: {error}"));
            }
            Done::Marked(at, Err(error)) => {
                self.warn(at, format!("its record can't be marked: {error}"));
            }
        }
    }

    /// A place among the helms is free again.
    pub(super) fn helm_ended(&mut self, at: usize) {
        self.helms -= 1;
        self.releases[at].helm_works = false;
        self.releases[at].kill_at = None;
    }
}
