//! The lines of the `logs` command.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::text;
use crate::event::ContainerRole;
use crate::output::{Palette, Stream};

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Source {
    pub release: String,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub role: ContainerRole,
}

/// Writes lines of several containers, each with its source in front, or as one JSON object a line.
pub struct Tail {
    out: Stream,
    palette: Palette,
    json: bool,
    /// Releases in the order in which they first spoke: each keeps its colour.
    releases: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    source: &'a Source,
    at: Timestamp,
    line: &'a str,
}

impl Tail {
    pub fn new(out: Stream, palette: Palette, json: bool) -> Tail {
        Tail {
            out,
            palette,
            json,
            releases: Vec::new(),
        }
    }

    /// # Errors
    /// The stream can't be written to; a reader that went away is no error.
    pub fn write(&mut self, source: &Source, at: Timestamp, line: &str) -> io::Result<()> {
        if self.json {
            serde_json::to_writer(&mut self.out, &Line { source, at, line })?;
            writeln!(self.out)?;
        } else {
            let color = self.color(&source.release);
            let name = format!("{} {} {}", source.release, source.pod, source.container);
            let name = self.palette.release(color, &name);
            let bar = self.palette.dim("|");
            writeln!(self.out, "{name} {bar} {}", text::clean(line))?;
        }
        self.out.flush()
    }

    fn color(&mut self, release: &str) -> usize {
        let known = self.releases.iter().position(|known| known == release);
        known.unwrap_or_else(|| {
            self.releases.push(release.to_owned());
            self.releases.len() - 1
        })
    }
}
