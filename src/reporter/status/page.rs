//! The whole page: for each stack a header, the table, and below it why what is not ready is not.

use std::time::Duration;

use jiff::Timestamp;

use super::table::{Table, table};
use super::{Condition, Overview, StackStatus, StatusRow};
use crate::output::Palette;
use crate::reporter::cause::{self, Place};
use crate::reporter::rows::Marks;
use crate::reporter::text::{clean, fit, told};

/// What is told of trouble below the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// With the way down to the cause, its proof and further commands.
    Proof,
    /// The sentence and what to do about it.
    Hints,
    /// The sentence.
    Told,
    /// The sentence, as much of it as a line takes.
    Sentence,
}

/// The stacks one after the other. Tables are cut at `width` and sentences wrapped; without one,
/// in a pipe, nothing is. Lines of logs are never cut.
pub fn lines(
    overview: &Overview,
    now: Timestamp,
    width: Option<usize>,
    palette: &Palette,
) -> Vec<String> {
    let mut lines = Vec::new();
    for stack in &overview.stacks {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let part = Part::new(stack, now, width, palette);
        lines.push(part.header.clone());
        lines.extend(part.table());
        lines.extend(part.troubles(Depth::Proof));
    }
    lines
}

/// What is shown of one stack.
pub(super) struct Part<'a> {
    pub stack: &'a StackStatus,
    pub header: String,
    pub table: Table,
    width: Option<usize>,
    palette: &'a Palette,
    marks: Marks,
}

impl<'a> Part<'a> {
    pub fn new(
        stack: &'a StackStatus,
        now: Timestamp,
        width: Option<usize>,
        palette: &'a Palette,
    ) -> Part<'a> {
        let header = header(stack, palette);
        Part {
            stack,
            header: match width {
                Some(width) => fit(&header, width, palette),
                None => header,
            },
            table: table(&stack.releases, now, width, palette),
            width,
            palette,
            marks: Marks::new(palette, Duration::ZERO),
        }
    }

    /// Nothing for a stack without releases.
    pub fn table(&self) -> Vec<String> {
        if self.table.rows.is_empty() {
            return Vec::new();
        }
        let rows = self.table.rows.iter().map(|line| line.text.clone());
        std::iter::once(self.table.titles.clone())
            .chain(rows)
            .collect()
    }

    /// A paragraph for each release that has a verdict, and a sentence for each whose reason the
    /// table had no room for.
    pub fn troubles(&self, depth: Depth) -> Vec<String> {
        let mut lines = Vec::new();
        for (row, line) in self.stack.releases.iter().zip(&self.table.rows) {
            if row.verdict.is_none() && !(line.cut && row.reason.is_some()) {
                continue;
            }
            if depth == Depth::Proof || lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(self.trouble(row, depth));
        }
        lines
    }

    fn trouble(&self, row: &StatusRow, depth: Depth) -> Vec<String> {
        let mark = match row.state {
            Condition::Failed => &self.marks.failed,
            Condition::Ready => &self.marks.done,
            _ => &self.marks.blocked,
        };
        let name = self.palette.bold(row.release.as_str());
        let state = row.state.paint(row.state.as_str(), self.palette);
        let title = format!("{mark} {name} {state}: ");
        let place = Place {
            context: &self.stack.context,
            namespace: row.namespace.as_str(),
        };
        let reason = told(row.reason.as_deref().unwrap_or_default());
        match (&row.verdict, depth) {
            (Some(verdict), Depth::Proof) => {
                cause::lines(&title, verdict, Some(place), self.width, self.palette)
            }
            (Some(verdict), Depth::Hints) => {
                let mut lines = cause::hanging(&title, &reason, 4, self.width);
                lines.extend(cause::hints(verdict, self.width, self.palette));
                lines
            }
            (_, Depth::Told) | (None, Depth::Proof | Depth::Hints) => {
                cause::hanging(&title, &reason, 4, self.width)
            }
            (_, Depth::Sentence) => {
                let line = format!("{title}{reason}");
                vec![match self.width {
                    Some(width) => fit(&line, width, self.palette),
                    None => line,
                }]
            }
        }
    }
}

/// `oro  5 of 9 ready, 1 failed  namespace oro, context kind-oro`.
fn header(stack: &StackStatus, palette: &Palette) -> String {
    let of_state = |state| stack.releases.iter().filter(move |row| row.state == state);
    let all = stack.releases.len();
    let mut text = match all {
        0 => "no releases".to_owned(),
        all => format!("{} of {all} ready", of_state(Condition::Ready).count()),
    };
    match of_state(Condition::Failed).count() {
        0 => {}
        failed => text.push_str(&palette.bad(&format!(", {failed} failed"))),
    }
    let place = format!(
        "namespace {}, context {}",
        stack.namespace,
        clean(&stack.context)
    );
    format!(
        "{}  {text}  {}",
        palette.bold(stack.stack.as_str()),
        palette.dim(&place)
    )
}
