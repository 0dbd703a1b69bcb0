//! The two processes that keep a sandbox alive, and nothing but them may start its programs.
//!
//! The *supervisor* stays in the host's namespaces, forwards the API server's port and holds the alive
//! lock. The *keeper* is its child and the first process of the sandbox's namespaces: it starts the
//! components and starts them again when they end. Either one's death, by whatever signal, takes all
//! else with it: the keeper hears of the supervisor's end through a pipe that closes, and the kernel
//! kills every process of a process namespace whose first process ends.

mod forward;
mod keeper;
#[cfg(target_os = "linux")]
pub mod probe;

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cluster::{Nodes, Spec};
use crate::files::write_private;
use crate::home::Instance;
use crate::lock;
use crate::output::say;

pub use keeper::{keep, recorded};

/// Starts a supervisor that outlives the caller.
///
/// # Errors
/// When the program can't be started.
pub fn start(instance: &Instance, program: &Path) -> Result<Child> {
    let log = File::create(instance.log("supervisor")).context("making the supervisor's log")?;
    Command::new(program)
        .arg("supervise")
        .arg(instance.folder())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("starting the supervisor")
}

/// Is the supervisor: returns when the sandbox has ended.
///
/// # Errors
/// When it can't be started, or is running already.
pub fn supervise(folder: &Path) -> Result<()> {
    // A session of its own: a Ctrl-C in the terminal that said `up` is not meant for it.
    let _ = rustix::process::setsid();
    let instance = Instance::at(folder)?;
    let Some(_alive) = lock::try_take(&instance.alive_lock())? else {
        bail!("the sandbox `{}` has a supervisor already", instance.name());
    };
    write_private(
        &instance.file("supervisor.pid"),
        &std::process::id().to_string(),
    )?;
    let spec = Spec::load(&instance)?.context("the sandbox was not prepared")?;
    let mut keeper = match spec.nodes {
        Nodes::Real => start_apart(&instance)?,
        Nodes::Kwok => keeper_command(&instance)?
            .spawn()
            .context("starting the keeper")?,
    };
    write_private(&instance.file("keeper.pid"), &keeper.id().to_string())?;
    if spec.nodes == Nodes::Real {
        let listener =
            TcpListener::bind(spec.outside()).context("listening for clients of the API server")?;
        forward::serve(listener, keeper.id(), spec.inside())?;
    }
    // Keep our end of the pipe open for as long as we live: `wait` would close it.
    let lifeline = keeper.stdin.take();
    let status = keeper.wait().context("waiting for the keeper")?;
    drop(lifeline);
    say(&format!("the keeper ended: {status}"));
    Ok(())
}

fn keeper_command(instance: &Instance) -> Result<Command> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut command = Command::new(program);
    command
        .arg("keep")
        .arg(instance.folder())
        .stdin(Stdio::piped());
    Ok(command)
}

#[cfg(target_os = "linux")]
fn start_apart(instance: &Instance) -> Result<Child> {
    crate::host::cgroup::create(&instance.cgroup())?;
    crate::host::namespace::spawn_apart(keeper_command(instance)?)
}

#[cfg(not(target_os = "linux"))]
fn start_apart(_: &Instance) -> Result<Child> {
    bail!("real nodes need Linux")
}
