//! Which lines of a log have been given already, so that a stream that is opened again gives the
//! rest.

use std::collections::HashMap;

use jiff::Timestamp;

/// The API takes a moment in whole seconds, so the lines of the last second come again: they are
/// known by their nanoseconds, and by their number where several share them.
#[derive(Default)]
pub(in crate::cluster) struct Seen {
    second: Option<i64>,
    /// Lines given of that second.
    given: HashMap<Timestamp, u32>,
    /// Those of them that are still to come again.
    again: HashMap<Timestamp, u32>,
    reopened: bool,
}

impl Seen {
    /// From when a stream is to be opened, and that it is.
    pub fn reopen(&mut self) -> Option<Timestamp> {
        self.again.clone_from(&self.given);
        self.reopened = self.second.is_some();
        self.second.and_then(|s| Timestamp::from_second(s).ok())
    }

    /// A stream has been opened again after lines were given.
    pub fn is_reopened(&self) -> bool {
        self.reopened
    }

    /// Whether the line is to be given; if so, it counts as given.
    pub fn is_new(&mut self, at: Timestamp) -> bool {
        if let Some(left) = self.again.get_mut(&at).filter(|left| **left > 0) {
            *left -= 1;
            return false;
        }
        let second = at.as_second();
        let last = *self.second.get_or_insert(second);
        if second < last {
            // Older than what was asked for: the server knows no better, or lines that two
            // threads wrote have changed places.
            return !self.reopened;
        }
        if second > last {
            self.second = Some(second);
            self.given.clear();
        }
        *self.given.entry(at).or_default() += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give(seen: &mut Seen, stamps: &[&str]) -> Vec<bool> {
        let new = |stamp: &&str| {
            let at = format!("2026-10-01T12:00:{stamp}Z").parse().unwrap();
            seen.is_new(at)
        };
        stamps.iter().map(new).collect()
    }

    #[test]
    fn the_last_second_comes_again_and_is_skipped() {
        let mut seen = Seen::default();
        assert_eq!(seen.reopen(), None);
        give(&mut seen, &["01.5", "02.1", "02.2"]);
        let from = seen.reopen().unwrap();
        assert_eq!(from.to_string(), "2026-10-01T12:00:02Z");
        assert_eq!(
            give(&mut seen, &["02.1", "02.2", "02.3"]),
            [false, false, true]
        );
        seen.reopen();
        assert_eq!(
            give(&mut seen, &["02.1", "02.2", "02.3", "03"]),
            [false, false, false, true]
        );
    }

    #[test]
    fn lines_of_one_nanosecond_are_counted() {
        let mut seen = Seen::default();
        give(&mut seen, &["02.1", "02.1"]);
        seen.reopen();
        assert_eq!(
            give(&mut seen, &["02.1", "02.1", "02.1"]),
            [false, false, true]
        );
    }

    #[test]
    fn a_server_that_begins_too_early_does_no_harm() {
        let mut seen = Seen::default();
        give(&mut seen, &["01", "02"]);
        seen.reopen();
        assert_eq!(give(&mut seen, &["01", "02", "03"]), [false, false, true]);
    }

    #[test]
    fn lines_that_changed_places_are_given() {
        let mut seen = Seen::default();
        assert_eq!(give(&mut seen, &["02.000", "01.999"]), [true, true]);
    }
}
