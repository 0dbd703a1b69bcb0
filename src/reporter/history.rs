//! The last runs of a stack, a line each, the newest first.

use console::measure_text_width;
use jiff::Timestamp;

use super::container::between;
use super::text::{clean, fit};
use crate::event::Outcome;
use crate::memory::{EndedRelease, PastRun, ReleaseEnd, RunEnd, StackRecord};
use crate::names::RunId;
use crate::output::Palette;
use crate::wording;

const COLUMNS: usize = 7;
const TITLES: [&str; COLUMNS] = ["RUN", "AGE", "DID", "OUTCOME", "TOOK", "RELEASES", "WHO"];
const OUTCOME: usize = 3;

/// A title, the runs, and which of them `rollback --to` can bring `back` (`*`). Lines are cut at
/// `width`; without one, in a pipe, nothing is.
pub fn lines(
    record: &StackRecord,
    back: &[RunId],
    now: Timestamp,
    width: Option<usize>,
    palette: &Palette,
) -> Vec<String> {
    let cut = |line: String| match width {
        Some(width) => fit(&line, width, palette),
        None => line,
    };
    let title = format!("{} in namespace {}", record.stack, record.namespace);
    let mut lines = vec![cut(palette.bold(&title))];
    if record.runs.is_empty() {
        lines.push("no run is remembered".to_owned());
        return lines;
    }
    let rows: Vec<[String; COLUMNS]> = record
        .runs
        .iter()
        .rev()
        .map(|past| cells(past, back.contains(&past.by.run), now))
        .collect();
    let mut widths = TITLES.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    let join = |cells: &[String], paint: &dyn Fn(usize, &str) -> String| {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let padding = width.saturating_sub(measure_text_width(cell)) + 2;
            line += &paint(column, cell);
            line += &" ".repeat(padding);
        }
        line.trim_end().to_owned()
    };
    let titles = join(&TITLES.map(str::to_owned), &|_, cell| cell.to_owned());
    lines.push(cut(palette.dim(&titles)));
    for (past, row) in record.runs.iter().rev().zip(&rows) {
        let paint = |column: usize, cell: &str| match (column, &past.end) {
            (OUTCOME, Some(end)) if is_good(end.outcome) => palette.good(cell),
            (OUTCOME, Some(_)) => palette.bad(cell),
            (OUTCOME, None) => palette.warn(cell),
            _ => cell.to_owned(),
        };
        lines.push(cut(join(row, &paint)));
    }
    if record.runs.iter().any(|past| past.end.is_none()) {
        lines.push(cut(palette.dim("unfinished: at work, or killed")));
    }
    let is_known = |run: &RunId| record.runs.iter().any(|past| past.by.run == *run);
    if back.iter().any(is_known) {
        let legend = "* all was ready together: `stackctl rollback --to RUN` brings it back";
        lines.push(cut(palette.dim(legend)));
    }
    lines
}

fn cells(past: &PastRun, comes_back: bool, now: Timestamp) -> [String; COLUMNS] {
    let by = &past.by;
    let mark = if comes_back { "*" } else { "" };
    let (outcome, took, releases) = match &past.end {
        Some(end) => {
            let took = wording::duration(between(by.since, end.at));
            (word(end.outcome).to_owned(), took, releases(end))
        }
        None => ("unfinished".to_owned(), String::new(), String::new()),
    };
    let user = by
        .user
        .as_ref()
        .map_or(String::new(), |user| format!("{user} on "));
    let commit = by.commit.as_ref().map_or(String::new(), |commit| {
        format!(", commit {}", commit.get(..12).unwrap_or(commit))
    });
    [
        format!("{}{mark}", clean(by.run.as_str())),
        wording::age(between(by.since, now)),
        by.verb.as_str().to_owned(),
        outcome,
        took,
        releases,
        clean(&format!("{user}{}{commit}", by.host)),
    ]
}

/// `3 ready`; of a run that went back `web failed, then back to RUN: 3 ready`.
fn releases(end: &RunEnd) -> String {
    let counts = counts(&end.releases);
    match &end.back {
        Some(back) => {
            let failed = match back.failed.as_slice() {
                // Its deadline had passed.
                [] => String::new(),
                some => format!("{} failed, then ", wording::list(some)),
            };
            format!("{failed}back to {}: {counts}", clean(back.to.as_str()))
        }
        None => counts,
    }
}

/// `3 ready, 1 failed (web)`.
fn counts(releases: &[EndedRelease]) -> String {
    let all = [
        (ReleaseEnd::Ready, "ready"),
        (ReleaseEnd::Unchanged, "unchanged"),
        (ReleaseEnd::Failed, "failed"),
        (ReleaseEnd::Blocked, "blocked"),
        (ReleaseEnd::Cancelled, "cancelled"),
        (ReleaseEnd::NotStarted, "not started"),
        (ReleaseEnd::Removed, "removed"),
    ];
    let told = all.into_iter().filter_map(|(end, word)| {
        let those = releases.iter().filter(|it| it.end == end);
        let names: Vec<&str> = those.map(|it| it.id.as_str()).collect();
        match (names.len(), end) {
            (0, _) => None,
            (number, ReleaseEnd::Failed) => Some(format!("{number} {word} ({})", names.join(" "))),
            (number, _) => Some(format!("{number} {word}")),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

fn is_good(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ready | Outcome::Removed)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ready => "ready",
        Outcome::Removed => "removed",
        Outcome::Failed => "failed",
        Outcome::DeadlinePassed => "deadline passed",
        Outcome::Superseded => "made way",
        Outcome::LockLost => "lost the stack",
        Outcome::Interrupted => "interrupted",
        Outcome::Terminated => "terminated",
    }
}
