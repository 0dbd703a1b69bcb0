//! The page as a picture that fits its terminal, for `--watch`.

use jiff::Timestamp;

use super::page::{Depth, Part};
use super::{Condition, Overview};
use crate::output::{Palette, Size};
use crate::reporter::text::{fit, told};
use crate::wording;

/// At most the terminal's lines less one, where the cursor stays. The proof is left out first, then
/// ready releases are folded, then what is told of trouble gets shorter until it fits, and in the
/// end the end is left out.
pub fn picture(overview: &Overview, now: Timestamp, size: Size, palette: &Palette) -> Vec<String> {
    let limit = size.rows.saturating_sub(1).max(1);
    let width = Some(size.columns);
    let stacks = overview.stacks.iter();
    let parts: Vec<Part<'_>> = stacks
        .map(|stack| Part::new(stack, now, width, palette))
        .collect();
    let choices = [
        (Some(Depth::Proof), false),
        (Some(Depth::Hints), false),
        (Some(Depth::Hints), true),
        (Some(Depth::Told), true),
        (Some(Depth::Sentence), true),
        (None, true),
    ];
    let mut lines = Vec::new();
    for (depth, folded) in choices {
        lines = draw(&parts, overview, depth, folded, palette);
        if lines.len() <= limit {
            break;
        }
    }
    let missing = lines.len().saturating_sub(limit);
    if missing > 0 {
        lines.truncate(limit - 1);
        let more = wording::count(missing + 1, "more line");
        lines.push(palette.dim(&format!("{} {more}", palette.symbol("…", "..."))));
    }
    // Lines of logs are as long as they please.
    let fitted = lines.iter().map(|line| fit(line, size.columns, palette));
    fitted.collect()
}

fn draw(
    parts: &[Part<'_>],
    overview: &Overview,
    depth: Option<Depth>,
    folded: bool,
    palette: &Palette,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for unseen in &overview.unseen {
        lines.push(format!("{} {}", palette.warn("warning:"), told(unseen)));
    }
    for part in parts {
        if !lines.is_empty() && !folded {
            lines.push(String::new());
        }
        lines.push(part.header.clone());
        match folded {
            true => lines.extend(fold(part, palette)),
            false => lines.extend(part.table()),
        }
        lines.extend(depth.map(|depth| part.troubles(depth)).unwrap_or_default());
    }
    lines
}

/// The table without what is ready.
fn fold(part: &Part<'_>, palette: &Palette) -> Vec<String> {
    let ready = |row: &super::StatusRow| row.state == Condition::Ready;
    let rows = part.stack.releases.iter().zip(&part.table.rows);
    let unready = rows.filter(|(row, _)| !ready(row));
    let mut lines: Vec<String> = unready.map(|(_, line)| line.text.clone()).collect();
    if !lines.is_empty() {
        lines.insert(0, part.table.titles.clone());
    }
    let count = part.stack.releases.iter().filter(|row| ready(row)).count();
    if count > 0 {
        lines.push(palette.dim(&format!("{count} ready")));
    }
    lines
}
