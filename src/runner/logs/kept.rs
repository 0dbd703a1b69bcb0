//! The ends of logs, within bounds: each bound that is hit leaves a mark.

use std::collections::VecDeque;
use std::str::Chars;

/// Lines kept of one instance of a container.
const LINES: usize = 50;
/// Bytes kept of one instance of a container.
const BYTES: usize = 32 * 1024;
/// Bytes kept of one line.
const LINE: usize = 2 * 1024;

/// The end of one log.
#[derive(Debug, Default)]
pub struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
    /// Lines before those that are kept.
    dropped: usize,
    /// Why there is no more of it, where there was more.
    lost: Option<String>,
}

impl Kept {
    pub fn push(&mut self, line: &str) {
        let line = cut(line);
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(first) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= first.len();
            self.dropped += 1;
        }
    }

    pub fn lose(&mut self, why: &str) {
        self.lost = Some(why.to_owned());
    }

    /// The container printed something, or something can be said of what it printed.
    pub fn says_something(&self) -> bool {
        !self.lines.is_empty() || self.lost.is_some()
    }

    /// The last lines, with marks for what is left out before and lost behind them.
    pub fn tail(&self, count: usize) -> Vec<String> {
        let skipped = self.lines.len().saturating_sub(count);
        let before = match self.dropped + skipped {
            0 => None,
            1 => Some("[1 line before]".to_owned()),
            more => Some(format!("[{more} lines before]")),
        };
        let lines = self.lines.iter().skip(skipped).cloned();
        let lost = self.lost.as_ref().map(|why| mark(why));
        before.into_iter().chain(lines).chain(lost).collect()
    }
}

/// As a note of ours stands among a container's lines.
pub fn mark(note: &str) -> String {
    format!("[{note}]")
}

/// A line without colours and whatever else a terminal would act on (ECMA-48: control sequences
/// end with a letter or one of a few signs, control strings with BEL or ST).
pub fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                Some('[') => skip_sequence(&mut rest),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut rest),
                _ => {}
            },
            '\u{9b}' => skip_sequence(&mut rest),
            '\t' => text.push(c),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

fn skip_sequence(rest: &mut Chars<'_>) {
    let _end = rest.find(|c| matches!(c, '@'..='~'));
}

fn skip_string(rest: &mut Chars<'_>) {
    let end = rest.find(|c| matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}'));
    if end == Some('\u{1b}') {
        let _st = rest.next();
    }
}

fn cut(line: &str) -> String {
    if line.len() <= LINE {
        return line.to_owned();
    }
    let starts = line.char_indices().map(|(at, _)| at);
    let end = starts.take_while(|at| *at <= LINE).last().unwrap_or(0);
    format!("{} [... {} bytes cut]", &line[..end], line.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_kept_and_the_rest_is_counted() {
        let mut kept = Kept::default();
        for number in 0..LINES + 10 {
            kept.push(&format!("line {number}"));
        }
        assert_eq!(
            kept.tail(2),
            ["[58 lines before]", "line 58", "line 59"].map(String::from)
        );
        assert_eq!(kept.tail(LINES).len(), LINES + 1);
        assert_eq!(kept.tail(LINES)[0], "[10 lines before]");
    }

    #[test]
    fn a_log_that_is_whole_bears_no_mark() {
        let mut kept = Kept::default();
        assert!(!kept.says_something());
        kept.push("one");
        assert_eq!(kept.tail(5), ["one"]);
        kept.lose("its pod is gone");
        assert_eq!(kept.tail(5), ["one", "[its pod is gone]"]);
    }

    #[test]
    fn bytes_are_bound_too() {
        let mut kept = Kept::default();
        for _ in 0..LINES {
            kept.push(&"ä".repeat(10_000));
        }
        let tail = kept.tail(LINES);
        assert_eq!(tail[0], "[35 lines before]");
        assert!(tail[1].ends_with("ä [... 17952 bytes cut]"), "{}", tail[1]);
        assert!(tail.iter().map(String::len).sum::<usize>() <= BYTES + 100);
    }

    #[test]
    fn nothing_is_left_that_a_terminal_would_act_on() {
        let line =
            "\u{1b}[1;31mred\u{1b}[0m\tand \u{7}bell\u{1b}]0;title\u{7}!\u{1b}]8;;x\u{1b}\\?";
        assert_eq!(plain(line), "red\tand bell!?");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }
}
