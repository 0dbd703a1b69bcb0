//! The events themselves, one a line, in the wire format.

use std::io::{self, Write};

use crate::event::Event;
use crate::output::{self, Content, Stream};

use super::Reporter;

/// Stops at the first error; [`Reporter::finish`] tells it.
pub struct Json {
    out: Stream,
    error: Option<io::Error>,
}

impl Json {
    pub fn new(out: Stream) -> Json {
        Json {
            out: out.of(Content::Json),
            error: None,
        }
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        writeln!(self.out, "{}", output::json(event)?)?;
        self.out.flush()
    }
}

impl Reporter for Json {
    fn handle(&mut self, event: &Event) {
        if self.error.is_none() {
            self.error = self.write(event).err();
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }
}
