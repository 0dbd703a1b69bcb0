//! Brings a sandbox up, or takes over the one that runs.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::cluster::{Nodes, Spec, prepare};
use crate::down::tear_down;
use crate::home::{Home, Instance};
use crate::lock;
use crate::output::{duration, say};
use crate::provision;
use crate::ready;
use crate::supervisor;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub name: String,
    /// `None` takes real nodes where they can run.
    pub nodes: Option<Nodes>,
    pub audit: bool,
}

/// Brings the sandbox up. One that runs and is well is left as it is.
///
/// `program` is this crate's own program, which becomes the supervisor.
///
/// # Errors
/// When something can't be built, or the sandbox does not become ready.
pub fn up(request: &Request, program: &Path) -> Result<()> {
    let home = Home::find()?;
    let instance = home.instance(&request.name)?;
    let began = Instant::now();
    let _turn = lock::take(&instance.turn_lock(), || {
        say(&format!(
            "waiting for another `up` or `down` of `{}`",
            request.name
        ));
    })?;
    if adopt(request, &instance)? {
        say(&format!(
            "sandbox `{}` is up already, ready after {}",
            request.name,
            duration(began.elapsed())
        ));
        return Ok(());
    }
    let nodes = request.nodes.unwrap_or_else(provision::choose);
    let mut spec = provision::provide(&home, nodes, program)?;
    spec.audit = request.audit;
    let began = Instant::now();
    tear_down(&instance)?;
    start(&spec, &instance, program)?;
    if let Err(error) = ready::wait(&spec, &instance, ready::PATIENCE) {
        let folder = instance.file("logs");
        return Err(error.context(format!(
            "sandbox `{}` did not come up; its logs are in `{}`",
            request.name,
            folder.display()
        )));
    }
    say(&format!(
        "sandbox `{}` with {nodes} nodes is ready after {}",
        request.name,
        duration(began.elapsed())
    ));
    Ok(())
}

/// Returns whether the sandbox runs and is, or soon becomes, well.
fn adopt(request: &Request, instance: &Instance) -> Result<bool> {
    if !lock::is_held(&instance.alive_lock())? {
        return Ok(false);
    }
    let Some(spec) = Spec::load(instance)? else {
        return Ok(false);
    };
    let name = &request.name;
    if request.nodes.is_some_and(|nodes| nodes != spec.nodes) {
        bail!(
            "sandbox `{name}` is up with {} nodes\nhint: take it down first, or give the other one a `--name`",
            spec.nodes
        );
    }
    if request.audit && !spec.audit {
        bail!("sandbox `{name}` is up without an audit log\nhint: take it down first");
    }
    match ready::wait(&spec, instance, ready::RECOVERY) {
        Ok(()) => provision::renew_images(spec, instance).map(|()| true),
        Err(error) => {
            say(&format!(
                "sandbox `{name}` is not well and is started anew: {error:#}"
            ));
            Ok(false)
        }
    }
}

/// Starts a supervisor for a sandbox of which nothing is left from before.
pub(crate) fn start(spec: &Spec, instance: &Instance, program: &Path) -> Result<()> {
    prepare(spec, instance)?;
    let mut supervisor = supervisor::start(instance, program)?;
    wait_alive(instance, &mut supervisor)
}

/// Waits until the supervisor holds its lock, from when on its end is seen by anybody.
fn wait_alive(instance: &Instance, supervisor: &mut std::process::Child) -> Result<()> {
    while !lock::is_held(&instance.alive_lock())? {
        if let Some(status) = supervisor.try_wait()? {
            let log = std::fs::read_to_string(instance.log("supervisor")).unwrap_or_default();
            bail!("the supervisor ended: {status}\n{}", log.trim_end());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}
