//! Lines for pipes, CI and people without a tree: one for each transition, and a sign of life.

use std::io::{self, Write};
use std::time::Duration;

use crate::event::Event;
use crate::output::{Palette, Stream};
use crate::state::RunState;
use crate::wording;

use super::line::{Line, Subject, Tone, id_width};
use super::narrator::Narrator;
use super::rows::{at_work, lasting};
use super::text::{bounded, told};
use super::{Now, Reporter, summary};

/// Silence that makes people wonder.
const SILENCE: Duration = Duration::from_secs(30);
/// Characters of each reason in a heartbeat.
const REASON_LIMIT: usize = 120;

pub struct Plain {
    out: Stream,
    palette: Palette,
    /// Where sentences are wrapped; nowhere in pipes.
    width: Option<usize>,
    narrator: Narrator,
    /// When the last line was written.
    spoke: Duration,
    error: Option<io::Error>,
}

impl Plain {
    pub fn new(out: Stream, palette: Palette, width: Option<usize>) -> Plain {
        Plain {
            out: out.painted(palette),
            palette,
            width,
            narrator: Narrator::default(),
            spoke: Duration::ZERO,
            error: None,
        }
    }

    fn write(&mut self, lines: &[Line]) {
        let width = id_width(self.narrator.state());
        for line in lines {
            self.spoke = self.spoke.max(line.elapsed);
            for text in line.render(width, self.width, &self.palette) {
                self.put(&text);
            }
        }
    }

    fn put(&mut self, text: &str) {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        if let Err(error) = written {
            self.error.get_or_insert(error);
        }
    }
}

impl Reporter for Plain {
    fn handle(&mut self, event: &Event) {
        let lines = self.narrator.handle(event);
        self.write(&lines);
    }

    fn tick(&mut self, now: Now) {
        let lines = self.narrator.tick(now.elapsed);
        self.write(&lines);
        if now.elapsed.saturating_sub(self.spoke) < SILENCE {
            return;
        }
        self.spoke = now.elapsed;
        if let Some(line) = heartbeat(self.narrator.state(), now) {
            self.write(&[line]);
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        for line in summary::lines(self.narrator.state(), self.width, &self.palette) {
            self.put(&line);
        }
        self.error.take().map_or(Ok(()), Err)
    }
}

/// `still waiting: php-fpm on ... (2m10s), order-food on ... (41s)`; nothing once all is over.
fn heartbeat(state: &RunState, now: Now) -> Option<Line> {
    let run = state.run.as_ref()?;
    let active = state
        .releases
        .iter()
        .filter(|release| release.phase.is_active() || release.waits_for_needs());
    let reasons: Vec<String> = active
        .map(|release| match &release.waiting {
            Some(waiting) => {
                let on = bounded(&told(&waiting.on), REASON_LIMIT);
                format!("{} on {on} ({})", release.id, lasting(waiting, now))
            }
            None => {
                let lasting = release.took(now.elapsed).unwrap_or_default();
                let lasting = wording::duration(lasting);
                format!("{}: {} ({lasting})", release.id, at_work(run.verb))
            }
        })
        .collect();
    if reasons.is_empty() || state.finished.is_some() {
        return None;
    }
    Some(Line {
        elapsed: now.elapsed,
        subject: Subject::Stack(run.stack.to_string()),
        tone: Tone::Faint,
        text: format!("still waiting: {}", reasons.join(", ")),
    })
}
