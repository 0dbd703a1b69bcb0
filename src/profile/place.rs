use std::fmt;

/// Which of the loaded files a place lies in; an index into [`Sources`](super::Sources).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct SourceId(pub(super) u32);

/// Where something was written: a file, a line, a column and how far it reaches.
///
/// A place is small and copied about freely; [`Profile::error_at`](super::Profile::error_at)
/// turns it into a diagnostic with the source line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub(super) source: SourceId,
    line: u32,
    column: u32,
    length: u32,
}

impl Place {
    /// The place of one character in the profile file itself. Lines and columns count from 1.
    pub fn at(line: usize, column: usize) -> Place {
        Place::spanning(SourceId::default(), line, column, 1)
    }

    /// A place of `length` characters. Numbers that don't fit are cut: a profile's
    /// size is bounded long before.
    pub(super) fn spanning(source: SourceId, line: usize, column: usize, length: usize) -> Place {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place {
            source,
            line: narrow(line),
            column: narrow(column),
            length: narrow(length),
        }
    }

    /// Of two places the one in the profile that lies over the other's; else this one.
    pub(super) fn or_above(self, other: Place) -> Place {
        if other.source < self.source {
            other
        } else {
            self
        }
    }

    /// The line, counted from 1.
    pub fn line(self) -> usize {
        self.line as usize
    }

    /// The column in characters (not bytes), counted from 1. A byte order mark is not counted.
    pub fn column(self) -> usize {
        self.column as usize
    }

    /// How many characters from the column on belong to it, on this line at least one.
    pub(super) fn length(self) -> usize {
        self.length as usize
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
