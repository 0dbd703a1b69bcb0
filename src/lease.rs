//! Who may work on a stack: what a Lease says, and for how long it has said so, becomes what to do.
//!
//! Plain rules, in the manner of Kubernetes' own leader election (`client-go/tools/leaderelection`):
//! times that others wrote down are shown and never compared with our clock. How long a Lease has
//! not been renewed is measured from the moment when *we* saw its last renewal, on a clock that
//! never goes back. So clocks that differ do no harm.

use std::time::Duration;

use jiff::Timestamp;

use crate::event::Holder;
use crate::names::RunId;

/// A Lease that was not renewed for so long is free.
pub const TERM: Duration = Duration::from_secs(15);
/// How often it is renewed.
pub const RENEWAL: Duration = Duration::from_secs(5);
/// A holder that could not renew for so long starts nothing more, well before others may.
pub const CONFIDENCE: Duration = Duration::from_secs(10);

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
    /// The run that asks the holder to make way.
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
type Beat = (Option<RunId>, Timestamp);

impl Watched {
    /// Takes note of a Lease that was read at `now`, and decides. `is_over` says that its holder is
    /// known to be no more, as only its own machine can.
    pub fn decide(&mut self, lease: &Lease, now: Duration, is_over: bool) -> Decision {
        let Some(holder) = &lease.holder else {
            return Decision::Take;
        };
        let beat = (Some(holder.run.clone()), lease.renewed);
        let since = match &self.last {
            Some((last, since)) if *last == beat => *since,
            _ => {
                self.last = Some((beat, now));
                now
            }
        };
        let unrenewed = now.saturating_sub(since);
        match lease.term.checked_sub(unrenewed) {
            _ if is_over => Decision::Take,
            None | Some(Duration::ZERO) => Decision::Take,
            Some(left) => Decision::Wait(left),
        }
    }
}

impl Lease {
    /// What to write to take it, in place of what was read. `is_over` says of a run that nothing of
    /// it is at work any more.
    pub fn taken(
        before: Option<&Lease>,
        by: &Holder,
        at: Timestamp,
        is_over: &dyn Fn(&Holder) -> bool,
    ) -> Lease {
        let known = before.map_or(&[][..], |lease| &lease.unsure);
        let last = before.and_then(|lease| lease.holder.as_ref());
        let unsure = known.iter().chain(last).filter(|it| !is_over(it));
        Lease {
            unsure: unsure.cloned().collect(),
            holder: Some(by.clone()),
            acquired: at,
            renewed: at,
            term: TERM,
            transitions: before.map_or(0, |lease| lease.transitions.saturating_add(1)),
            superseded_by: None,
            version: before.map_or_else(String::new, |lease| lease.version.clone()),
        }
    }

    /// What to write to keep it.
    pub fn renewed(&self, by: &Holder, at: Timestamp) -> Lease {
        Lease {
            holder: Some(by.clone()),
            renewed: at,
            ..self.clone()
        }
    }

    /// What to write to give it back.
    pub fn given_back(&self, at: Timestamp) -> Lease {
        Lease {
            holder: None,
            renewed: at,
            superseded_by: None,
            ..self.clone()
        }
    }

    pub fn is_held_by(&self, who: &Holder) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.is(who))
    }
}

/// Whether a holder may still start things: it renewed at `renewed`, by its own clock, at the
/// latest. The moment before the request counts, not that of the answer.
pub fn is_sure(renewed: Duration, now: Duration) -> bool {
    now.saturating_sub(renewed) < CONFIDENCE
}
