//! Runs of programs: every line that they print is stamped when it arrives.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use crate::interrupt::{self, Group};

/// How long a program that was asked to end may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(20);

/// One line of stdout or stderr.
#[derive(Debug, Clone)]
pub struct Line {
    pub at: Timestamp,
    pub text: String,
}

/// A program at work, in a process group of its own. Dropping it kills the group.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Group,
    incoming: Receiver<Line>,
    lines: Vec<Line>,
    began: Instant,
    began_at: Timestamp,
    /// Its end was seen; its number may be another's by now.
    over: bool,
}

/// A program that ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub lines: Vec<Line>,
    pub began_at: Timestamp,
    pub took: Duration,
}

impl Running {
    /// Starts a program.
    ///
    /// # Errors
    /// It can't be started, or the run was interrupted.
    pub fn start(command: &mut Command) -> Result<Running> {
        interrupt::check()?;
        let began = Instant::now();
        let began_at = Timestamp::now();
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting `{}`", command.get_program().display()))?;
        let group = Group::of(child.id());
        let (sender, incoming) = channel();
        if let Some(stdout) = child.stdout.take() {
            read(stdout, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read(stderr, sender);
        }
        Ok(Running {
            child,
            group,
            incoming,
            lines: Vec::new(),
            began,
            began_at,
            over: false,
        })
    }

    /// Returns the number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads lines until the test, which sees each line once, is true.
    ///
    /// # Errors
    /// The program ended or the limit passed before.
    pub fn wait_for(&mut self, limit: Duration, mut is: impl FnMut(&Line) -> bool) -> Result<()> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(line) => {
                    let found = is(&line);
                    self.lines.push(line);
                    if found {
                        return Ok(());
                    }
                }
                Err(error) => {
                    interrupt::check()?;
                    let why = match error {
                        RecvTimeoutError::Timeout => "did not get so far in time",
                        RecvTimeoutError::Disconnected => "ended early",
                    };
                    bail!("a program {why}\n{}", tail(&self.lines));
                }
            }
        }
    }

    /// Waits for its end; after the limit it is asked to end.
    ///
    /// # Errors
    /// The run was interrupted.
    pub fn end_within(mut self, limit: Duration) -> Result<Ended> {
        if !self.drain(limit) {
            self.group.ask();
            if !self.drain(PATIENCE) {
                self.group.kill();
                self.drain(PATIENCE);
            }
        }
        let status = self.child.wait()?;
        self.over = true;
        let took = self.began.elapsed();
        interrupt::check()?;
        Ok(Ended {
            code: status.code(),
            lines: std::mem::take(&mut self.lines),
            began_at: self.began_at,
            took,
        })
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// The run was interrupted.
    pub fn stop(self) -> Result<Ended> {
        self.group.ask();
        self.end_within(PATIENCE)
    }

    /// Reads to the end of its output; returns whether that came within the limit.
    fn drain(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(line) => self.lines.push(line),
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.group.kill();
            let _ = self.child.wait();
        }
    }
}

fn read(stream: impl Read + Send + 'static, sender: Sender<Line>) {
    std::thread::spawn(move || {
        for text in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let at = Timestamp::now();
            let text = String::from_utf8_lossy(&text).into_owned();
            if sender.send(Line { at, text }).is_err() {
                return;
            }
        }
    });
}

impl Ended {
    /// Returns the seconds from its start until then.
    pub fn seconds_until(&self, at: Timestamp) -> f64 {
        at.duration_since(self.began_at).as_secs_f64()
    }

    /// # Errors
    /// It did not end with this code.
    pub fn expect_code(self, code: i32) -> Result<Ended> {
        if self.code != Some(code) {
            let got = self.code.map_or("a signal".to_owned(), |c| c.to_string());
            bail!("ended with {got} instead of {code}\n{}", tail(&self.lines));
        }
        Ok(self)
    }
}

/// The last lines, to tell what went wrong.
fn tail(lines: &[Line]) -> String {
    let first = lines.len().saturating_sub(15);
    let texts: Vec<&str> = lines[first..].iter().map(|l| l.text.as_str()).collect();
    texts.join("\n")
}

/// Runs a program that has to succeed and returns what it printed.
///
/// # Errors
/// It did not succeed within the limit.
pub fn output(command: &mut Command, limit: Duration) -> Result<String> {
    let shown = command.get_program().display().to_string();
    let ended = Running::start(command)?.end_within(limit)?;
    let ended = ended.expect_code(0).with_context(|| format!("`{shown}`"))?;
    let texts: Vec<String> = ended.lines.into_iter().map(|line| line.text).collect();
    Ok(texts.join("\n"))
}
