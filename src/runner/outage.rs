//! What can't be seen for now, and how long that is borne.

use std::time::Duration;

use tokio::time::Instant;

use super::emitter::Emitter;
use super::ports::ObserveError;
use crate::event::EventKind;
use crate::snapshot::Observation;
use crate::wording;

/// How long a run goes on without an API server. A restart of one takes a minute at most.
const LONGEST: Duration = Duration::from_secs(120);

/// Whether the API server answers.
#[derive(Debug, Default)]
pub struct Outage {
    since: Option<(Instant, String)>,
}

impl Outage {
    /// Says what the watches say of themselves. Returns whether that is all there is to it: such
    /// an observation is none of the cluster's objects.
    pub fn tell(&mut self, seen: &Observation, emitter: &mut Emitter) -> bool {
        let message = match seen {
            Observation::Seen(_)
            | Observation::Gone(_)
            | Observation::Hidden(_)
            | Observation::Visible(_)
            | Observation::Absent(_) => return false,
            Observation::Interrupted { what, why } => format!("can't watch {what}: {why}"),
            Observation::Resumed { what } => format!("watching {what} again"),
            Observation::Unreachable { since, why } => {
                let now = Instant::now();
                self.since = Some((now.checked_sub(*since).unwrap_or(now), why.clone()));
                let since = wording::duration(*since);
                format!("the API server does not answer (since {since}): {why}")
            }
            Observation::Reachable => {
                self.since = None;
                "the API server answers again".to_owned()
            }
        };
        emitter.emit(EventKind::Warning {
            release: None,
            message,
        });
        true
    }

    pub fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// When it will have lasted too long.
    pub fn end(&self) -> Option<Instant> {
        self.since.as_ref().map(|(since, _)| *since + LONGEST)
    }

    /// The end of a run that has been blind for too long.
    pub fn too_long(&self, now: Instant) -> Option<ObserveError> {
        let (since, why) = self.since.as_ref()?;
        let lasted = now.saturating_duration_since(*since);
        let time = wording::duration(lasted);
        let text = format!("the API server has not answered for {time}: {why}");
        (lasted >= LONGEST).then_some(ObserveError::Unreachable(text))
    }
}
