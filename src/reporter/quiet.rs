//! Nothing while it goes well; what went wrong, at the end.

use std::io::{self, Write};

use crate::event::{Event, Outcome};
use crate::output::{Palette, Stream};
use crate::state::RunState;

use super::{Reporter, summary};

pub struct Quiet {
    out: Stream,
    palette: Palette,
    width: Option<usize>,
    state: RunState,
}

impl Quiet {
    pub fn new(out: Stream, palette: Palette, width: Option<usize>) -> Quiet {
        Quiet {
            out: out.painted(palette),
            palette,
            width,
            state: RunState::default(),
        }
    }
}

impl Reporter for Quiet {
    fn handle(&mut self, event: &Event) {
        self.state.apply(event);
    }

    fn finish(&mut self) -> io::Result<()> {
        let outcome = self.state.finished.as_ref().map(|end| end.outcome);
        if matches!(outcome, Some(Outcome::Ready | Outcome::Removed)) {
            return Ok(());
        }
        for line in summary::lines(&self.state, self.width, &self.palette) {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }
}
