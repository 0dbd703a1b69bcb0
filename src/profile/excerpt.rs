use unicode_width::UnicodeWidthChar;

/// The widest piece of a source line that is shown, in terminal cells.
const WINDOW: usize = 100;

/// How much of a window lies before the caret when a long line is cut.
const LEAD: usize = 40;

/// A source line as it is shown below an error, with a caret under what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line in the file, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The line without its break, safe for a terminal: tabs are spaces, control
    /// characters are `U+FFFD`. Of a long line only a window round the caret, with `…`
    /// where it was cut.
    pub text: String,
    /// Terminal cells of `text` before the caret.
    pub caret: usize,
    /// Terminal cells to underline, at least 1.
    pub width: usize,
}

impl Excerpt {
    /// Cuts the window of `source_line` that shows `length` characters from `column` on.
    /// A column behind the end means the end.
    pub(super) fn of(source_line: &str, line: usize, column: usize, length: usize) -> Excerpt {
        let cells: Vec<Cell> = source_line.chars().map(Cell::showing).collect();
        let at = column.saturating_sub(1).min(cells.len());
        let before = width_of(&cells[..at]);
        let total = width_of(&cells);

        let start = if total > WINDOW && before > LEAD {
            first_within(&cells[..at], LEAD)
        } else {
            0
        };
        let end = start + last_within(&cells[start..], WINDOW);

        let mut text = String::new();
        let mut caret = width_of(&cells[start..at]);
        if start > 0 {
            text.push('…');
            caret += 1;
        }
        text.extend(cells[start..end].iter().map(|cell| cell.shown));
        if end < cells.len() {
            text.push('…');
        }
        let underlined = at..at.saturating_add(length).clamp(at, end.max(at));
        Excerpt {
            line,
            column: at + 1,
            text,
            caret,
            width: width_of(&cells[underlined]).max(1),
        }
    }
}

struct Cell {
    shown: char,
    width: usize,
}

impl Cell {
    fn showing(written: char) -> Cell {
        let shown = match written {
            '\t' => ' ',
            other => printable(other),
        };
        Cell {
            shown,
            width: shown.width().unwrap_or(1),
        }
    }
}

/// The character itself, or `U+FFFD` for one that could steer a terminal: control
/// characters and the marks that turn the direction of text.
pub(super) fn printable(character: char) -> char {
    match character {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    }
}

fn width_of(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.width).sum()
}

/// The first index from which the rest is at most `limit` wide.
fn first_within(cells: &[Cell], limit: usize) -> usize {
    let mut width = 0;
    let fitting = cells.iter().rev().take_while(|cell| {
        width += cell.width;
        width <= limit
    });
    cells.len() - fitting.count()
}

/// How many cells from the front on are together at most `limit` wide.
fn last_within(cells: &[Cell], limit: usize) -> usize {
    let mut width = 0;
    let fitting = cells.iter().take_while(|cell| {
        width += cell.width;
        width <= limit
    });
    fitting.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(excerpt: &Excerpt) -> String {
        let pad = " ".repeat(excerpt.caret);
        format!("{}\n{pad}{}", excerpt.text, "^".repeat(excerpt.width))
    }

    #[test]
    fn a_short_line_is_shown_whole() {
        assert_eq!(
            drawn(&Excerpt::of("name: Oro", 1, 7, 3)),
            "name: Oro\n      ^^^"
        );
    }

    #[test]
    fn a_wide_character_takes_two_cells() {
        assert_eq!(drawn(&Excerpt::of("名: 値", 1, 4, 1)), "名: 値\n    ^^");
    }

    #[test]
    fn a_long_line_is_cut_round_the_caret() {
        let line = format!("{}here{}", "a".repeat(5000), "b".repeat(5000));
        let excerpt = Excerpt::of(&line, 1, 5001, 4);
        assert_eq!(
            drawn(&excerpt),
            format!(
                "…{}here{}…\n{}^^^^",
                "a".repeat(40),
                "b".repeat(56),
                " ".repeat(41)
            )
        );
        assert_eq!(excerpt.column, 5001);
    }

    #[test]
    fn what_reaches_behind_the_window_is_underlined_up_to_its_edge() {
        let excerpt = Excerpt::of(&"a".repeat(500), 1, 91, 400);
        assert_eq!(excerpt.caret + excerpt.width, 101);
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        let excerpt = Excerpt::of("\u{1b}[31m\tred\u{202e}", 1, 99, 1);
        assert_eq!(excerpt.text, "\u{fffd}[31m red\u{fffd}");
        assert_eq!(excerpt.column, 11);
    }
}
