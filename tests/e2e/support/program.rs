use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stackctl::event::{ContainerRole, Event, EventKind, Verdict};
use stackctl_sandbox::Sandbox;

use super::{sandbox, table};

/// The real binary, pointed at the sandbox that all share, in an environment of its own.
pub fn stackctl(args: &[&str]) -> Command {
    stackctl_on(sandbox(), args)
}

/// The real binary, pointed at a sandbox.
pub fn stackctl_on(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackctl"));
    command
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", std::env::temp_dir())
        .env("KUBECONFIG", sandbox.kubeconfig())
        .env("STACKCTL_HELM", sandbox.helm())
        .stdin(Stdio::null());
    command
}

/// Has helm run the tests of a release, which have to succeed.
pub fn helm_test(namespace: &str, release: &str) {
    helm(&["test", release, "--namespace", namespace, "--timeout", "2m"]);
}

/// Runs helm, which has to work. Returns what it printed.
pub fn helm(args: &[&str]) -> String {
    let output = Command::new(sandbox().helm())
        .args(args)
        .env("KUBECONFIG", sandbox().kubeconfig())
        .stdin(Stdio::null())
        .output()
        .expect("helm runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "helm {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A run that is over.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub events: Vec<Event>,
}

impl Ended {
    /// Runs the program to its end. With `--progress json` its stdout is read as events.
    pub fn of(args: &[&str]) -> Ended {
        let output = stackctl(args).output().expect("stackctl runs");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let json = args.windows(2).any(|pair| pair == ["--progress", "json"]);
        let events = stdout.lines().filter(|_| json).map(read).collect();
        table::check();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            stdout,
            events,
        }
    }

    pub fn up(profile: &Path, more: &[&str]) -> Ended {
        let profile = profile.to_str().expect("a path in UTF-8");
        let args = ["up", "--profile", profile, "--progress", "json"];
        Ended::of(&[&args[..], more].concat())
    }

    #[track_caller]
    pub fn expect_code(self, code: i32) -> Ended {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        assert_eq!(self.code, code, "stderr:\n{stderr}\nstdout:\n{stdout}");
        self
    }

    fn of_release<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Event> + use<'a> {
        let id = id.to_owned();
        let is = move |event: &&Event| event.kind.release().is_some_and(|r| r.as_str() == id);
        self.events.iter().filter(is)
    }

    /// When the first event of a release came that the test is true for, in milliseconds.
    pub fn when(&self, id: &str, is: impl Fn(&EventKind) -> bool) -> Option<u64> {
        let found = self.of_release(id).find(|event| is(&event.kind));
        found.map(|event| event.elapsed_ms)
    }

    #[track_caller]
    pub fn started(&self, id: &str) -> u64 {
        let started = self.when(id, |kind| matches!(kind, EventKind::ReleaseStarted { .. }));
        started.unwrap_or_else(|| panic!("{id} never started\n{}", self.stdout))
    }

    #[track_caller]
    pub fn ready(&self, id: &str) -> u64 {
        let ready = self.when(id, |kind| matches!(kind, EventKind::ReleaseReady { .. }));
        ready.unwrap_or_else(|| panic!("{id} never got ready\n{}", self.stdout))
    }

    #[track_caller]
    pub fn verdict(&self, id: &str) -> &Verdict {
        let verdicts = self.of_release(id).filter_map(|event| match &event.kind {
            EventKind::ReleaseFailed { verdict, .. } => Some(verdict),
            _ => None,
        });
        let first = verdicts.into_iter().next();
        first.unwrap_or_else(|| panic!("{id} did not fail\n{}", self.stdout))
    }

    pub fn warnings(&self) -> Vec<&str> {
        let warnings = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Warning { message, .. } => Some(message.as_str()),
            _ => None,
        });
        warnings.collect()
    }

    pub fn blocked(&self) -> Vec<String> {
        let blocked = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::ReleaseBlocked { release, .. } => Some(release.to_string()),
            _ => None,
        });
        blocked.collect()
    }

    /// Lines that a container of a release printed, of all its pods and runs.
    pub fn log(&self, id: &str, of: &str) -> Vec<&str> {
        let lines = self.of_release(id).filter_map(|event| match &event.kind {
            EventKind::ContainerLog {
                container, line, ..
            } if container == of => Some(line.as_str()),
            _ => None,
        });
        lines.collect()
    }

    /// The init containers of a release with their positions, in the order in which they were done.
    pub fn inits_done(&self, id: &str) -> Vec<String> {
        let mut done = Vec::new();
        for event in self.of_release(id) {
            if let EventKind::PodChanged(pod) = &event.kind {
                let inits = pod
                    .containers
                    .iter()
                    .filter(|c| c.role == ContainerRole::Init);
                for container in inits.filter(|c| c.state == "done") {
                    let (at, of) = container.position.unwrap_or_default();
                    let text = format!("{at}/{of} {}", container.name);
                    if !done.contains(&text) {
                        done.push(text);
                    }
                }
            }
        }
        done
    }
}

fn read(line: &str) -> Event {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// A run that goes on beside the test, its events read as they come.
pub struct Started {
    pub child: Child,
    events: std::io::Lines<BufReader<std::process::ChildStdout>>,
    seen: Vec<Event>,
    stderr: Option<JoinHandle<String>>,
}

impl Started {
    pub fn up(profile: &Path) -> Started {
        Started::up_with(profile, &[])
    }

    pub fn up_with(profile: &Path, more: &[&str]) -> Started {
        Started::of(sandbox(), "up", profile, more)
    }

    /// Elsewhere than on the sandbox that all share.
    pub fn up_on(sandbox: &Sandbox, profile: &Path) -> Started {
        Started::of(sandbox, "up", profile, &[])
    }

    pub fn down(profile: &Path) -> Started {
        Started::of(sandbox(), "down", profile, &["--yes"])
    }

    pub fn rollback(profile: &Path) -> Started {
        Started::of(sandbox(), "rollback", profile, &[])
    }

    fn of(sandbox: &Sandbox, verb: &str, profile: &Path, more: &[&str]) -> Started {
        let profile = profile.to_str().expect("a path in UTF-8");
        let args = [verb, "--profile", profile, "--progress", "json"];
        let mut command = stackctl_on(sandbox, &[&args[..], more].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("stackctl starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut stderr = child.stderr.take().expect("a pipe");
        Started {
            child,
            events: BufReader::new(stdout).lines(),
            seen: Vec::new(),
            stderr: Some(std::thread::spawn(move || {
                let mut text = String::new();
                let _ = stderr.read_to_string(&mut text);
                text
            })),
        }
    }

    /// Reads events until one that the test is true for.
    pub fn wait_for(&mut self, is: impl Fn(&EventKind) -> bool) {
        for line in self.events.by_ref() {
            let event = read(&line.expect("a line"));
            let found = is(&event.kind);
            self.seen.push(event);
            if found {
                return;
            }
        }
        panic!("the run ended before: {:#?}", self.seen);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, signal).expect("it is still there");
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let rest = self
            .events
            .by_ref()
            .map(|line| read(&line.expect("a line")));
        let mut events = std::mem::take(&mut self.seen);
        events.extend(rest);
        let status = self.child.wait().expect("it ends");
        let stderr = self.stderr.take().and_then(|thread| thread.join().ok());
        table::check();
        Ended {
            code: status.code().unwrap_or(-1),
            stdout: String::new(),
            stderr: stderr.unwrap_or_default(),
            events,
        }
    }
}
