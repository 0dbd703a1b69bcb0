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

/// The memory of one log: texts by their hashes, digits apart, so that counters and times make
/// nothing new.
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

fn text(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut in_number = false;
    for c in line.trim().chars() {
        let is_digit = c.is_ascii_digit();
        if !(is_digit && in_number) {
            (if is_digit { '0' } else { c }).hash(&mut hasher);
        }
        in_number = is_digit;
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
    fn numbers_make_nothing_new() {
        let lines = (8..12).map(|n| format!("12:00:{n} waiting for db, try {n}"));
        assert!(heard(lines).from().is_some());
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
