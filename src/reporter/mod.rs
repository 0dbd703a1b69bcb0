//! Owns everything that is shown of a run: events in, bytes out. Knows the events and the state
//! folded from them, never who makes them; has no clock of its own and no async.

pub mod container;
pub mod evidence;
pub mod json;
pub mod levels;
pub mod line;
pub mod logs;
pub mod narrator;
pub mod plain;
pub mod quiet;
pub mod rows;
pub mod screen;
pub mod sentence;
pub mod status;
pub mod summary;
pub mod text;
pub mod tree;
pub mod tty;

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::event::Event;
use crate::output::{ColorChoice, Environment, Mode, Size, Stream};

/// The present: since the start by the clock that never goes back, and on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub elapsed: Duration,
    pub at: Timestamp,
}

/// A reader of the event stream.
pub trait Reporter: Send {
    fn handle(&mut self, event: &Event);

    /// Called about ten times a second, whether or not something happened.
    fn tick(&mut self, _now: Now) {}

    /// Called once, after the last event. Returns the first error in writing, if there was one;
    /// a reader that went away is none.
    fn finish(&mut self) -> io::Result<()>;
}

/// What people asked to see, on this process's own streams.
pub fn for_mode(mode: Mode, environment: &Environment, color: ColorChoice) -> Box<dyn Reporter> {
    let palette = environment.stderr_palette(color);
    let width = environment.stderr_width();
    match mode {
        Mode::Tty => Box::new(tty::Tty::new(Stream::stderr(), palette, Size::of_stderr)),
        Mode::Plain => Box::new(plain::Plain::new(Stream::stderr(), palette, width)),
        Mode::Json => Box::new(json::Json::new(Stream::stdout())),
        Mode::Quiet => Box::new(quiet::Quiet::new(Stream::stderr(), palette, width)),
    }
}

/// Several reporters as one.
#[derive(Default)]
pub struct Fanout {
    reporters: Vec<Box<dyn Reporter>>,
}

impl Fanout {
    pub fn push(&mut self, reporter: Box<dyn Reporter>) {
        self.reporters.push(reporter);
    }
}

impl Reporter for Fanout {
    fn handle(&mut self, event: &Event) {
        for reporter in &mut self.reporters {
            reporter.handle(event);
        }
    }

    fn tick(&mut self, now: Now) {
        for reporter in &mut self.reporters {
            reporter.tick(now);
        }
    }

    /// Ends all of them, also after one has failed.
    fn finish(&mut self) -> io::Result<()> {
        let mut results = self.reporters.iter_mut().map(|reporter| reporter.finish());
        let first = results.by_ref().find(Result::is_err);
        results.for_each(drop);
        first.unwrap_or(Ok(()))
    }
}
