//! Owns everything that is shown of a run: events in, bytes out. Knows the events and the state
//! folded from them, never who makes them; has no clock of its own and no async.

pub mod cause;
pub mod container;
pub mod evidence;
pub mod history;
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
pub mod tail;
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
