//! Locks between processes, by `flock`: the kernel lets go of them whatever way a process ends.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held only for what closing it does")] File);

fn open(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(path)
        .with_context(|| format!("opening the lock `{}`", path.display()))
}

/// Takes the lock, waiting for whoever has it. Calls `waiting` first if it has to wait.
///
/// # Errors
/// When the file can't be opened or locked.
pub fn take(path: &Path, waiting: impl FnOnce()) -> Result<Lock> {
    if let Some(lock) = try_take(path)? {
        return Ok(lock);
    }
    waiting();
    let file = open(path)?;
    flock(&file, FlockOperation::LockExclusive)
        .with_context(|| format!("locking `{}`", path.display()))?;
    Ok(Lock(file))
}

/// Takes the lock if nobody has it.
///
/// # Errors
/// When the file can't be opened or locked.
pub fn try_take(path: &Path) -> Result<Option<Lock>> {
    let file = open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Lock(file))),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("locking `{}`", path.display())),
    }
}

/// Returns whether some process holds the lock.
///
/// # Errors
/// When the file can't be opened or locked.
pub fn is_held(path: &Path) -> Result<bool> {
    Ok(path.exists() && try_take(path)?.is_none())
}
