//! How much the charts of a stack may be, all together: a few links that lead to each other's folders, or
//! dependencies that share theirs, multiply without end.

use std::cell::Cell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::StageError;
use crate::files;
use crate::wording;

/// Of one file; helm takes no chart that is larger (`pkg/chart/loader/archive`).
pub const LARGEST_FILE: u64 = 100 * 1024 * 1024;
const BYTES: u64 = 512 * 1024 * 1024;
/// Files and folders; of 149 public charts the largest has some 2,000 with all its dependencies.
const ENTRIES: u64 = 50_000;
/// Folders in folders, charts in charts included.
const DEPTH: usize = 32;
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    File,
    Bytes,
    Entries,
    Depth,
    Time,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::File => write!(f, "a file of more than {}", wording::bytes(LARGEST_FILE)),
            Limit::Bytes => write!(f, "more than {} in all", wording::bytes(BYTES)),
            Limit::Entries => write!(f, "more than {ENTRIES} files and folders in all"),
            Limit::Depth => write!(f, "folders that are nested deeper than {DEPTH}"),
            Limit::Time => {
                let patience = wording::duration(PATIENCE);
                write!(f, "more than can be copied in {patience}")
            }
        }
    }
}

/// What is left of it.
#[derive(Debug)]
pub struct Allowance {
    /// The folder that everything is copied to.
    root: PathBuf,
    entries: Cell<u64>,
    bytes: Cell<u64>,
    stop: CancellationToken,
}

impl Allowance {
    pub fn new(root: PathBuf, stop: CancellationToken) -> Allowance {
        Allowance {
            root,
            entries: Cell::new(ENTRIES),
            bytes: Cell::new(BYTES),
            stop,
        }
    }

    #[cfg(test)]
    pub fn with_entries(self, entries: u64) -> Allowance {
        self.entries.set(entries);
        self
    }

    /// Makes a folder below the root, and those above it.
    pub fn folder(&self, to: &Path) -> Result<(), StageError> {
        let below = to.strip_prefix(&self.root).unwrap_or(to);
        if below.components().count() > DEPTH {
            return Err(passed(to, Limit::Depth));
        }
        self.count(to)?;
        std::fs::create_dir_all(to).map_err(|error| StageError::File {
            file: to.to_owned(),
            error,
        })
    }

    /// Copies a file.
    pub fn file(&self, from: &Path, to: &Path) -> Result<(), StageError> {
        self.count(from)?;
        let left = self.bytes.get();
        let size = from.metadata().map_or(0, |it| it.len());
        // A sparse file costs nothing, and its copy all that it says.
        if size > LARGEST_FILE {
            return Err(passed(from, Limit::File));
        }
        if size > left {
            return Err(passed(from, Limit::Bytes));
        }
        let goes_on = || !self.stop.is_cancelled();
        let copied = files::copy(from, to, left.min(LARGEST_FILE), &goes_on);
        let copied = copied.map_err(|error| StageError::File {
            file: from.to_owned(),
            error,
        })?;
        self.bytes.set(left.saturating_sub(copied));
        Ok(())
    }

    fn count(&self, path: &Path) -> Result<(), StageError> {
        if self.stop.is_cancelled() {
            return Err(StageError::Stopped);
        }
        match self.entries.get().checked_sub(1) {
            Some(left) => self.entries.set(left),
            None => return Err(passed(path, Limit::Entries)),
        }
        Ok(())
    }
}

fn passed(path: &Path, limit: Limit) -> StageError {
    StageError::TooMuch {
        path: path.to_owned(),
        limit,
    }
}
