//! What a run came to, said once it is over: failed, blocked and done told apart, and for each
//! failure the proof and the next step.

use std::time::Duration;

use crate::event::{CancelReason, Outcome, Verb, Verdict, VerdictClass};
use crate::output::Palette;
use crate::state::{Finished, Phase, ReleaseState, RunState};
use crate::wording;

use super::cause::{self, Place};
use super::line::id_width;
use super::rows::Marks;
use super::text::told;

/// Nothing before the run has begun. Text is wrapped at `width`, or not at all.
pub fn lines(state: &RunState, width: Option<usize>, palette: &Palette) -> Vec<String> {
    let Some(run) = &state.run else {
        return Vec::new();
    };
    let page = Page {
        state,
        width,
        palette,
        marks: Marks::new(palette, Duration::ZERO),
    };
    let mut lines = Vec::new();
    for release in &state.releases {
        if let Some(verdict) = &release.failed {
            lines.push(String::new());
            lines.extend(page.failure(release, verdict));
        }
    }
    let unready = page.unready();
    if !unready.is_empty() {
        lines.push(String::new());
        lines.extend(unready);
    }
    lines.push(String::new());
    lines.extend(page.total(run.stack.as_str(), state.finished.as_ref()));
    lines
}

struct Page<'a> {
    state: &'a RunState,
    width: Option<usize>,
    palette: &'a Palette,
    marks: Marks,
}

impl Page<'_> {
    fn failure(&self, release: &ReleaseState, verdict: &Verdict) -> Vec<String> {
        let name = self.palette.bold(release.id.as_str());
        let title = match verdict.class {
            VerdictClass::Expired => format!("{} {name} ", self.marks.failed),
            _ => format!(
                "{} {name} {}: ",
                self.marks.failed,
                self.palette.bad("failed")
            ),
        };
        let namespace = release.planned.as_ref().map(|planned| &planned.namespace);
        let place = self.state.run.as_ref().map(|run| Place {
            context: &run.context,
            namespace: namespace.unwrap_or(&run.namespace).as_str(),
        });
        cause::lines(&title, verdict, place, self.width, self.palette)
    }

    /// Whoever did not fail and is not done: blocked, cancelled, a line each; those
    /// that had not begun in one line.
    fn unready(&self) -> Vec<String> {
        let id_width = id_width(self.state);
        let mut lines = Vec::new();
        let mut not_started = Vec::new();
        for release in &self.state.releases {
            if never_began(release) {
                not_started.push(&release.id);
                continue;
            }
            let Some((mark, text)) = self.unready_one(release) else {
                continue;
            };
            let id = format!("{:<id_width$}", release.id);
            let title = format!("{mark} {}  ", self.palette.bold(&id));
            lines.extend(self.hanging(&title, &text, id_width + 4));
        }
        if !not_started.is_empty() {
            let title = format!("{} not started: ", self.marks.pending);
            lines.extend(self.hanging(&title, &wording::list(&not_started), 4));
        }
        lines
    }

    fn unready_one(&self, release: &ReleaseState) -> Option<(&str, String)> {
        let end = self.state.finished.as_ref();
        let end = end.map_or(self.state.elapsed, |finished| finished.elapsed);
        let waited = waited(release, end);
        let text = match &release.phase {
            Phase::Blocked(by) => format!("blocked by {}", wording::list(by)),
            Phase::Cancelled => match waited {
                Some(waited) => format!("cancelled: {waited}"),
                None => "cancelled while helm was at work".to_owned(),
            },
            Phase::Running | Phase::Waiting => match waited {
                Some(waited) => format!("not {}: {waited}", self.done()),
                None => "left while helm was at work".to_owned(),
            },
            Phase::Ready | Phase::Removed | Phase::Failed(_) | Phase::Pending => return None,
        };
        Some((&self.marks.blocked, text))
    }

    /// What every release was to become.
    fn done(&self) -> &'static str {
        match self.state.verb() {
            Verb::Up => "ready",
            Verb::Down => "removed",
            Verb::Rollback => "ready",
        }
    }

    /// `oro: 5 ready, 1 failed, 2 blocked in 1m12s`.
    fn total(&self, stack: &str, finished: Option<&Finished>) -> Vec<String> {
        let took = finished.map_or(self.state.elapsed, |finished| finished.elapsed);
        let took = wording::duration(took);
        let counts = self.state.counts();
        let all = self.state.releases.len();
        let stack = self.palette.bold(stack);
        match finished.map(|finished| finished.outcome) {
            Some(Outcome::Ready) if (counts.ready + counts.removed) as usize == all => {
                let unchanged = self.state.releases.iter().filter(|it| it.unchanged).count();
                let which = match unchanged {
                    0 => String::new(),
                    _ if unchanged == counts.ready as usize => ", unchanged".to_owned(),
                    some => format!(", {some} of them unchanged"),
                };
                let removed = match counts.removed {
                    0 => String::new(),
                    number => format!(", {number} removed"),
                };
                let ready = wording::count(counts.ready as usize, "release");
                let text = format!("{ready} ready in {took}{which}{removed}");
                let title = format!("{} {stack}: ", self.marks.done);
                return self.hanging(&title, &self.palette.good(&text), 4);
            }
            Some(Outcome::Removed) if counts.removed as usize == all => {
                let untouched = self.state.releases.iter().filter(|it| it.untouched).count();
                let removed = wording::count(all - untouched, "release");
                let text = match untouched {
                    0 => format!("{removed} removed in {took}"),
                    _ if untouched == all => "there was nothing to remove".to_owned(),
                    some => format!("{removed} removed in {took}, {some} with nothing to remove"),
                };
                let title = format!("{} {stack}: ", self.marks.done);
                return self.hanging(&title, &self.palette.good(&text), 4);
            }
            _ => {}
        }
        let is_gone = self.state.cancelling == Some(CancelReason::NamespaceGone);
        let how = match finished.map(|finished| finished.outcome) {
            Some(Outcome::Failed) if is_gone => "its namespace was deleted: ",
            Some(Outcome::DeadlinePassed) => "the deadline passed: ",
            Some(Outcome::Superseded) => "made way for another run: ",
            Some(Outcome::LockLost) => "another run has taken the stack: ",
            Some(Outcome::Interrupted) => "interrupted: ",
            Some(Outcome::Terminated) => "told to terminate: ",
            Some(Outcome::Ready | Outcome::Removed | Outcome::Failed) => "",
            None => "the run broke off: ",
        };
        let mark = match finished.map(|finished| finished.outcome) {
            Some(Outcome::Ready | Outcome::Removed) => &self.marks.done,
            Some(
                Outcome::Interrupted
                | Outcome::Terminated
                | Outcome::Superseded
                | Outcome::LockLost,
            ) => &self.marks.blocked,
            Some(Outcome::Failed | Outcome::DeadlinePassed) | None => &self.marks.failed,
        };
        let back = match &self.state.rolling_back {
            Some(back) => {
                let run = &back.to;
                match self.state.not_back().as_slice() {
                    [] => format!("failed, back at what run {run} had verified: "),
                    some => format!(
                        "failed, and not all is back at what run {run} had verified ({}): ",
                        wording::list(some)
                    ),
                }
            }
            None => String::new(),
        };
        let text = format!("{how}{back}{} in {took}", self.parts().join(", "));
        self.hanging(&format!("{mark} {stack}: "), &text, 4)
    }

    fn parts(&self) -> Vec<String> {
        let count = |is: &dyn Fn(&ReleaseState) -> bool| {
            let releases = self.state.releases.iter();
            releases.filter(|release| is(release)).count()
        };
        let ready = count(&|release| release.phase == Phase::Ready);
        let removed = count(&|release| release.phase == Phase::Removed && !release.untouched);
        let failed =
            count(&|release| matches!(release.phase, Phase::Failed(_)) && !is_expired(release));
        let blocked = count(&|release| matches!(release.phase, Phase::Blocked(_)));
        let cancelled =
            count(&|release| release.phase == Phase::Cancelled && !never_began(release));
        let unready = count(&|release| release.phase.is_active() || is_expired(release));
        let not_started = count(&never_began);
        let parts = [
            (ready, self.palette.good(&format!("{ready} ready"))),
            (removed, self.palette.good(&format!("{removed} removed"))),
            (failed, self.palette.bad(&format!("{failed} failed"))),
            (
                unready,
                self.palette.bad(&format!("{unready} not {}", self.done())),
            ),
            (blocked, self.palette.warn(&format!("{blocked} blocked"))),
            (
                cancelled,
                self.palette.warn(&format!("{cancelled} cancelled")),
            ),
            (not_started, format!("{not_started} not started")),
        ];
        let mut texts: Vec<String> = Vec::new();
        for (number, text) in parts {
            if number > 0 {
                texts.push(text);
            }
        }
        if texts.is_empty() {
            texts.push("nothing done".to_owned());
        }
        texts
    }

    /// A title and its text; the text's further lines are indented.
    fn hanging(&self, title: &str, text: &str, indent: usize) -> Vec<String> {
        cause::hanging(title, text, indent, self.width)
    }
}

fn never_began(release: &ReleaseState) -> bool {
    let idle = matches!(release.phase, Phase::Pending | Phase::Cancelled);
    idle && release.started.is_none()
}

/// Not known to be wrong, only out of time.
fn is_expired(release: &ReleaseState) -> bool {
    matches!(&release.phase, Phase::Failed(verdict) if verdict.class == VerdictClass::Expired)
}

/// `waited for ... (2m10s)`; nothing if it is not known to have waited.
fn waited(release: &ReleaseState, end: Duration) -> Option<String> {
    let waiting = release.waiting.as_ref()?;
    let end = release.ended.unwrap_or(end);
    let lasting = wording::duration(end.saturating_sub(waiting.noticed));
    Some(format!("waited for {} ({lasting})", told(&waiting.on)))
}
