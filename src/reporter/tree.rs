//! The live picture of a run as lines of text: pure, for any size of terminal.

use crate::event::{CancelReason, Verb};
use crate::names::ReleaseId;
use crate::output::{Palette, Size};
use crate::state::{Phase, ReleaseState, RunState};
use crate::wording;

use super::Now;
use super::levels::{self, LEVELS, Level, Rank, Row};
use super::line::{id_column, id_width};
use super::rows::{self, Detail, Marks};
use super::text::{clean, fit};

/// At most `rows - 2` lines of at most `columns` columns; nothing before the run has begun.
pub fn draw(state: &RunState, now: Now, size: Size, palette: &Palette) -> Vec<String> {
    let height = size.rows.saturating_sub(2);
    if state.run.is_none() || height == 0 {
        return Vec::new();
    }
    let view = View {
        state,
        now,
        palette,
        marks: Marks::new(palette, now.elapsed),
        columns: size.columns,
        id_width: id_width(state).min(size.columns / 3),
    };
    let mut rows = Vec::new();
    for level in &LEVELS {
        rows = view.rows(level);
        if rows.len() <= height {
            break;
        }
    }
    if rows.len() > height {
        rows = levels::cut(rows, height, palette);
    }
    rows.iter()
        .map(|row| fit(&row.text, size.columns, palette))
        .collect()
}

struct View<'a> {
    state: &'a RunState,
    now: Now,
    palette: &'a Palette,
    marks: Marks,
    columns: usize,
    id_width: usize,
}

impl View<'_> {
    fn rows(&self, level: &Level) -> Vec<Row> {
        let mut rows = vec![Row {
            rank: Rank::Header,
            text: self.header(),
        }];
        let folded = |phase: &Phase| match phase {
            Phase::Ready | Phase::Removed => level.fold_done,
            Phase::Pending => level.fold_pending,
            Phase::Blocked(_) | Phase::Cancelled => level.fold_blocked,
            Phase::Running | Phase::Waiting | Phase::Failed(_) => false,
        };
        let count = |is: fn(&Phase) -> bool| {
            let phases = self.state.releases.iter().map(|release| &release.phase);
            phases.filter(|phase| folded(phase) && is(phase)).count()
        };
        let mut fold = |number: usize, text: String| {
            if number > 0 {
                let rank = Rank::Folded;
                rows.push(Row { rank, text });
            }
        };
        let (ready, removed) = (
            count(|phase| *phase == Phase::Ready),
            count(|phase| *phase == Phase::Removed),
        );
        fold(ready, format!("{} {ready} ready", self.marks.done));
        fold(removed, format!("{} {removed} removed", self.marks.done));
        for (position, release) in self.state.releases.iter().enumerate() {
            if folded(&release.phase) {
                continue;
            }
            self.release(position, release, level, &mut rows);
        }
        let mut fold = |number: usize, text: String| {
            if number > 0 {
                let rank = Rank::Folded;
                rows.push(Row { rank, text });
            }
        };
        let pending = count(|phase| *phase == Phase::Pending);
        let blocked = count(|phase| matches!(phase, Phase::Blocked(_)));
        let cancelled = count(|phase| *phase == Phase::Cancelled);
        let dim = |text: String| self.palette.dim(&text);
        let to_start = dim(format!("{pending} to start"));
        fold(pending, format!("{} {to_start}", self.marks.pending));
        fold(blocked, format!("{} {blocked} blocked", self.marks.blocked));
        let text = format!("{} {cancelled} cancelled", self.marks.blocked);
        fold(cancelled, text);
        rows
    }

    fn release(&self, position: usize, release: &ReleaseState, level: &Level, rows: &mut Vec<Row>) {
        let details = match release.phase.is_active() {
            true => rows::details(release, self.now, self.columns),
            false => Vec::new(),
        };
        let failing = details.iter().any(|detail| detail.failing);
        let limit = match failing {
            true => level.failing_details,
            false => level.details,
        };
        let shown = &details[..details.len().min(limit)];
        rows.push(Row {
            rank: match release.phase {
                Phase::Failed(_) => Rank::Failed,
                _ if failing => Rank::Failed,
                Phase::Waiting => Rank::Waiting,
                Phase::Running => Rank::Running,
                _ => Rank::Rest,
            },
            text: self.release_line(position, release, &details, shown.len()),
        });
        for detail in shown {
            let text = match detail.failing {
                true => self.palette.warn(&detail.text),
                false => self.palette.dim(&detail.text),
            };
            rows.push(Row {
                rank: match detail.failing {
                    true => Rank::Proof,
                    false => Rank::Rest,
                },
                text: format!("    {text}"),
            });
        }
    }

    fn header(&self) -> String {
        let Some(run) = &self.state.run else {
            return String::new();
        };
        let counts = self.state.counts();
        let all = self.state.releases.len();
        let mut parts = match run.verb {
            Verb::Up | Verb::Rollback => vec![format!("{}/{all} ready", counts.ready)],
            Verb::Down => vec![format!("{}/{all} removed", counts.removed)],
        };
        if counts.failed > 0 {
            parts.push(self.palette.bad(&format!("{} failed", counts.failed)));
        }
        if counts.blocked > 0 {
            parts.push(format!("{} blocked", counts.blocked));
        }
        if let Some(reason) = self.state.cancelling {
            parts.push(self.palette.warn(match reason {
                CancelReason::Interrupt
                | CancelReason::Terminate
                | CancelReason::LockLost
                | CancelReason::NamespaceGone => "stopping",
                CancelReason::Superseded => "making way",
                CancelReason::Deadline => "deadline passed",
            }));
        }
        let context = clean(&run.context);
        let place = format!("namespace {}, context {context}", run.namespace);
        format!(
            "{}  {}  {}  {}",
            self.palette.bold(run.stack.as_str()),
            wording::duration(self.now.elapsed),
            parts.join(", "),
            self.palette.dim(&place),
        )
    }

    fn release_line(
        &self,
        position: usize,
        release: &ReleaseState,
        details: &[Detail],
        shown: usize,
    ) -> String {
        let id = id_column(release.id.as_str(), self.id_width, self.palette);
        let id = match release.phase {
            Phase::Pending | Phase::Blocked(_) | Phase::Cancelled => self.palette.dim(&id),
            _ => self.palette.release(position, &id),
        };
        let took = release.took(self.now.elapsed).map(wording::duration);
        let took = match took {
            None if self.columns < rows::WIDE => String::new(),
            took => format!("  {:>6}", took.unwrap_or_default()),
        };
        let text = match &release.phase {
            Phase::Pending if !release.waits_for_needs() => self.palette.dim(&self.needs(release)),
            Phase::Pending | Phase::Running | Phase::Waiting => {
                rows::progress(release, self.state.verb(), self.now, details, shown)
            }
            Phase::Ready if release.unchanged => self.palette.dim("unchanged"),
            Phase::Ready | Phase::Removed => String::new(),
            Phase::Failed(verdict) => self.palette.bad(&clean(&verdict.sentence)),
            Phase::Blocked(by) => {
                let by = format!("blocked by {}", wording::list(by));
                self.palette.dim(&by)
            }
            Phase::Cancelled => self.palette.dim("cancelled"),
        };
        let mark = self.marks.of(&release.phase);
        let took = match release.phase.is_over() {
            true => self.palette.dim(&took),
            false => took,
        };
        format!("{mark} {id}{took}  {text}").trim_end().to_owned()
    }

    /// The needs of a release that are not met yet.
    fn needs(&self, release: &ReleaseState) -> String {
        let planned = release.planned.iter().flat_map(|planned| &planned.needs);
        let unmet: Vec<&str> = planned
            .filter(|need| {
                let need = self.state.release(need);
                need.is_none_or(|need| need.phase != Phase::Ready)
            })
            .map(ReleaseId::as_str)
            .collect();
        match (self.state.verb(), unmet.is_empty()) {
            (Verb::Down | Verb::Rollback, _) | (_, true) => String::new(),
            _ => format!("after {}", wording::list(&unmet)),
        }
    }
}
