//! Events as permanent lines for people: one for each transition, never the same twice in a row.

use std::time::Duration;

use crate::output::Palette;
use crate::state::RunState;
use crate::wording;

use super::text::{fit, wrap};

/// The longest id that the others are aligned to; longer ones stand out.
const ID_LIMIT: usize = 24;
/// Columns for the time since the start: `  12.3s`, `  3m12s`.
const STAMP: usize = 7;
/// Columns below which wrapping helps nobody.
const NARROWEST: usize = 20;

/// One permanent line, not yet coloured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub elapsed: Duration,
    /// Whom it speaks of: a release's place in the plan and id, or the stack.
    pub subject: Subject,
    pub tone: Tone,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Release(usize, String),
    Stack(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
    Warn,
    Faint,
    /// What a container said.
    Log,
}

/// Columns that ids take in this run.
pub fn id_width(state: &RunState) -> usize {
    let ids = state.releases.iter().map(|release| release.id.as_str());
    let stack = state.run.iter().map(|run| run.stack.as_str());
    let widths = ids.chain(stack).map(str::len);
    widths.filter(|width| *width <= ID_LIMIT).max().unwrap_or(0)
}

impl Line {
    /// With its stamp and prefix, `  12.3s  php-fpm      started`. Sentences are wrapped at
    /// `width` and indented; logs are left to the terminal, so that they can be copied.
    pub fn render(&self, id_width: usize, width: Option<usize>, palette: &Palette) -> Vec<String> {
        let (id, subject) = match &self.subject {
            Subject::Release(position, id) => {
                let id = format!("{id:<id_width$}");
                (id.len(), palette.release(*position, &id))
            }
            Subject::Stack(stack) => {
                let stack = format!("{stack:<id_width$}");
                (stack.len(), palette.bold(&stack))
            }
        };
        let indent = STAMP + 2 + id + 2;
        let room = width.map(|width| width.saturating_sub(indent));
        let texts = match room {
            Some(room) if room >= NARROWEST && self.tone != Tone::Log => wrap(&self.text, room),
            _ => vec![self.text.clone()],
        };
        let paint = |text: &String| match self.tone {
            Tone::Plain => text.clone(),
            Tone::Good => palette.good(text),
            Tone::Bad => palette.bad(text),
            Tone::Warn => palette.warn(text),
            Tone::Faint | Tone::Log => palette.dim(text),
        };
        let stamp = palette.dim(&stamp(self.elapsed));
        let lines = texts.iter().enumerate().map(|(place, text)| match place {
            0 => format!("{stamp}  {subject}  {}", paint(text)),
            _ => format!("{:indent$}{}", "", paint(text)),
        });
        lines.collect()
    }
}

fn stamp(elapsed: Duration) -> String {
    let text = if elapsed < Duration::from_secs(60) {
        let tenths = elapsed.as_millis() / 100;
        format!("{}.{}s", tenths / 10, tenths % 10)
    } else {
        wording::duration(elapsed)
    };
    format!("{text:>STAMP$}")
}

/// An id in the column of ids: padded, and cut where the room is scarce.
pub fn id_column(id: &str, width: usize, palette: &Palette) -> String {
    format!("{:<width$}", fit(id, width, palette))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_keep_their_width() {
        assert_eq!(stamp(Duration::from_millis(349)), "   0.3s");
        assert_eq!(stamp(Duration::from_millis(59_999)), "  59.9s");
        assert_eq!(stamp(Duration::from_secs(60)), "  1m00s");
    }
}
