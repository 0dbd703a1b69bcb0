//! Whether a container prints anything new: one that waits for something in vain says the same
//! again and again.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

/// Texts that are remembered of one log.
const TEXTS: usize = 64;
/// Lines in a row that were not new.
const REPEATS: u32 = 3;
/// How long nothing new has come.
const SILENCE: Duration = Duration::from_secs(5);

/// The memory of one log: texts by their hashes.
#[derive(Debug)]
pub struct Repeats {
    texts: VecDeque<u64>,
    /// When the last new line came.
    new_at: Instant,
    repeats: u32,
    /// What it printed last.
    last: String,
}

impl Repeats {
    pub fn new(now: Instant) -> Repeats {
        Repeats {
            texts: VecDeque::new(),
            new_at: now,
            repeats: 0,
            last: String::new(),
        }
    }

    pub fn heard(&mut self, line: &str, now: Instant) {
        let text = text(line);
        line.clone_into(&mut self.last);
        if let Some(at) = self.texts.iter().position(|known| *known == text) {
            self.texts.remove(at);
            self.repeats += 1;
        } else {
            self.new_at = now;
            self.repeats = 0;
            if self.texts.len() == TEXTS {
                self.texts.pop_front();
            }
        }
        self.texts.push_back(text);
    }

    /// From when on it only repeats itself, unless something new comes before.
    pub fn from(&self) -> Option<Instant> {
        (self.repeats >= REPEATS).then(|| self.new_at + SILENCE)
    }

    /// What it keeps printing.
    pub fn last(&self) -> &str {
        &self.last
    }
}

/// A line without the time it may begin with. Other numbers count: `12000 rows` after `11000 rows`
/// is work that goes on.
fn text(line: &str) -> u64 {
    let is_time = |word: &&str| {
        let word = word.trim_matches(['[', ']', '(', ')', ',', '=', '"']);
        let digits = word.chars().filter(char::is_ascii_digit).count();
        digits >= 4 && word.contains(':') && word.chars().all(|c| !c.is_lowercase())
            || digits >= 6 && word.contains(['-', '/']) && !word.contains(char::is_alphabetic)
    };
    let mut hasher = DefaultHasher::new();
    for word in line.split_whitespace().skip_while(is_time) {
        word.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: impl IntoIterator<Item = String>) -> Repeats {
        let now = Instant::now();
        let mut repeats = Repeats::new(now);
        for line in lines {
            repeats.heard(&line, now);
        }
        repeats
    }

    #[test]
    fn the_time_before_it_makes_nothing_new() {
        let clock = (8..12).map(|n| format!("12:00:{n:02} waiting for db"));
        assert!(heard(clock).from().is_some());
        let full = (8..12).map(|n| format!("[2026-11-22T12:00:{n:02}.5Z] waiting for db"));
        assert!(heard(full).from().is_some());
        let date = (8..12).map(|n| format!("2026-11-22 12:00:{n:02},123 waiting for db"));
        assert!(heard(date).from().is_some());
    }

    #[test]
    fn numbers_that_move_are_work() {
        assert!(
            heard((8..12).map(|n| format!("{n}000 rows")))
                .from()
                .is_none()
        );
        assert!(heard((8..12).map(|n| format!("step {n}"))).from().is_none());
    }

    #[test]
    fn a_few_repeats_are_none() {
        let lines = |count: usize| heard(vec!["waiting".to_owned(); count]);
        assert!(lines(3).from().is_none());
        assert!(lines(4).from().is_some());
    }

    #[test]
    fn several_lines_may_take_turns() {
        let round = ["connecting", "refused", "sleeping"].map(String::from);
        assert!(heard(round.clone()).from().is_none());
        assert!(heard([round.clone(), round].concat()).from().is_some());
    }

    #[test]
    fn progress_is_new() {
        let word = |n: u32| format!("step {}", ('a'..='z').nth(n as usize % 26).unwrap());
        assert!(heard((0..26).map(word)).from().is_none());
    }

    #[test]
    fn what_was_forgotten_is_new_again() {
        let letters = || (0..=TEXTS).map(|n| "x".repeat(n + 1));
        let repeats = heard(letters().chain(letters()));
        assert!(repeats.from().is_none());
        assert_eq!(repeats.texts.len(), TEXTS);
    }
}
