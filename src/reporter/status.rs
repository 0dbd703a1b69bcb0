//! The table of the `status` command.

use std::time::Duration;

use console::measure_text_width;
use jiff::Timestamp;
use serde::Serialize;

use crate::names::{Namespace, ReleaseId, StackName};
use crate::output::Palette;
use crate::wording;

use super::container::between;
use super::text::{clean, fit};

/// A stack as the cluster shows it; with `-o json` exactly this is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackStatus {
    pub stack: StackName,
    pub namespace: Namespace,
    pub context: String,
    /// In the order of the plan, what the profile doesn't name at the end.
    pub releases: Vec<StatusRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusRow {
    pub release: ReleaseId,
    pub namespace: Namespace,
    /// Nothing if helm has no record of it.
    pub revision: Option<u32>,
    pub state: Condition,
    /// Ready and desired pods; nothing if it has no workload.
    pub ready: Option<Share>,
    /// Finished and all init containers of the pods that are not through them.
    pub init: Option<Share>,
    pub restarts: u32,
    /// When the revision was deployed.
    pub deployed: Option<Timestamp>,
    /// What it waits for or why it failed.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    pub done: u32,
    pub all: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    Ready,
    /// Deployed, on its way.
    Progressing,
    Failed,
    /// Helm's record is `pending-*`: somebody is at it, or was cut off.
    Pending,
    /// In the profile, not in the cluster.
    Missing,
    /// In the cluster, not in the profile.
    Orphaned,
}

impl Condition {
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Ready => "ready",
            Condition::Progressing => "progressing",
            Condition::Failed => "failed",
            Condition::Pending => "pending",
            Condition::Missing => "missing",
            Condition::Orphaned => "orphaned",
        }
    }

    fn paint(self, text: &str, palette: &Palette) -> String {
        match self {
            Condition::Ready => palette.good(text),
            Condition::Failed => palette.bad(text),
            Condition::Progressing | Condition::Pending | Condition::Orphaned => palette.warn(text),
            Condition::Missing => palette.dim(text),
        }
    }
}

const TITLES: [&str; 8] = [
    "RELEASE", "REVISION", "STATE", "READY", "INIT", "RESTARTS", "AGE", "REASON",
];
const STATE: usize = 2;
const GAP: usize = 2;

/// The stacks one after the other, each with a header. Lines are cut at `width`; without one,
/// in a pipe, nothing is.
pub fn lines(
    stacks: &[StackStatus],
    now: Timestamp,
    width: Option<usize>,
    palette: &Palette,
) -> Vec<String> {
    let mut lines = Vec::new();
    for stack in stacks {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(header(stack, palette));
        if !stack.releases.is_empty() {
            lines.extend(table(&stack.releases, now, palette));
        }
    }
    let cut = |line: String| match width {
        Some(width) => fit(&line, width, palette),
        None => line,
    };
    lines.into_iter().map(cut).collect()
}

/// `oro  namespace oro, context kind-oro: 5 of 9 ready`.
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

fn table(rows: &[StatusRow], now: Timestamp, palette: &Palette) -> Vec<String> {
    let cells: Vec<[String; 8]> = rows.iter().map(|row| cells(row, now)).collect();
    let mut widths = TITLES.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    let titles = TITLES.map(str::to_owned);
    let mut lines = vec![palette.dim(&join(&titles, &widths, |_, cell| cell))];
    for (row, cells) in rows.iter().zip(&cells) {
        lines.push(join(cells, &widths, |column, cell| match column {
            STATE => row.state.paint(&cell, palette),
            _ => cell,
        }));
    }
    lines
}

/// Cells padded to their columns, painted after that so that colours don't count.
fn join(
    cells: &[String; 8],
    widths: &[usize; 8],
    paint: impl Fn(usize, String) -> String,
) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let padding = width.saturating_sub(measure_text_width(cell)) + GAP;
        line.push_str(&paint(column, cell.clone()));
        line.push_str(&" ".repeat(padding));
    }
    line.trim_end().to_owned()
}

fn cells(row: &StatusRow, now: Timestamp) -> [String; 8] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let share = |share: Share| format!("{}/{}", share.done, share.all);
    let age = |deployed| -> String {
        let age: Duration = between(deployed, now);
        wording::age(age)
    };
    [
        row.release.to_string(),
        or_dash(row.revision.map(|revision| revision.to_string())),
        row.state.as_str().to_owned(),
        or_dash(row.ready.map(share)),
        or_dash(row.init.map(share)),
        row.restarts.to_string(),
        or_dash(row.deployed.map(age)),
        row.reason.as_deref().map(clean).unwrap_or_default(),
    ]
}
