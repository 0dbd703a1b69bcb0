//! The edge where text leaves the program: whatever a cluster, a chart or a container says is text
//! there and nothing more, neither to a terminal nor to a CI runner that reads what we write.
//!
//! Runners take lines for commands. GitHub's: `::` at the beginning of a line, blanks before it
//! skipped, and `##[` anywhere (`ActionCommand.cs` of actions/runner). Azure's: `##vso[` and `##[`
//! anywhere. GitLab's: `section_start:` and `section_end:` where CR and an escape sequence follow,
//! which no control character survives. The first two search as .NET compares texts, to which
//! invisible characters are nothing, so these don't tell two signs apart here either.

use std::fmt::Write;

use console::AnsiCodeIterator;
use serde::Serialize;

use crate::mask;

/// What is written, and so how it is made harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// For people: control characters go, and a space parts what a runner would take for a command
    /// (`: :`, `## [`). Of colours only those that we use ourselves stay, to the end of their line.
    Text { colors: bool },
    /// The same values, with escapes in the strings that hold such characters.
    Json,
    /// As JSON, provided that such strings are in double quotes.
    Yaml,
}

/// How far a line is on its way to a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    Colon,
    Hash,
    /// `##`, with or without a word behind it.
    Hashes,
    Within,
}

/// Makes a text harmless that comes piece by piece.
#[derive(Debug)]
pub struct Edge {
    content: Content,
    at: At,
    colored: bool,
}

/// One text for people, without colours.
pub fn harmless(text: &str) -> String {
    Edge::new(Content::Text { colors: false }).pass(text)
}

/// Whether a string needs double quotes in YAML, for [`Content::Yaml`] to escape what is in it.
pub fn needs_escapes(text: &str) -> bool {
    text.contains('\n') || harmless(text) != text
}

/// As JSON without what is secret, on one line; for [`Content::Json`].
///
/// # Errors
/// It is nothing that JSON can say.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let known = mask::known();
    let mut value = serde_json::to_value(value)?;
    known.mask(&mut value);
    Ok(value.to_string())
}

impl Edge {
    pub fn new(content: Content) -> Edge {
        Edge {
            content,
            at: At::Start,
            colored: false,
        }
    }

    pub fn pass(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        match self.content {
            Content::Text { colors } => {
                let known = mask::known();
                let text = known.masked(text);
                for (part, is_code) in AnsiCodeIterator::new(&text) {
                    if !is_code {
                        part.chars().for_each(|c| self.text(c, &mut out));
                    } else if colors && is_ours(part) {
                        self.colored = part != RESET;
                        out.push_str(part);
                    }
                }
            }
            Content::Json | Content::Yaml => text.chars().for_each(|c| self.data(c, &mut out)),
        }
        out
    }

    fn text(&mut self, c: char, out: &mut String) {
        match c {
            '\n' if std::mem::take(&mut self.colored) => out.push_str(RESET),
            '\t' => {
                self.step(' ');
                return out.push_str("    ");
            }
            '\n' => {}
            c if c.is_control() || (is_invisible(c) && !joins(c)) => return,
            _ => {}
        }
        if self.step(c) {
            out.push(' ');
        }
        out.push(c);
    }

    fn data(&mut self, c: char, out: &mut String) {
        let command = self.step(c) && c == '[';
        if c == '\n' || !(command || c.is_control() || (is_invisible(c) && !joins(c))) {
            return out.push(c);
        }
        // Writing to a String can't fail.
        let _ = match (self.content, u32::from(c)) {
            (Content::Yaml, code @ 0x1_0000..) => write!(out, "\\U{code:08x}"),
            _ => {
                let mut units = [0; 2];
                let mut units = c.encode_utf16(&mut units).iter();
                units.try_for_each(|unit| write!(out, "\\u{unit:04x}"))
            }
        };
    }

    /// Takes in a character; returns whether it would complete the beginning of a command.
    fn step(&mut self, c: char) -> bool {
        let (next, completes) = match (self.at, c) {
            (at, c) if is_invisible(c) => (at, false),
            (_, '\n') => (At::Start, false),
            (At::Start, c) if c.is_whitespace() => (At::Start, false),
            (At::Start, ':') => (At::Colon, false),
            (At::Colon, ':') => (At::Within, true),
            (At::Hash | At::Hashes, '#') => (At::Hashes, false),
            (At::Hashes, '[') => (At::Within, true),
            (At::Hashes, c) if c.is_alphanumeric() => (At::Hashes, false),
            (_, '#') => (At::Hash, false),
            _ => (At::Within, false),
        };
        self.at = next;
        completes
    }
}

const RESET: &str = "\x1b[0m";

/// A code that sets no more than a weight or a colour of the foreground, as our palette, clap and
/// the developers' log do.
fn is_ours(code: &str) -> bool {
    let inner = code
        .strip_prefix("\x1b[")
        .and_then(|it| it.strip_suffix('m'));
    inner.is_some_and(|inner| match inner.strip_prefix("38;5;") {
        Some(color) => color.parse::<u8>().is_ok_and(|color| color < 16),
        None => inner
            .parse::<u8>()
            .is_ok_and(|code| matches!(code, 0..=4 | 22 | 31..=37 | 90..=97)),
    })
}

/// Without a width and a meaning of its own, or there to change the direction of reading: Unicode's
/// `Default_Ignorable_Code_Point`, the separators of lines and paragraphs and what annotates.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What joins letters and chooses the form of a sign: writing needs it.
fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether a runner would take a line of it for a command, as their sources search for one.
    fn is_command(text: &str) -> bool {
        let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        let mut lines = seen.split(['\n', '\r']);
        let section = |at: &str| {
            seen.match_indices(at)
                .any(|(from, _)| seen[from..].contains('\r'))
        };
        lines.any(|line| {
            line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[")
        }) || section("section_start:")
            || section("section_end:")
    }

    fn has_controls(text: &str) -> bool {
        text.chars()
            .any(|c| (c.is_control() && c != '\n') || (is_invisible(c) && !joins(c)))
    }

    #[test]
    fn commands_of_runners_are_parted_and_stay_readable() {
        let cases = [
            ("    ::add-mask::x", "    : :add-mask::x"),
            ("a\n\u{a0} ::error::b", "a\n\u{a0} : :error::b"),
            ("a | i: ##vso[task.x]y", "a | i: ##vso [task.x]y"),
            ("##[group]a", "## [group]a"),
            ("a ###[b]", "a ### [b]"),
            ("#\u{ad}#\u{200d}vso\u{feff}[a]", "##\u{200d}vso [a]"),
            (":\u{200b}:a", ": :a"),
            (
                "section_start:1:a[collapsed=true]\r\x1b[0Kb",
                "section_start:1:a[collapsed=true]b",
            ),
            ("std::env # [a] a[#]", "std::env # [a] a[#]"),
            ("a\u{9b}2Jb\u{7f}\u{85}c\u{202e}d\te\r", "abcd    e"),
            ("\x1b[8mhidden\x1b]0;t\x07", "hidden"),
        ];
        for (text, expected) in cases {
            assert_eq!(harmless(text), expected);
            assert_eq!(harmless(expected), expected, "once is enough");
        }
    }

    #[test]
    fn only_our_colours_stay_and_end_with_their_line() {
        let mut edge = Edge::new(Content::Text { colors: true });
        assert_eq!(
            edge.pass("\x1b[31ma\x1b[0m \x1b[38;5;12mb\nc\x1b[7md\x1b[2Je"),
            "\x1b[31ma\x1b[0m \x1b[38;5;12mb\x1b[0m\ncde"
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_is_a_command(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("::".to_owned()), Just(":".to_owned()), Just("#".to_owned()),
                    Just("##".to_owned()), Just("[".to_owned()), Just("vso[".to_owned()),
                    Just("\n ".to_owned()), Just("\r".to_owned()), Just("\x1b[0K".to_owned()),
                    Just("\x1b[31m".to_owned()), Just("\u{ad}".to_owned()), Just("\x1b".to_owned()),
                    Just("section_start:1:a".to_owned()), "\\PC{0,3}", any::<String>(),
                ],
                0..12,
            )
        ) {
            let whole = pieces.concat();
            let mut edge = Edge::new(Content::Text { colors: false });
            let by_piece: String = pieces.iter().map(|piece| edge.pass(piece)).collect();
            for text in [harmless(&whole), by_piece] {
                prop_assert!(!is_command(&text), "{:?}", text);
                prop_assert!(!has_controls(&text), "{:?}", text);
            }
            for json in [
                serde_json::to_string(&[&whole]).unwrap(),
                serde_json::to_string_pretty(&[&whole]).unwrap(),
            ] {
                let safe = Edge::new(Content::Json).pass(&json);
                prop_assert!(!is_command(&safe) && !has_controls(&safe), "{:?}", safe);
                let back: Vec<String> = serde_json::from_str(&safe).unwrap();
                prop_assert_eq!(&back[0], &whole);
            }
        }
    }
}
