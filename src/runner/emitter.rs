use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::event::{Counts, Event, EventKind, Outcome, Verb};
use crate::memory::ReleaseEnd;
use crate::names::ReleaseId;

/// Stamps and sends the events of a run, and keeps its promise that what was opened is closed:
/// dropped half-way, by a panic too, it cancels what is still open and ends the run that has begun.
#[derive(Debug)]
pub struct Emitter {
    sink: UnboundedSender<Event>,
    started: Instant,
    started_at: Timestamp,
    seq: u64,
    /// None for a release that is open.
    ends: BTreeMap<ReleaseId, Option<ReleaseEnd>>,
    started_run: bool,
    finished: bool,
    progress: watch::Sender<Progress>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub done: u32,
    pub of: u32,
    pub goes_down: bool,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.goes_down {
            true => "removed",
            false => "ready",
        };
        write!(f, "{} of {} {what}", self.done, self.of)
    }
}

impl Emitter {
    /// `started_at` is the wall clock now; later times are this plus what the steady clock says.
    pub fn new(sink: UnboundedSender<Event>, started_at: Timestamp) -> Emitter {
        Emitter {
            sink,
            started: Instant::now(),
            started_at,
            seq: 0,
            ends: BTreeMap::new(),
            started_run: false,
            finished: false,
            progress: watch::Sender::default(),
        }
    }

    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub fn emit(&mut self, kind: EventKind) {
        self.keep(&kind);
        self.seq += 1;
        let elapsed = self.started.elapsed();
        // Nobody listens any more: the program is on its way out.
        let _ = self.sink.send(Event {
            kind,
            seq: self.seq,
            at: self.at(elapsed),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        });
    }

    /// Ends the run. Whatever is still open is cancelled first.
    pub fn finish(&mut self, outcome: Outcome) {
        let ends = self.ends.iter();
        let open: Vec<ReleaseId> = ends
            .filter(|(_, end)| end.is_none())
            .map(|(release, _)| release.clone())
            .collect();
        for release in open {
            self.emit(EventKind::ReleaseCancelled { release });
        }
        self.finished = true;
        let counts = self.counts();
        self.emit(EventKind::RunFinished { outcome, counts });
    }

    fn at(&self, elapsed: Duration) -> Timestamp {
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        self.started_at
            .checked_add(elapsed)
            .unwrap_or(Timestamp::MAX)
    }

    fn keep(&mut self, kind: &EventKind) {
        match kind {
            EventKind::RunStarted { releases, verb, .. } => {
                self.started_run = true;
                self.ends = releases.iter().map(|it| (it.id.clone(), None)).collect();
                let of = u32::try_from(releases.len()).unwrap_or(u32::MAX);
                self.progress.send_modify(|it| {
                    it.of = of;
                    it.goes_down = *verb == Verb::Down;
                });
            }
            // What had ended may be opened once more.
            EventKind::ReleaseDegraded { release, .. }
            | EventKind::ReleaseRollingBack { release, .. } => {
                self.ends.insert(release.clone(), None);
            }
            _ => {
                let (Some(end), Some(release)) = (ReleaseEnd::of(kind, true), kind.release())
                else {
                    return;
                };
                self.ends.insert(release.clone(), Some(end));
            }
        }
        let counts = self.counts();
        self.progress.send_modify(|it| {
            // What an `up` removes beside is none of what is to be ready.
            it.done = match it.goes_down {
                true => counts.removed,
                false => counts.ready,
            };
        });
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for end in self.ends.values().flatten() {
            let count = match end {
                ReleaseEnd::Ready | ReleaseEnd::Unchanged => &mut counts.ready,
                ReleaseEnd::Removed => &mut counts.removed,
                ReleaseEnd::Failed => &mut counts.failed,
                ReleaseEnd::Blocked => &mut counts.blocked,
                ReleaseEnd::Cancelled | ReleaseEnd::NotStarted => &mut counts.cancelled,
            };
            *count += 1;
        }
        counts
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        if self.started_run && !self.finished {
            self.finish(Outcome::Failed);
        }
    }
}
