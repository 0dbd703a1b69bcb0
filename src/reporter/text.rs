//! Foreign text made safe for a terminal, and text made to fit.

use console::{measure_text_width, truncate_str};
use unicode_width::UnicodeWidthChar;

use crate::output::{Palette, completed, harmless};

/// One line as the stream would write it ([`harmless`]), so that its width is known before.
pub fn clean(text: &str) -> String {
    let stripped = console::strip_ansi_codes(text);
    let line = stripped.trim_end_matches(['\r', '\n']);
    harmless(&line.replace(['\r', '\n'], " "))
}

/// A sentence of ours, [`clean`], with its commands [`completed`].
pub fn told(text: &str) -> String {
    clean(&completed(text))
}

/// A line of a log, [`clean`]. Of a progress bar that redraws itself only the last state stays.
pub fn clean_log(line: &str) -> String {
    let stripped = console::strip_ansi_codes(line);
    let line = stripped.trim_end_matches(['\r', '\n']);
    clean(line.rsplit('\r').next().unwrap_or_default())
}

/// At most `width` columns, with an ellipsis in place of the rest. Escape codes of our own
/// palette take no room.
pub fn fit(text: &str, width: usize, palette: &Palette) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let ellipsis = palette.symbol("…", "...");
    if width <= ellipsis.chars().count() {
        return truncate_str(text, width, "").into_owned();
    }
    truncate_str(text, width, ellipsis).into_owned()
}

/// Foreign text at most this long; says how much is missing.
pub fn bounded(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else {
        return text.to_owned();
    };
    let missing = crate::wording::count(text[end..].chars().count(), "more character");
    format!("{} (and {missing})", &text[..end])
}

/// Broken at spaces into lines of at most `width` columns; a word that is longer is cut. Words
/// may be coloured if they aren't longer than a line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        if used > 0 && used + 1 + measure_text_width(word) > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        } else if used > 0 {
            line.push(' ');
            used += 1;
        }
        let needed = measure_text_width(word);
        if needed <= width.saturating_sub(used) {
            line.push_str(word);
            used += needed;
            continue;
        }
        for c in word.chars() {
            let step = c.width().unwrap_or(0);
            if used > 0 && used + step > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += step;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_loses_its_powers() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m plain"), "red plain");
        assert_eq!(clean("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(
            clean("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\"),
            "link"
        );
        assert_eq!(clean("a\tb\u{7}\u{0}c\u{9b}2Jd\r\n"), "a    bcd");
        assert_eq!(clean("exit code 3: a\rb\r\n"), "exit code 3: a b");
        assert_eq!(clean_log("10%\r50%\r100%\r"), "100%");
        assert_eq!(clean("a\u{202e}b\u{2028}c"), "abc");
        assert_eq!(clean("lone \u{1b}"), "lone ");
    }

    #[test]
    fn text_fits_its_width_wide_characters_too() {
        let unicode = Palette {
            color: false,
            unicode: true,
        };
        assert_eq!(fit("abcdef", 6, &unicode), "abcdef");
        assert_eq!(fit("abcdef", 5, &unicode), "abcd…");
        assert_eq!(fit("日本語日本語", 6, &unicode), "日本…");
        assert_eq!(fit("abcdef", 5, &Palette::default()), "ab...");
        assert_eq!(fit("abcdef", 2, &Palette::default()), "ab");
        assert_eq!(fit("abcdef", 0, &unicode), "");
    }

    #[test]
    fn wrapping_breaks_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_bounded_text_says_what_is_missing() {
        assert_eq!(bounded("äöü", 3), "äöü");
        assert_eq!(bounded("äöüx", 3), "äöü (and 1 more character)");
    }
}
