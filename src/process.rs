//! The one place that starts programs: in a process group of their own, with nothing to read,
//! bounded memory of what they print, and an end that is asked for before it is forced.

use std::collections::VecDeque;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Bytes kept of each of a program's two outputs; the beginning is dropped.
const TAIL_BYTES: usize = 64 * 1024;
/// How long outputs may stay open after the program has ended: a grandchild can hold them.
const DRAIN: Duration = Duration::from_secs(1);
/// The hidden verb of our binary that ties a program's life to its parent's.
pub const LEASH_VERB: &str = "__leash";

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    pub args: Vec<OsString>,
    /// Variables to set, or with None to take away, on top of our own environment.
    pub env: Vec<(OsString, Option<OsString>)>,
    pub directory: Option<PathBuf>,
    /// Our own binary, where the program must not outlive us (see [`exec_on_leash`]).
    pub leash: Option<PathBuf>,
}

/// How a program ended and the last of what it printed.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// It was asked to end before it did.
    pub stopped: bool,
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
            leash: None,
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
        let mut child = self.command().spawn()?;
        let group = child.id().map(|id| Pid::from_raw(id.cast_signed()));
        let mut killer = GroupKiller(group);
        let out = tail(child.stdout.take());
        let err = tail(child.stderr.take());
        let mut outputs = Box::pin(async { tokio::join!(out, err) });
        let mut printed = None;
        let mut stopped = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                both = &mut outputs, if printed.is_none() => printed = Some(both),
                () = stop.gently.cancelled(), if !stopped => {
                    stopped = true;
                    signal(group, Signal::SIGTERM);
                }
                () = stop.now.cancelled() => {
                    stopped = true;
                    signal(group, Signal::SIGKILL);
                    break child.wait().await?;
                }
            }
        };
        // Its number is free for others from here on.
        killer.0 = None;
        let (stdout, stderr) = match printed {
            Some(both) => both,
            None => tokio::time::timeout(DRAIN, outputs)
                .await
                .unwrap_or_default(),
        };
        Ok(Ended {
            status,
            stdout,
            stderr,
            stopped,
        })
    }

    fn command(&self) -> Command {
        let mut command = match &self.leash {
            Some(own) if cfg!(target_os = "linux") => {
                let mut command = Command::new(own);
                command.arg(LEASH_VERB);
                command.arg(std::process::id().to_string());
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
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
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

/// Reads to the end, keeping the last [`TAIL_BYTES`].
async fn tail(source: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut source) = source else {
        return Vec::new();
    };
    let mut kept = VecDeque::new();
    let mut chunk = vec![0; 8 * 1024];
    while let Ok(read @ 1..) = source.read(&mut chunk).await {
        kept.extend(&chunk[..read]);
        let excess = kept.len().saturating_sub(TAIL_BYTES);
        kept.drain(..excess);
    }
    kept.into()
}

/// Becomes `program`, having asked the kernel for SIGTERM at the end of the parent, whatever ends
/// it. Called by the hidden verb [`LEASH_VERB`] in the child; returns only when it can't.
///
/// The signal follows the *thread* that started the child (prctl(2), `PR_SET_PDEATHSIG`), so
/// stackctl runs on a runtime of one thread: the main one. SIGPIPE stays ignored, as it is in
/// every Rust program: with the parent its pipes are gone too, and a helm that died of its last
/// words would leave its release pending.
pub fn exec_on_leash(parent: u32, program: &OsStr, args: &[OsString]) -> io::Error {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGTERM) {
        return error.into();
    }
    if nix::unistd::getppid().as_raw().cast_unsigned() != parent {
        return io::Error::other("the parent process is gone");
    }
    let words = std::iter::once(program).chain(args.iter().map(OsString::as_os_str));
    let words: Result<Vec<CString>, _> = words.map(|word| CString::new(word.as_bytes())).collect();
    match words {
        Ok(words) => match nix::unistd::execv(&words[0], &words) {
            Ok(never) => match never {},
            Err(error) => error.into(),
        },
        Err(error) => error.into(),
    }
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

    #[tokio::test]
    async fn keeps_the_end_of_a_long_output() {
        let ended = sh("yes 0123456789 | head -n 20000; echo last")
            .run(&Stop::default())
            .await
            .unwrap();
        assert_eq!(ended.stdout.len(), TAIL_BYTES);
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
        let gone = || nix::sys::signal::kill(Pid::from_raw(pid), None).is_err();
        // The orphan's parent reaps it in its own time; a zombie is as good as gone.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(gone() || stat.contains(") Z "), "{stat}");
    }
}
