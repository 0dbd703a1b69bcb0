//! The keeper: starts the components in order and starts again what ends.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Signal, WaitOptions, set_parent_process_death_signal, wait};

use crate::cluster::{Component, Nodes, Spec, components};
use crate::files::{read_if_any, write_private};
use crate::home::Instance;
use crate::output::say;

/// Where programs of the distribution are; a user's PATH often lacks the `sbin` ones.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Between the end of a component and its next start.
const PAUSE: Duration = Duration::from_millis(250);
/// How often an address is tried that a component waits for.
const PROBE: Duration = Duration::from_millis(25);

enum Happened {
    /// A component may be started: the address that it waited for answers, or its pause is over.
    Due(usize),
    /// A child, or a process that lost its parent, ended.
    Ended(u32),
}

/// Is the keeper. Never returns but with an error.
///
/// # Errors
/// When the private view or network can't be made, or a component not started.
pub fn keep(folder: &Path) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .context("tying the keeper to the supervisor")?;
    end_with_supervisor();
    let instance = Instance::at(folder)?;
    let spec = Spec::load(&instance)?.context("the sandbox was not prepared")?;
    if spec.nodes == Nodes::Real {
        settle(&instance)?;
    }
    Keeper::new(&spec, &instance).run()
}

/// Ends this process when the supervisor's end of the pipe closes, however it came to that.
fn end_with_supervisor() {
    thread::spawn(|| {
        let mut nothing = [0_u8; 1];
        while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
        #[expect(
            clippy::exit,
            reason = "the one way to end the process from a thread, and with it the namespaces"
        )]
        std::process::exit(1);
    });
}

#[cfg(target_os = "linux")]
fn settle(instance: &Instance) -> Result<()> {
    anyhow::ensure!(
        std::process::id() == 1,
        "the keeper has to be the first process of its namespaces"
    );
    crate::host::cgroup::join(&instance.cgroup())?;
    crate::host::mounts::make_private(instance)?;
    crate::host::network::bring_up()
}

#[cfg(not(target_os = "linux"))]
fn settle(_: &Instance) -> Result<()> {
    anyhow::bail!("real nodes need Linux")
}

/// Returns the ids of the components' processes as last recorded, by name, in the keeper's own numbering.
///
/// # Errors
/// When the record can't be read.
pub fn recorded(instance: &Instance) -> Result<HashMap<String, u32>> {
    match read_if_any(&instance.file("processes.json"))? {
        Some(text) => serde_json::from_str(&text).context("reading the record of processes"),
        None => Ok(HashMap::new()),
    }
}

struct Keeper<'a> {
    instance: &'a Instance,
    nodes: Nodes,
    components: Vec<Component>,
    /// Process id to index of the component.
    running: HashMap<u32, usize>,
    events: (Sender<Happened>, Receiver<Happened>),
}

impl<'a> Keeper<'a> {
    fn new(spec: &Spec, instance: &'a Instance) -> Self {
        let components = components(spec, instance);
        Self {
            instance,
            nodes: spec.nodes,
            components,
            running: HashMap::new(),
            events: channel(),
        }
    }

    fn run(mut self) -> Result<()> {
        for index in 0..self.components.len() {
            self.start_when_due(index, Duration::ZERO);
        }
        report_ends(self.events.0.clone());
        loop {
            match self.events.1.recv_timeout(Duration::from_secs(3600)) {
                Ok(Happened::Due(index)) => self.start(index)?,
                Ok(Happened::Ended(pid)) => {
                    if let Some(index) = self.running.remove(&pid) {
                        say(&format!(
                            "{} ended; starting it again",
                            self.components[index].name
                        ));
                        self.start_when_due(index, PAUSE);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn start_when_due(&self, index: usize, pause: Duration) {
        let events = self.events.0.clone();
        let after = self.components[index].after;
        thread::spawn(move || {
            thread::sleep(pause);
            while let Some(address) = after {
                if TcpStream::connect(address).is_ok() {
                    break;
                }
                // Nobody says when a port begins to answer.
                thread::sleep(PROBE);
            }
            let _ = events.send(Happened::Due(index));
        });
    }

    fn start(&mut self, index: usize) -> Result<()> {
        let component = &self.components[index];
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.instance.log(component.name))
            .with_context(|| format!("opening the log of {}", component.name))?;
        let mut command = self.command(component);
        command
            .args(&component.args)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", self.instance.folder())
            .env("TMPDIR", self.instance.file("tmp"))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", component.name))?;
        // Dropped without waiting: `report_ends` waits for every child.
        self.running.insert(child.id(), index);
        self.record()
    }

    /// Without a process namespace the kernel has to be asked to kill a component with its keeper.
    fn command(&self, component: &Component) -> Command {
        if self.nodes == Nodes::Kwok && cfg!(target_os = "linux") {
            let mut command = Command::new("setpriv");
            command
                .arg("--pdeathsig=KILL")
                .arg("--")
                .arg(&component.program);
            command
        } else {
            Command::new(&component.program)
        }
    }

    fn record(&self) -> Result<()> {
        let record: HashMap<&str, u32> = self
            .running
            .iter()
            .map(|(pid, index)| (self.components[*index].name, *pid))
            .collect();
        write_private(
            &self.instance.file("processes.json"),
            &serde_json::to_string(&record)?,
        )
    }
}

/// Reports every process that ends, orphans of the whole namespace included.
fn report_ends(events: Sender<Happened>) {
    thread::spawn(move || {
        loop {
            let began = Instant::now();
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, _))) => {
                    let pid = pid.as_raw_nonzero().get().unsigned_abs();
                    if events.send(Happened::Ended(pid)).is_err() {
                        return;
                    }
                }
                // There is no child at the moment.
                Ok(None) | Err(_) => thread::sleep(PAUSE.saturating_sub(began.elapsed())),
            }
        }
    });
}
