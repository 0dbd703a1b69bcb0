//! Brings a sandbox up, or takes over the one that runs.

use std::net::TcpListener;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::cluster::{Nodes, Ports, Spec, kwok, prepare};
use crate::down::tear_down;
use crate::home::{Home, Instance};
use crate::host::packages;
use crate::lock;
use crate::output::{duration, say};
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
    let nodes = request.nodes.unwrap_or_else(choose);
    let spec = build_spec(request, nodes, &home)?;
    let began = Instant::now();
    tear_down(&instance)?;
    prepare(&spec, &instance)?;
    let mut supervisor = supervisor::start(&instance, program)?;
    wait_alive(&instance, &mut supervisor)?;
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
        Ok(()) => Ok(true),
        Err(error) => {
            say(&format!(
                "sandbox `{name}` is not well and is started anew: {error:#}"
            ));
            Ok(false)
        }
    }
}

/// Returns real nodes where they can run, and says so where they can't.
pub(crate) fn choose() -> Nodes {
    let reason = if !cfg!(target_os = "linux") {
        "this is not Linux"
    } else if !rustix::process::geteuid().is_root() {
        "this is not root"
    } else {
        return Nodes::Real;
    };
    say(&format!(
        "taking `--nodes kwok`, as {reason}\n{}",
        kwok::SIMULATED
    ));
    Nodes::Kwok
}

fn build_spec(request: &Request, nodes: Nodes, home: &Home) -> Result<Spec> {
    let mut images = None;
    if nodes == Nodes::Real {
        if !cfg!(target_os = "linux") || !rustix::process::geteuid().is_root() {
            bail!(
                "real nodes need Linux and root\nhint: take `--nodes kwok`, which any user can run"
            );
        }
        packages::provide()?;
    }
    let programs = build::programs(home, nodes)?;
    if let Some(pause) = &programs.pause {
        build::build_pause(home, pause)?;
        let folder = build::build_images(home)?;
        images = folder.and_then(|folder| {
            folder
                .file_name()
                .map(|key| key.to_string_lossy().into_owned())
        });
    }
    Ok(Spec {
        nodes,
        audit: request.audit,
        ports: ports(nodes)?,
        programs,
        images,
    })
}

/// With real nodes only the outside port is on the host; with simulated ones all of them are.
fn ports(nodes: Nodes) -> Result<Ports> {
    let mut held = Vec::new();
    let mut free = || -> Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").context("finding a free port")?;
        let port = listener.local_addr()?.port();
        // Held until all are chosen, so that they differ.
        held.push(listener);
        Ok(port)
    };
    Ok(match nodes {
        Nodes::Real => Ports {
            etcd: 2379,
            etcd_peer: 2380,
            api: 6443,
            kwok: 0,
            outside: free()?,
        },
        Nodes::Kwok => {
            let api = free()?;
            Ports {
                etcd: free()?,
                etcd_peer: free()?,
                api,
                kwok: free()?,
                outside: api,
            }
        }
    })
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
