//! A live tree on a terminal, with the lines of [`super::plain`] above it.

use std::io;
use std::time::Duration;

use crate::event::Event;
use crate::output::{Palette, Size, Stream};

use super::line::{Line, id_width};
use super::narrator::Narrator;
use super::screen::Screen;
use super::{Now, Reporter, summary, tree};

/// The shortest time between two drawings.
const FRAME: Duration = Duration::from_millis(50);

pub struct Tty {
    screen: Screen,
    palette: Palette,
    /// Asked before each drawing.
    size: Box<dyn Fn() -> Size + Send>,
    narrator: Narrator,
    /// Permanent lines that are not written yet.
    lines: Vec<Line>,
    drawn: Option<Duration>,
    error: Option<io::Error>,
}

impl Tty {
    pub fn new(out: Stream, palette: Palette, size: impl Fn() -> Size + Send + 'static) -> Tty {
        Tty {
            screen: Screen::new(out),
            palette,
            size: Box::new(size),
            narrator: Narrator::default(),
            lines: Vec::new(),
            drawn: None,
            error: None,
        }
    }

    fn take_lines(&mut self, columns: usize) -> Vec<String> {
        let width = id_width(self.narrator.state());
        let lines = std::mem::take(&mut self.lines);
        lines
            .iter()
            .flat_map(|line| line.render(width, Some(columns), &self.palette))
            .collect()
    }

    fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }
}

impl Reporter for Tty {
    fn handle(&mut self, event: &Event) {
        self.lines.extend(self.narrator.handle(event));
    }

    fn tick(&mut self, now: Now) {
        self.lines.extend(self.narrator.tick(now.elapsed));
        let recent = |drawn: Duration| now.elapsed.saturating_sub(drawn) < FRAME;
        if self.drawn.is_some_and(recent) {
            return;
        }
        self.drawn = Some(now.elapsed);
        let size = (self.size)();
        let picture = tree::draw(self.narrator.state(), now, size, &self.palette);
        let above = self.take_lines(size.columns);
        let result = self.screen.draw(&above, picture, size.columns);
        self.keep(result);
    }

    fn finish(&mut self) -> io::Result<()> {
        let columns = (self.size)().columns;
        let mut lines = self.take_lines(columns);
        let state = self.narrator.state();
        lines.extend(summary::lines(state, Some(columns), &self.palette));
        let result = self.screen.end(&lines, columns);
        self.keep(result);
        self.error.take().map_or(Ok(()), Err)
    }
}

impl Drop for Tty {
    /// What was told before the run broke off stays readable.
    fn drop(&mut self) {
        if !self.lines.is_empty() {
            let columns = (self.size)().columns;
            let lines = self.take_lines(columns);
            drop(self.screen.end(&lines, columns));
        }
    }
}
