//! Who may work on a stack: what a Lease says, and for how long it has said so, becomes what to do.
//!
//! Plain rules, in the manner of Kubernetes' own leader election (`client-go/tools/leaderelection`):
//! times that others wrote down are shown and never compared with our clock. How long a Lease has
//! not been renewed is measured from the moment when *we* saw its last renewal, on a clock that
//! never goes back. So clocks that differ do no harm.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::event::Holder;
use crate::names::RunId;

/// A Lease that was not renewed for so long is free.
pub const TERM: Duration = Duration::from_secs(15);
/// How often it is renewed.
pub const RENEWAL: Duration = Duration::from_secs(5);
/// A holder that could not renew for so long starts nothing more, well before others may.
pub const CONFIDENCE: Duration = Duration::from_secs(10);

/// A term that another holder has written counts for no longer than this.
pub const LONGEST_TERM: Duration = Duration::from_secs(60);
/// Clocks that have gone so far apart don't measure the same time: one of them was set, or stood still.
const DRIFT: Duration = Duration::from_secs(2);

/// A moment, by all the clocks that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Counts from anywhere and never goes back. It may stand still while the machine is suspended.
    pub steady: Duration,
    /// Counts from anywhere and goes on while the machine is suspended, where the system has such a
    /// clock. It stands still while a virtual machine is paused.
    pub since_boot: Duration,
    /// Goes on by itself, or is set right once the machine is back, and may be set by anybody.
    pub wall: Timestamp,
}

impl Moment {
    /// How long ago it was at least, by clocks that nobody sets.
    pub fn passed(&self, now: &Moment) -> Duration {
        let since_boot = now.since_boot.saturating_sub(self.since_boot);
        now.steady.saturating_sub(self.steady).max(since_boot)
    }

    /// The wall clock has measured another time since than the others.
    fn has_drifted(&self, now: &Moment) -> bool {
        let by_wall = now.wall.duration_since(self.wall);
        let passed = SignedDuration::try_from(self.passed(now)).unwrap_or(SignedDuration::MAX);
        (by_wall - passed).unsigned_abs() >= DRIFT
    }
}

/// A Lease as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// None: it was given back.
    pub holder: Option<Holder>,
    /// When its present holder got it, and last renewed it, by that holder's clock.
    pub acquired: Timestamp,
    pub renewed: Timestamp,
    pub term: Duration,
    /// How often it has changed hands.
    pub transitions: i32,
    /// The run that has asked last to have it: whoever else holds it makes way.
    pub superseded_by: Option<RunId>,
    /// Earlier holders that have not given it back.
    pub unsure: Vec<Holder>,
    /// What a write has to name; of a Lease that is not there yet, empty.
    pub version: String,
}

/// What to do about a Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Take,
    /// To look again after this long at the latest.
    Wait(Duration),
}

/// What an observer remembers of a Lease. Its clock counts from anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// The renewal that was seen last, and when.
    last: Option<(Beat, Duration)>,
}

/// What each renewal changes, and nobody but the holder.
type Beat = (RunId, Timestamp);

impl Watched {
    /// Takes note of a Lease that was read at `now`, and decides. `is_over` says that whoever has it
    /// needs it no longer: its holder is known to be gone, as only its own machine can say.
    pub fn decide(&mut self, lease: &Lease, now: Duration, is_over: bool) -> Decision {
        let holder = lease.holder.as_ref().map(|holder| &holder.run);
        // One that was given back to somebody is left to him for a while.
        let Some(whose) = holder.or(lease.superseded_by.as_ref()) else {
            return Decision::Take;
        };
        let beat = (whose.clone(), lease.renewed);
        let since = match &self.last {
            Some((last, since)) if *last == beat => *since,
            _ => {
                self.last = Some((beat, now));
                now
            }
        };
        let unrenewed = now.saturating_sub(since);
        match lease.term.min(LONGEST_TERM).checked_sub(unrenewed) {
            _ if is_over => Decision::Take,
            None | Some(Duration::ZERO) => Decision::Take,
            Some(left) => Decision::Wait(left),
        }
    }
}

impl Watched {
    /// A renewal was seen at `now`.
    pub fn has_just_renewed(&self, now: Duration) -> bool {
        self.last.as_ref().is_some_and(|(_, since)| *since == now)
    }
}

impl Lease {
    /// What to write to take it, in place of what was read. `is_over` says of a run that nothing of
    /// it is at work any more. `supersedes` says that it was asked for, and makes it the last wish.
    pub fn taken(
        before: Option<&Lease>,
        by: &Holder,
        at: Timestamp,
        is_over: &dyn Fn(&Holder) -> bool,
        supersedes: bool,
    ) -> Lease {
        Lease {
            unsure: before.map_or_else(Vec::new, |lease| lease.not_over(is_over)),
            holder: Some(by.clone()),
            acquired: at,
            renewed: at,
            term: TERM,
            transitions: before.map_or(0, |lease| lease.transitions.saturating_add(1)),
            superseded_by: supersedes.then(|| by.run.clone()),
            version: before.map_or_else(String::new, |lease| lease.version.clone()),
        }
    }

    /// The holders, the last one among them, of which something may still be at work if they are gone.
    pub fn not_over(&self, is_over: &dyn Fn(&Holder) -> bool) -> Vec<Holder> {
        let all = self.unsure.iter().chain(&self.holder);
        all.filter(|it| !is_over(it)).cloned().collect()
    }

    /// What to write to keep it.
    pub fn renewed(&self, by: &Holder, at: Timestamp) -> Lease {
        Lease {
            holder: Some(by.clone()),
            renewed: at,
            ..self.clone()
        }
    }

    /// What to write to give it back, to whoever has asked for it.
    pub fn given_back(&self, at: Timestamp) -> Lease {
        let own = self.holder.as_ref().map(|holder| &holder.run);
        let next = self
            .superseded_by
            .as_ref()
            .filter(|next| Some(*next) != own);
        Lease {
            holder: None,
            renewed: at,
            superseded_by: next.cloned(),
            ..self.clone()
        }
    }

    pub fn is_held_by(&self, who: &Holder) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.is(who))
    }
}

/// Whether a holder may still start things: it renewed at `renewed` at the latest, the moment before
/// the request and not that of the answer. Where the clocks don't agree on how long ago that was, it
/// has to renew first.
pub fn is_sure(renewed: &Moment, now: &Moment) -> bool {
    renewed.passed(now) < CONFIDENCE && !renewed.has_drifted(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steady: u64, since_boot: u64, wall: i64) -> Moment {
        Moment {
            steady: Duration::from_secs(steady),
            since_boot: Duration::from_secs(since_boot),
            wall: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(wall),
        }
    }

    #[test]
    fn a_holder_is_sure_while_its_clocks_agree_that_it_is_early() {
        for (steady, since_boot, wall, sure, when) in [
            (0, 0, 0, true, "at once"),
            (9, 9, 9, true, "in time"),
            (9, 9, 10, true, "clocks that tick"),
            (10, 10, 10, false, "late"),
            (1, 31, 31, false, "the machine was suspended"),
            (
                1,
                1,
                31,
                false,
                "a virtual machine was paused, and its clock set right",
            ),
            (31, 31, 1, false, "the wall clock was set back"),
            (1, 1, -3600, false, "the wall clock was set back, an hour"),
        ] {
            let now = after(steady, since_boot, wall);
            assert_eq!(is_sure(&after(0, 0, 0), &now), sure, "{when}");
        }
    }
}
