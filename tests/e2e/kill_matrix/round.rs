//! One run that is killed, and the plain one after it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::oneshot;

use super::Reference;
use super::stack::{FEWER, HOOKS, stack};
use super::state::{State, data, remove_elsewhere};
use crate::support::{Cluster, Stack, sandbox, stackctl};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Install,
    Upgrade,
    Down,
    DownVolumes,
    Prune,
    Rollback,
    RollbackOnFailure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    Stackctl,
    Helm,
    Both,
}

pub struct Round {
    pub name: String,
    pub victim: Victim,
    /// When it is killed, from its start.
    pub after: Duration,
    pub reference: Arc<Reference>,
}

impl Operation {
    pub const ALL: [Operation; 7] = [
        Operation::Install,
        Operation::Upgrade,
        Operation::Down,
        Operation::DownVolumes,
        Operation::Prune,
        Operation::Rollback,
        Operation::RollbackOnFailure,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Install => "install",
            Operation::Upgrade => "upgrade",
            Operation::Down => "down",
            Operation::DownVolumes => "down-volumes",
            Operation::Prune => "prune",
            Operation::Rollback => "rollback",
            Operation::RollbackOnFailure => "rollback-on-failure",
        }
    }

    /// What there is before it.
    fn begin(self, bed: &Bed) {
        if self != Operation::Install {
            bed.finish("one");
        }
        if self == Operation::Rollback {
            bed.finish("two");
        }
    }

    fn command(self, bed: &Bed) -> Command {
        match self {
            Operation::Install => bed.command(&["up"], "one"),
            Operation::Upgrade => bed.command(&["up"], "two"),
            Operation::Down => bed.command(&["down", "--yes"], "one"),
            Operation::DownVolumes => bed.command(&["down", "--yes", "--volumes"], "one"),
            Operation::Prune => {
                let fewer = bed.stack.folder().join("fewer.yaml");
                fs::write(&fewer, FEWER).expect("a profile");
                let fewer = fewer.to_str().expect("a path in UTF-8");
                bed.on(&["up", "--prune"], fewer, "one")
            }
            Operation::Rollback => bed.command(&["rollback"], "two"),
            Operation::RollbackOnFailure => bed.command(&["up", "--rollback-on-failure"], "bad"),
        }
    }

    /// How it ends where nobody disturbs it.
    fn code(self) -> i32 {
        match self {
            Operation::RollbackOnFailure => 5,
            _ => 0,
        }
    }

    /// The hooks that it runs.
    fn hooks(self) -> &'static [&'static str] {
        match self {
            Operation::Install | Operation::Upgrade => &HOOKS[..2],
            Operation::Rollback => &HOOKS[2..],
            Operation::RollbackOnFailure => &HOOKS,
            Operation::Down | Operation::DownVolumes | Operation::Prune => &[],
        }
    }

    /// The database and what it holds are there before and after.
    fn keeps_data(self) -> bool {
        !matches!(
            self,
            Operation::Install | Operation::Down | Operation::DownVolumes
        )
    }
}

impl Victim {
    pub const ALL: [Victim; 3] = [Victim::Stackctl, Victim::Helm, Victim::Both];
}

/// A stack in a namespace, with a folder for temporary files of its own.
struct Bed {
    stack: Stack,
    profile: String,
    temp: tempfile::TempDir,
}

impl Bed {
    fn new(name: &str) -> Bed {
        let stack = stack(name);
        let profile = stack.profile();
        Bed {
            profile: profile.to_str().expect("a path in UTF-8").to_owned(),
            stack,
            temp: tempfile::tempdir().expect("a folder"),
        }
    }

    fn command(&self, verb: &[&str], word: &str) -> Command {
        self.on(verb, &self.profile, word)
    }

    fn on(&self, verb: &[&str], profile: &str, word: &str) -> Command {
        let shown = ["--profile", profile, "--progress", "plain"];
        let mut command = stackctl(&[verb, &shown].concat());
        command.env("TMPDIR", self.temp.path()).env("WORD", word);
        command
    }

    #[track_caller]
    fn finish(&self, word: &str) {
        expect_code(&mut self.command(&["up"], word), 0);
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        remove_elsewhere(self.stack.namespace());
    }
}

#[track_caller]
fn expect_code(command: &mut Command, code: i32) {
    let output = command.output().expect("stackctl runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}\n{said}",
        output.status
    );
}

/// Does it without a kill. Returns what it leaves and how long it took.
pub fn undisturbed(operation: Operation) -> (State, Duration) {
    let bed = Bed::new(&format!("kill-none-{}", operation.as_str()));
    operation.begin(&bed);
    let started = Instant::now();
    expect_code(&mut operation.command(&bed), operation.code());
    (State::of(bed.stack.namespace()), started.elapsed())
}

impl Round {
    /// # Errors
    /// What is other than after an undisturbed run.
    pub fn play(&self) -> Result<(), String> {
        let played = catch_unwind(AssertUnwindSafe(|| self.try_play()));
        played.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.unwrap_or_else(|| "the round broke off".to_owned()))
        })
    }

    fn try_play(&self) -> Result<(), String> {
        let operation = self.reference.operation;
        let bed = Bed::new(&self.name);
        let namespace = bed.stack.namespace();
        operation.begin(&bed);
        let before = operation.keeps_data().then(|| data(namespace));
        let hooks = Hooks::watch(namespace);

        let mut command = operation.command(&bed);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("stackctl starts");
        // The instant is what the dice say; there is no event to wait for.
        std::thread::sleep(self.after);
        let ended = self.kill(child, bed.temp.path());
        // One that had ended well by then is not to be taken up again: another goes further back.
        if operation != Operation::Rollback || ended != Some(0) {
            expect_code(&mut operation.command(&bed), operation.code());
        }

        let runs = hooks.end();
        let mut told = State::of(namespace).differences(&self.reference.state);
        for hook in operation.hooks() {
            let number = runs.get(*hook).copied().unwrap_or_default();
            if !(1..=2).contains(&number) {
                told.push(format!("hook {hook} has run {number} times"));
            }
        }
        if before.is_some_and(|before| before != data(namespace)) {
            told.push("the data of the volume are others".to_owned());
        }
        let left = fs::read_dir(bed.temp.path()).expect("a folder").flatten();
        told.extend(left.map(|it| format!("{} is left behind", it.path().display())));
        let alive = processes(bed.temp.path());
        told.extend(
            alive
                .iter()
                .map(|(id, name)| format!("process {id} ({name}) lives on")),
        );
        match told.as_slice() {
            [] => Ok(()),
            told => Err(told.join("; ")),
        }
    }

    /// Kills, and waits until the run has ended. Returns its exit code, unless it was killed.
    fn kill(&self, mut child: Child, temp: &Path) -> Option<i32> {
        if self.victim != Victim::Helm {
            // It may have ended by itself.
            let _ = child.kill();
        }
        if self.victim != Victim::Stackctl {
            for (id, name) in processes(temp) {
                if name == "helm" {
                    let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
                }
            }
        }
        child.wait().expect("it ends").code()
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Round {
            name,
            victim,
            after,
            ..
        } = self;
        write!(f, "{name}: {victim:?} killed after {after:?}")
    }
}

/// The processes that were started with this folder for their temporary files.
fn processes(temp: &Path) -> Vec<(i32, String)> {
    let mark = format!("TMPDIR={}", temp.display());
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let ours = ids.filter_map(|id| {
        let environment = fs::read(format!("/proc/{id}/environ")).ok()?;
        let is_ours = environment
            .split(|byte| *byte == 0)
            .any(|it| it == mark.as_bytes());
        let program = fs::read_link(format!("/proc/{id}/exe")).ok()?;
        let name = program.file_name()?.to_string_lossy().into_owned();
        is_ours.then_some((id, name))
    });
    ours.collect()
}

/// Counts how often each hook was begun, while it is watched.
struct Hooks {
    end: oneshot::Sender<()>,
    thread: JoinHandle<BTreeMap<String, usize>>,
}

impl Hooks {
    /// From now on: pods that are there already don't count.
    fn watch(namespace: &str) -> Hooks {
        let (end, ended) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let namespace = namespace.to_owned();
        let thread = std::thread::spawn(move || {
            Cluster::of(sandbox()).block_on(async |client| {
                let pods: Api<Pod> = Api::namespaced(client, &namespace);
                let jobs = watcher::Config::default().labels("batch.kubernetes.io/job-name");
                let mut events = watcher(pods, jobs).default_backoff().boxed();
                let mut old = Vec::new();
                let mut begun: BTreeMap<String, String> = BTreeMap::new();
                tokio::pin!(ended);
                loop {
                    let event = tokio::select! {
                        _ = &mut ended => break,
                        event = events.next() => event,
                    };
                    match event {
                        Some(Ok(watcher::Event::InitApply(pod))) if begun.is_empty() => {
                            old.extend(pod.metadata.uid);
                        }
                        Some(Ok(watcher::Event::InitDone)) => drop(ready.send(())),
                        Some(Ok(watcher::Event::Apply(pod))) => {
                            let id = pod.metadata.uid.clone().unwrap_or_default();
                            if let Some(job) = began(&pod).filter(|_| !old.contains(&id)) {
                                begun.insert(id, job);
                            }
                        }
                        _ => {}
                    }
                }
                let mut counts = BTreeMap::new();
                for job in begun.into_values() {
                    *counts.entry(job).or_default() += 1;
                }
                counts
            })
        });
        is_ready.recv().expect("the watch begins");
        Hooks { end, thread }
    }

    fn end(self) -> BTreeMap<String, usize> {
        let _ = self.end.send(());
        self.thread.join().expect("no panic")
    }
}

/// The Job of a pod whose container has begun.
fn began(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let has_begun = statuses.iter().any(|status| {
        let state = status.state.as_ref();
        state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
    });
    let labels = pod.metadata.labels.as_ref()?;
    let job = labels.get("batch.kubernetes.io/job-name")?;
    has_begun.then(|| job.clone())
}
