//! The table: one release a line, and no column that there is no room for.

use std::time::Duration;

use console::measure_text_width;
use jiff::Timestamp;

use super::{Share, StatusRow};
use crate::output::Palette;
use crate::reporter::container::between;
use crate::reporter::text::{fit, told};
use crate::wording;

const COLUMNS: usize = 8;
const TITLES: [&str; COLUMNS] = [
    "RELEASE", "REVISION", "STATE", "READY", "INIT", "RESTARTS", "AGE", "REASON",
];
const STATE: usize = 2;
const REASON: usize = 7;
const GAP: usize = 2;
/// What goes first where room is scarce: the reason is worth more than these.
const DISPENSABLE: [usize; 4] = [1, 6, 4, 5];
/// Columns of a reason that still tells something.
const REASON_ROOM: usize = 24;

/// The titles and a line for each row.
pub struct Table {
    pub titles: String,
    pub rows: Vec<Line>,
}

pub struct Line {
    pub text: String,
    /// Its reason is not there in full.
    pub cut: bool,
}

/// Lines are cut at `width`; without one, in a pipe, nothing is.
pub fn table(rows: &[StatusRow], now: Timestamp, width: Option<usize>, palette: &Palette) -> Table {
    let cells: Vec<[String; COLUMNS]> = rows.iter().map(|row| cells(row, rows, now)).collect();
    let mut widths = TITLES.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    let columns = columns(&widths, width);
    let cut = |line: String| match width {
        Some(width) => fit(&line, width, palette),
        None => line,
    };
    let titles = join(&TITLES.map(str::to_owned), &columns, &widths, |_, cell| {
        cell
    });
    let line = |(row, cells): (&StatusRow, &[String; COLUMNS])| {
        let text = join(cells, &columns, &widths, |column, cell| match column {
            STATE => row.state.paint(&cell, palette),
            _ => cell,
        });
        let told = columns.contains(&REASON) || cells[REASON].is_empty();
        Line {
            cut: !told || width.is_some_and(|width| measure_text_width(&text) > width),
            text: cut(text),
        }
    };
    Table {
        titles: cut(palette.dim(&titles)),
        rows: rows.iter().zip(&cells).map(line).collect(),
    }
}

/// Which columns there is room for.
fn columns(widths: &[usize; COLUMNS], width: Option<usize>) -> Vec<usize> {
    let all: Vec<usize> = (0..COLUMNS).collect();
    let Some(room) = width else {
        return all;
    };
    let without = |number: usize, reason: bool| -> Vec<usize> {
        let dropped = &DISPENSABLE[..number];
        let kept = all.iter().filter(|column| !dropped.contains(column));
        let kept = kept.filter(|&&column| reason || column != REASON);
        kept.copied().collect()
    };
    let fits = |columns: &Vec<usize>| {
        let wide = |&column: &usize| match column {
            REASON => widths[REASON].min(REASON_ROOM),
            column => widths[column],
        };
        let gaps = GAP * columns.len().saturating_sub(1);
        columns.iter().map(wide).sum::<usize>() + gaps <= room
    };
    let counts = || 0..=DISPENSABLE.len();
    let with_reason = counts().map(|number| without(number, true));
    let bare = counts().map(|number| without(number, false));
    let mut choices = with_reason.chain(bare);
    let found = choices.find(fits);
    found.unwrap_or_else(|| without(DISPENSABLE.len(), false))
}

/// Cells padded to their columns, painted after that so that colours don't count.
fn join(
    cells: &[String; COLUMNS],
    columns: &[usize],
    widths: &[usize; COLUMNS],
    paint: impl Fn(usize, String) -> String,
) -> String {
    let mut line = String::new();
    for &column in columns {
        let cell = &cells[column];
        let padding = widths[column].saturating_sub(measure_text_width(cell)) + GAP;
        line.push_str(&paint(column, cell.clone()));
        line.push_str(&" ".repeat(padding));
    }
    line.trim_end().to_owned()
}

/// One that has moved is there twice, until what it was before is removed.
fn name(row: &StatusRow, all: &[StatusRow]) -> String {
    let same = all.iter().filter(|it| it.release == row.release);
    match same.count() {
        0 | 1 => row.release.to_string(),
        _ => format!("{} in {}", row.release, row.namespace),
    }
}

fn cells(row: &StatusRow, all: &[StatusRow], now: Timestamp) -> [String; COLUMNS] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let share = |share: Share| format!("{}/{}", share.done, share.all);
    let age = |deployed| -> String {
        let age: Duration = between(deployed, now);
        wording::age(age)
    };
    [
        name(row, all),
        or_dash(row.revision.map(|revision| revision.to_string())),
        row.state.as_str().to_owned(),
        or_dash(row.ready.map(share)),
        or_dash(row.init.map(share)),
        row.restarts.to_string(),
        or_dash(row.deployed.map(age)),
        row.reason.as_deref().map(told).unwrap_or_default(),
    ]
}
