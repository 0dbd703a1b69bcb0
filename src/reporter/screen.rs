//! A region at the bottom of a terminal that is drawn again and again, with permanent lines
//! above it.
//!
//! Written by hand because `indicatif` fills its rows with blanks instead of ending them: a
//! terminal takes such rows for one long line, and a resize or a copy from the scrollback tears
//! them to pieces. Here every row ends with a newline, a drawing is one write, and the cursor is
//! visible whenever we are not writing, so that a kill leaves nothing to repair.

use std::io::{self, Write as _};

use console::{measure_text_width, truncate_str};

use crate::output::{Content, Edge, Stream};

/// Synchronized output, where the terminal knows it, and a cursor that doesn't jump about.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[?25h\x1b[?2026l";
/// From the cursor to the end of the screen, and of the line.
const ERASE_BELOW: &str = "\x1b[J";
const ERASE_LINE: &str = "\x1b[K";

pub struct Screen {
    out: Stream,
    drawn: Vec<String>,
    columns: usize,
}

impl Screen {
    pub fn new(out: Stream) -> Screen {
        Screen {
            out,
            drawn: Vec::new(),
            columns: 0,
        }
    }

    /// Leaves `above` in the scrollback and the picture below it, in place of the last one.
    /// Writes nothing if nothing is new. No line of the picture may be wider than `columns`.
    pub fn draw(
        &mut self,
        above: &[String],
        picture: Vec<String>,
        columns: usize,
    ) -> io::Result<()> {
        if above.is_empty() && picture == self.drawn && columns == self.columns {
            return Ok(());
        }
        // Before the codes that move the cursor, which nothing foreign may hold.
        let mut edge = Edge::new(Content::Text { colors: true });
        let mut line = |text: &str| edge.pass(&format!("{text}\n"));
        let mut bytes = String::from(BEGIN);
        bytes.push_str(&self.to_top(columns));
        // Erasing first is plain and right; overwriting in place flickers less. The second is
        // possible only where every row begins where one began before.
        let in_place = above.is_empty() && columns == self.columns;
        if !in_place {
            bytes.push_str(ERASE_BELOW);
        }
        above.iter().for_each(|text| bytes.push_str(&line(text)));
        for text in &picture {
            // Before the text: after a full row it would eat the last character.
            bytes.push_str(ERASE_LINE);
            bytes.push_str(&truncate_str(
                line(text).trim_end_matches('\n'),
                columns,
                "",
            ));
            bytes.push('\n');
        }
        bytes.push_str(ERASE_BELOW);
        bytes.push_str(END);
        self.drawn = picture;
        self.columns = columns;
        self.out.verbatim(&bytes)?;
        self.out.flush()
    }

    /// Takes the picture away for good; `below` stands in its place.
    pub fn end(&mut self, below: &[String], columns: usize) -> io::Result<()> {
        self.draw(below, Vec::new(), columns)
    }

    /// Moves to where the picture begins, as it stands now that the terminal is so wide.
    fn to_top(&self, columns: usize) -> String {
        let rows: usize = self
            .drawn
            .iter()
            .map(|line| measure_text_width(line).div_ceil(columns.max(1)).max(1))
            .sum();
        match rows {
            0 => String::new(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

impl Drop for Screen {
    /// A picture that is still there when the run breaks off is taken away.
    fn drop(&mut self) {
        if !self.drawn.is_empty() {
            let columns = self.columns;
            drop(self.end(&[], columns));
        }
    }
}
