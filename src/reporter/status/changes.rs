//! What has changed since the last look, a line for each release: `--watch` where there is no
//! terminal to draw on.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Condition, Overview, StackStatus, StatusRow};
use crate::output::Palette;
use crate::reporter::line::{Line, Subject, Tone};
use crate::reporter::text::told;

/// Remembers what was told.
#[derive(Debug, Default)]
pub struct Changes {
    told: HashMap<(usize, usize), StatusRow>,
}

/// A release that has changed, `-o json` writes it on one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change<'a> {
    pub at: Timestamp,
    pub stack: &'a str,
    pub namespace: &'a str,
    pub context: &'a str,
    pub release: &'a StatusRow,
}

impl Changes {
    /// Every release of which something is new, all of them at first, as lines for people. What
    /// they wouldn't be told makes no line.
    pub fn lines(
        &mut self,
        overview: &Overview,
        elapsed: Duration,
        palette: &Palette,
    ) -> Vec<String> {
        let many = overview.stacks.len() > 1;
        let name = |stack: &StackStatus, row: &StatusRow| match many {
            true => format!("{}/{}", stack.stack, row.release),
            false => row.release.to_string(),
        };
        let rows = overview.stacks.iter();
        let rows = rows.flat_map(|stack| stack.releases.iter().map(move |row| (stack, row)));
        let widest = rows.map(|(stack, row)| name(stack, row).len()).max();
        let mut lines = Vec::new();
        for (place, stack, row) in self.take(overview, |old, new| text(old) == text(new)) {
            let line = Line {
                elapsed,
                subject: Subject::Release(place, name(stack, row)),
                tone: tone(row.state),
                text: text(row),
            };
            lines.extend(line.render(widest.unwrap_or(0), None, palette));
        }
        lines
    }

    /// Every release of which something is new, all of them at first.
    pub fn rows<'a>(&mut self, overview: &'a Overview, at: Timestamp) -> Vec<Change<'a>> {
        let changed = self.take(overview, |old, new| old == new);
        changed
            .into_iter()
            .map(|(_, stack, row)| Change {
                at,
                stack: stack.stack.as_str(),
                namespace: stack.namespace.as_str(),
                context: &stack.context,
                release: row,
            })
            .collect()
    }

    fn take<'a>(
        &mut self,
        overview: &'a Overview,
        same: impl Fn(&StatusRow, &StatusRow) -> bool,
    ) -> Vec<(usize, &'a StackStatus, &'a StatusRow)> {
        let mut changed = Vec::new();
        let mut place = 0;
        for (number, stack) in overview.stacks.iter().enumerate() {
            for (at, row) in stack.releases.iter().enumerate() {
                let told = self.told.get(&(number, at));
                if told.is_none_or(|told| !same(told, row)) {
                    self.told.insert((number, at), row.clone());
                    changed.push((place, stack, row));
                }
                place += 1;
            }
        }
        changed
    }
}

/// `failed 0/2: the init container ...`.
fn text(row: &StatusRow) -> String {
    let mut text = row.state.as_str().to_owned();
    if let Some(ready) = row.ready {
        text.push_str(&format!(" {}/{}", ready.done, ready.all));
    }
    if let Some(reason) = &row.reason {
        text.push_str(&format!(": {}", told(reason)));
    }
    text
}

fn tone(state: Condition) -> Tone {
    match state {
        Condition::Ready => Tone::Good,
        Condition::Failed => Tone::Bad,
        Condition::Unknown => Tone::Warn,
        Condition::Progressing | Condition::Pending | Condition::Missing | Condition::Orphaned => {
            Tone::Plain
        }
    }
}
