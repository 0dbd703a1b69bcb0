//! A program with all that it starts: a small process of ours stands between, adopts what the program
//! leaves behind, and ends it all together. It holds one end of a pipe whose other end is ours, so it
//! knows that we are gone, whatever has ended us.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, PipeWriter, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::LEASH_VERB;

/// How long all that is asked to end may take for it once we are gone: less than a Lease's term, after
/// which another run may start the same program.
const GRACE: Duration = Duration::from_secs(5);
const GENTLY: u8 = b't';
const NOW: u8 = b'k';

/// Set once everything is to be killed: what a dying process has started in between is killed too.
static KILLS: AtomicBool = AtomicBool::new(false);

/// Our end of the pipe. Dropping it ends the tree as our death does.
#[derive(Debug)]
pub struct Handle(pub PipeWriter);

impl Handle {
    /// Asks all of it to end.
    pub fn stop(&mut self) {
        self.send(GENTLY);
    }

    /// Kills all of it.
    pub fn kill(&mut self) {
        self.send(NOW);
    }

    fn send(&mut self, what: u8) {
        // It may have ended in between; then there is nobody left to tell.
        let _ = self.0.write_all(&[what]);
    }
}

/// Runs `program` to its end, and ends what it has left at work then. Called by the hidden verb
/// [`super::TREE_VERB`], whose standard input is the pipe.
///
/// # Errors
/// The program can't be started, or the kernel adopts nothing for us.
pub fn run(program: &OsStr, args: &[OsString]) -> io::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    // Should this process be killed by itself, the program is at least asked to end.
    let own = super::own_binary().ok_or_else(|| io::Error::other("it has no binary"))?;
    let child = Command::new(own)
        .arg(LEASH_VERB)
        .arg(std::process::id().to_string())
        .arg(program)
        .args(args)
        .stdin(Stdio::null())
        .spawn()?;
    let child = Pid::from_raw(child.id().cast_signed());
    std::thread::spawn(listen);
    let mut code = 0;
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, status)) if pid == child => {
                code = u8::try_from(status).unwrap_or(u8::MAX);
                KILLS.store(true, Ordering::SeqCst);
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                // As a shell reports it.
                code = 128 + u8::try_from(signal as i32).unwrap_or_default();
                KILLS.store(true, Ordering::SeqCst);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            // Nothing is left.
            Err(_) => return Ok(ExitCode::from(code)),
        }
        if KILLS.load(Ordering::SeqCst) {
            signal_all(Signal::SIGKILL);
        }
    }
}

/// Does what comes through the pipe, and ends everything when its other end is gone.
fn listen() {
    let mut byte = [0];
    loop {
        match io::stdin().read(&mut byte) {
            Ok(1) if byte[0] == GENTLY => signal_all(Signal::SIGTERM),
            Ok(1) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => {
                signal_all(Signal::SIGTERM);
                std::thread::sleep(GRACE);
                break;
            }
        }
    }
    KILLS.store(true, Ordering::SeqCst);
    signal_all(Signal::SIGKILL);
}

fn signal_all(signal: Signal) {
    for pid in descendants(std::process::id().cast_signed()) {
        // It may have ended in between.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// All processes below this one, those in other process groups and sessions among them.
fn descendants(root: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parents: Vec<(i32, i32)> = ids.filter_map(|id| Some((id, parent(id)?))).collect();
    let mut found = vec![root];
    let mut at = 0;
    while let Some(&above) = found.get(at) {
        let children = parents.iter().filter(|(_, parent)| *parent == above);
        found.extend(children.map(|(id, _)| *id));
        at += 1;
    }
    found.split_off(1)
}

/// Field 4 of `/proc/PID/stat`; the name before it is in brackets and may hold anything (proc(5)).
fn parent(id: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let after = stat.rsplit_once(')')?.1;
    after.split_whitespace().nth(1)?.parse().ok()
}
