//! The one place that starts programs: in a process group of their own, with nothing to read, and
//! with an end that is asked for before it is forced.
//!
//! What they print goes to files without a name instead of pipes. A pipe ends with us, and a Go
//! program that then writes to it dies on the spot (SIGPIPE, documented in `os/signal`): helm would
//! leave its release pending instead of writing down that it was cancelled.

pub mod tree;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Bytes kept of each of a program's two outputs, unless more are asked for.
pub const TAIL_BYTES: u64 = 1024 * 1024;
/// The hidden verb of our binary that ties a program's life to its parent's.
pub const LEASH_VERB: &str = "__leash";
/// The hidden verb that runs a program and ends all that it has started, on Linux.
pub const TREE_VERB: &str = "__tree";
/// Its exit code where the program can't be started: what a shell says then.
pub const NOT_STARTED: u8 = 126;

/// Descriptors that a run has open at once: streams, connections and the files of eight helms, with
/// room for the libraries, which panic where they get none.
const DESCRIPTORS: u64 = 64;
/// As many as logs and watches of a large stack take.
const MANY_DESCRIPTORS: u64 = 1024;

/// Makes sure that files, sockets and programs can be opened: raises a low limit of descriptors as
/// far as is allowed.
///
/// # Errors
/// There are too few even so.
pub fn ensure_descriptors() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let mut limit = soft;
    if soft < MANY_DESCRIPTORS.min(hard) {
        limit = MANY_DESCRIPTORS.min(hard);
        setrlimit(Resource::RLIMIT_NOFILE, limit, hard)?;
    }
    match limit {
        ..DESCRIPTORS => Err(io::Error::other(format!(
            "only {limit} files may be open at once, and stackctl needs {DESCRIPTORS} (`ulimit -n`)"
        ))),
        _ => Ok(()),
    }
}

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    pub args: Vec<OsString>,
    /// Variables to set, or with None to take away, on top of our own environment.
    pub env: Vec<(OsString, Option<OsString>)>,
    pub directory: Option<PathBuf>,
    /// Bytes kept of each of its two outputs; the beginning is dropped.
    pub keep: u64,
    /// Our own binary, where the program must not outlive us (see [`exec_on_leash`]).
    pub leash: Option<PathBuf>,
    /// On a leash, all that it starts ends with it too.
    pub whole_tree: bool,
}

/// How a program ended and the last of what it printed.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// It was asked to end before it did.
    pub stopped: bool,
    pub at: Instant,
}

/// The signal that ended a program, also where a shell in between reports it as 128 and its number.
pub fn killed_by(status: ExitStatus) -> Option<i32> {
    const SHELL: i32 = 128;
    status.signal().or_else(|| {
        let signal = status.code()? - SHELL;
        matches!(signal, 1..=15).then_some(signal)
    })
}

/// When to stop: `gently` sends SIGTERM once, `now` kills the group.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    pub gently: CancellationToken,
    pub now: CancellationToken,
}

impl Program {
    pub fn new(path: &Path) -> Program {
        Program {
            path: path.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            directory: None,
            keep: TAIL_BYTES,
            leash: None,
            whole_tree: false,
        }
    }

    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Program {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it to its end. Dropping the future kills the program.
    ///
    /// # Errors
    /// Only when it can't be started; what it returns is in [`Ended`].
    pub async fn run(&self, stop: &Stop) -> io::Result<Ended> {
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = self.command();
        let mut tree = self.tree(&mut command)?;
        command
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?);
        let mut child = command.spawn()?;
        // It holds the other end of the pipe.
        drop(command);
        let group = child.id().map(|id| Pid::from_raw(id.cast_signed()));
        // A tree ends by itself when the pipe does, what has left the group included.
        let mut killer = GroupKiller(group.filter(|_| tree.is_none()));
        let mut stopped = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = stop.gently.cancelled(), if !stopped => {
                    stopped = true;
                    match &mut tree {
                        Some(tree) => tree.stop(),
                        None => signal(group, Signal::SIGTERM),
                    }
                }
                () = stop.now.cancelled() => {
                    stopped = true;
                    match &mut tree {
                        Some(tree) => tree.kill(),
                        None => signal(group, Signal::SIGKILL),
                    }
                    break child.wait().await?;
                }
            }
        };
        // Its number is free for others from here on.
        killer.0 = None;
        Ok(Ended {
            status,
            stdout: tail(stdout, self.keep)?,
            stderr: tail(stderr, self.keep)?,
            stopped,
            at: Instant::now(),
        })
    }

    /// Runs it to its end, and kills it if that takes too long; then there is nothing to tell.
    ///
    /// # Errors
    /// As for [`Program::run`].
    pub async fn run_within(&self, limit: Duration) -> io::Result<Option<Ended>> {
        let stop = Stop::default();
        let run = tokio::time::timeout(limit, self.run(&stop));
        run.await.ok().transpose()
    }

    fn command(&self) -> Command {
        let mut command = match &self.leash {
            Some(own) if cfg!(target_os = "linux") => {
                let mut command = Command::new(own);
                // What it is called in a list of processes.
                command.arg0("stackctl");
                if self.whole_tree {
                    command.arg(TREE_VERB);
                } else {
                    command.arg(LEASH_VERB);
                    command.arg(std::process::id().to_string());
                }
                command.arg(&self.path);
                command
            }
            _ => Command::new(&self.path),
        };
        command.args(&self.args);
        for (key, value) in &self.env {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::null()).process_group(0);
        command
    }
}

impl Program {
    /// Through which a program and all that it starts are told to end; None where its group is.
    fn tree(&self, command: &mut Command) -> io::Result<Option<tree::Handle>> {
        if !self.whole_tree || self.leash.is_none() || cfg!(not(target_os = "linux")) {
            return Ok(None);
        }
        let (theirs, ours) = io::pipe()?;
        command.stdin(theirs);
        Ok(Some(tree::Handle(ours)))
    }
}

/// Kills the group when the run is dropped half-way, so that nothing is left behind.
struct GroupKiller(Option<Pid>);

impl Drop for GroupKiller {
    fn drop(&mut self) {
        signal(self.0, Signal::SIGKILL);
    }
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        // It may have ended in between; then there is nobody left to tell.
        let _ = killpg(group, signal);
    }
}

/// The last so many bytes of a file.
fn tail(mut file: File, keep: u64) -> io::Result<Vec<u8>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(keep)))?;
    let mut bytes = Vec::new();
    file.take(keep).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Our own binary as a program can be started from it: on Linux the very file that runs now, though
/// another may have been put in its place.
pub fn own_binary() -> Option<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && running.exists() {
        return Some(running.to_owned());
    }
    std::env::current_exe().ok()
}

/// Becomes `program`, having asked the kernel for SIGTERM at the end of the parent, whatever ends
/// it. Called by the hidden verb [`LEASH_VERB`] in the child; returns only when it can't.
///
/// The signal follows the *thread* that started the child (prctl(2), `PR_SET_PDEATHSIG`), so
/// stackctl runs on a runtime of one thread: the main one.
pub fn exec_on_leash(parent: u32, program: &OsStr, args: &[OsString]) -> io::Error {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGTERM) {
        return error.into();
    }
    if nix::unistd::getppid().as_raw().cast_unsigned() != parent {
        return io::Error::other("the parent process is gone");
    }
    std::process::Command::new(program).args(args).exec()
}

/// What a program printed, as lines without control sequences and without empty ends.
pub fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .trim_end()
        .lines()
        .map(|line| console::strip_ansi_codes(line.trim_end()).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Program {
        Program::new(Path::new("/bin/sh")).args(["-c", script])
    }

    #[tokio::test]
    async fn tells_how_it_ended_and_what_it_printed() {
        let ended = sh("echo out; echo err >&2; exit 3")
            .run(&Stop::default())
            .await
            .unwrap();
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(lines(&ended.stdout), ["out"]);
        assert_eq!(lines(&ended.stderr), ["err"]);
    }

    /// The program that runs may have been replaced, and is meant all the same.
    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_binary_is_the_one_that_runs() {
        use std::os::unix::fs::MetadataExt;
        let own = own_binary().unwrap();
        let running = std::env::current_exe().unwrap();
        assert_ne!(own, running, "a path can be given to another file");
        let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
        assert_eq!(inode(&own), inode(&running));
    }

    #[tokio::test]
    async fn keeps_the_end_of_a_long_output() {
        let ended = sh("yes 0123456789 | head -n 200000; echo last")
            .run(&Stop::default())
            .await
            .unwrap();
        assert_eq!(ended.stdout.len() as u64, TAIL_BYTES);
        assert!(ended.stdout.ends_with(b"last\n"));
    }

    #[tokio::test]
    async fn asks_before_it_kills() {
        let stop = Stop::default();
        let program = sh("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.02; done");
        stop.gently.cancel();
        // The trap may not be set yet when the signal comes; then the shell dies of it, which
        // is an end as well.
        let ended = program.run(&stop).await.unwrap();
        assert!(ended.stopped);
    }

    #[tokio::test]
    async fn kills_the_whole_group() {
        let stop = Stop::default();
        let killer = stop.now.clone();
        let program = sh("trap '' TERM; sleep 600 & echo $!; wait");
        let run = program.run(&stop);
        let (ended, ()) = tokio::join!(run, async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            killer.cancel();
        });
        let pid: i32 = lines(&ended.unwrap().stdout)[0].parse().unwrap();
        // The kernel takes its time over the last of it, and its new parent over reaping it; a zombie
        // is as good as gone.
        let dead = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let limit = std::time::Instant::now() + Duration::from_secs(5);
        while !dead() {
            assert!(std::time::Instant::now() < limit, "{pid} lives on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
