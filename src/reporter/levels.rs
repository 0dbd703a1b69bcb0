//! What of the tree is kept when it doesn't fit.

use crate::output::Palette;

/// What is shown and what is summed up, from everything to almost nothing. The first level that
/// fits is taken.
pub struct Level {
    /// Ready and removed releases are one line together.
    pub fold_done: bool,
    /// So are the ones that have not started.
    pub fold_pending: bool,
    /// And the blocked and the cancelled.
    pub fold_blocked: bool,
    /// Lines below an active release: where something fails, and elsewhere.
    pub failing_details: usize,
    pub details: usize,
}

pub const LEVELS: [Level; 6] = [
    level(false, false, false, usize::MAX, usize::MAX),
    level(true, false, false, usize::MAX, usize::MAX),
    level(true, true, false, usize::MAX, usize::MAX),
    level(true, true, false, 3, 2),
    level(true, true, true, 2, 1),
    level(true, true, true, 1, 0),
];

const fn level(
    fold_done: bool,
    fold_pending: bool,
    fold_blocked: bool,
    failing_details: usize,
    details: usize,
) -> Level {
    Level {
        fold_done,
        fold_pending,
        fold_blocked,
        failing_details,
        details,
    }
}

/// What is kept longest when even folding doesn't help; the last goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Header,
    Failed,
    /// What is in trouble below an active release.
    Proof,
    Waiting,
    Running,
    Folded,
    Rest,
}

pub struct Row {
    pub rank: Rank,
    pub text: String,
}

/// Drops the lines that matter least, and says how many those were.
pub fn cut(mut rows: Vec<Row>, height: usize, palette: &Palette) -> Vec<Row> {
    let mut hidden = 0;
    while rows.len() + 1 > height.max(2) {
        let Some(worst) = rows.iter().map(|row| row.rank).max() else {
            break;
        };
        let Some(place) = rows.iter().rposition(|row| row.rank == worst) else {
            break;
        };
        rows.remove(place);
        hidden += 1;
    }
    if rows.len() < height {
        let text = palette.symbol("…", "...");
        let text = format!("{text} {hidden} more");
        rows.push(Row {
            rank: Rank::Rest,
            text: palette.dim(&text),
        });
    }
    rows.truncate(height);
    rows
}
