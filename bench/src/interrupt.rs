//! The end that somebody else asks for: every process group that was started gets it too.
//!
//! A signal ends nothing of this program itself. It ends the children, so whoever waits for one goes
//! on, sees here that the run is over, and returns through everything that has to be cleaned up.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

struct State {
    interrupted: bool,
    groups: BTreeSet<i32>,
}

static STATE: Mutex<State> = Mutex::new(State {
    interrupted: false,
    groups: BTreeSet::new(),
});
static CHANGED: Condvar = Condvar::new();

fn state() -> MutexGuard<'static, State> {
    // Nothing that could panic is done under the lock.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to listen for SIGINT, SIGTERM and SIGHUP. The first asks the children to end, the second
/// kills them.
///
/// # Errors
/// When the handlers can't be installed.
pub fn listen() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("listening for signals")?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async {
            let mut ending = Signal::SIGTERM;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                end_all(ending);
                ending = Signal::SIGKILL;
            }
        });
    });
    Ok(())
}

fn end_all(ending: Signal) {
    let mut state = state();
    state.interrupted = true;
    for group in &state.groups {
        // It may have ended in between.
        let _ = killpg(Pid::from_raw(*group), ending);
    }
    CHANGED.notify_all();
}

/// Returns an error once the run was interrupted.
pub fn check() -> Result<()> {
    if state().interrupted {
        bail!("interrupted");
    }
    Ok(())
}

/// Waits, unless the run is or gets interrupted.
pub fn pause(time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    let mut state = state();
    loop {
        if state.interrupted {
            bail!("interrupted");
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        (state, _) = CHANGED
            .wait_timeout(state, left)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// A process group that ends with the run. Whoever has it ends it before dropping it.
#[derive(Debug)]
pub struct Group(Pid);

impl Group {
    /// Takes over the group that a started process leads.
    pub fn of(leader: u32) -> Group {
        let pid = Pid::from_raw(leader.cast_signed());
        let mut state = state();
        state.groups.insert(pid.as_raw());
        if state.interrupted {
            let _ = killpg(pid, Signal::SIGTERM);
        }
        Group(pid)
    }

    /// Asks it to end.
    pub fn ask(&self) {
        let _ = killpg(self.0, Signal::SIGTERM);
    }

    /// Ends it.
    pub fn kill(&self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        state().groups.remove(&self.0.as_raw());
    }
}
