//! What comes back from the side, and what follows from it.

use super::{Up, unchanged};
use crate::event::EventKind;
use crate::runner::asking::PAUSE;
use crate::runner::ports::{DeployError, ObserveError, Refusal};
use crate::runner::tracked::Phase;
use crate::snapshot::{Contents, Observation, Record};

/// What comes back; the first number is the release's position in the plan.
pub(super) enum Done {
    /// What needs no helm is known.
    Surveyed(Result<unchanged::Found, ObserveError>),
    /// What an earlier run has left, and its first install.
    LeftBehind(
        usize,
        Result<Contents, ObserveError>,
        Result<Contents, ObserveError>,
    ),
    /// A revision that was pending is so no more.
    Closed(usize, Result<Record, ObserveError>),
    TakenAway(usize, Result<(), DeployError>),
    /// The record of a helm that returned well is closed.
    Recorded(usize, Result<Option<Record>, ObserveError>),
    /// The API server answers again, and tells what helm has done.
    Answered(usize, Result<Vec<Record>, ObserveError>),
    /// A command before helm has ended well.
    Prepared(usize),
    Deployed(usize, Result<(), DeployError>),
    Contents(usize, Result<Contents, ObserveError>),
    /// All that the release brings is watched, as far as it can be by now.
    Watched(usize),
    LookedAt(usize, Result<Vec<Observation>, ObserveError>),
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
            Done::LeftBehind(at, ..)
            | Done::Closed(at, _)
            | Done::TakenAway(at, _)
            | Done::Answered(at, _)
            | Done::Recorded(at, _)
            | Done::Prepared(at)
            | Done::Deployed(at, _)
            | Done::Concluded(at, _)
            | Done::Contents(at, _)
            | Done::Watched(at)
            | Done::LookedAt(at, _)
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
            Done::LeftBehind(at, ..)
            | Done::Closed(at, _)
            | Done::TakenAway(at, _)
            | Done::Answered(at, _)
            | Done::Prepared(at)
                if !self.may_go_on(at) =>
            {
                self.helm_ended(at);
                self.not_deployed(at, DeployError::Cancelled);
            }
            Done::LeftBehind(at, last, first) => self.left_behind(at, last, first),
            Done::Closed(at, record) => self.closed(at, record),
            Done::TakenAway(at, removed) => self.taken_away(at, removed),
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
            Done::Contents(at, Ok(contents)) => self.learn(at, contents),
            Done::Contents(at, Err(error)) => self.refused(
                at,
                Refusal::unclear(format!("helm's record of it can't be read: {error}")),
            ),
            Done::LookedAt(at, Ok(seen)) => {
                for answer in &seen {
                    self.world.apply_answer(answer);
                }
                self.releases[at].looked_at = true;
            }
            Done::LookedAt(at, Err(error)) => {
                if self.releases[at].phase == Phase::Converging {
                    // That the API server does not answer is said by whoever watches it.
                    if !matches!(error, ObserveError::Unreachable(_)) {
                        self.warn(at, format!("its objects can't be read: {error}"));
                    }
                    self.look(at, PAUSE);
                }
            }
            // What a helm of this run has made is looked at one by one.
            Done::Watched(at) => {
                let release = &mut self.releases[at];
                release.looked_at |= release.settled.is_some();
            }
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
