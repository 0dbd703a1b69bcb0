//! What there is to know about a sandbox.

use anyhow::{Context, Result, bail};

use crate::cluster::{Nodes, components};
use crate::cluster::{Spec, kwok};
use crate::home::{Home, Instance};
use crate::lock;
use crate::output::{data, raw, say};
use crate::ready;
use crate::supervisor;

/// Prints whether the sandbox is up, where, and the processes of its components.
///
/// # Errors
/// When it is not up or not well, so that scripts can tell by the exit code.
pub fn status(name: &str) -> Result<()> {
    let instance = Home::find()?.instance(name)?;
    let spec = Spec::load(&instance)?;
    let (Some(spec), true) = (spec, lock::is_held(&instance.alive_lock())?) else {
        if instance.folder().exists() {
            bail!(
                "sandbox `{name}` ended without `down`\nhint: `cargo sandbox up` starts it anew, `down` cleans up"
            );
        }
        bail!("there is no sandbox `{name}`\nhint: cargo sandbox up");
    };
    data(&format!("name        {name}"));
    data(&format!("nodes       {}", spec.nodes));
    data(&format!("server      https://{}", spec.outside()));
    data(&format!("kubeconfig  {}", instance.kubeconfig().display()));
    data(&format!("context     {}", instance.context()));
    if spec.audit {
        data(&format!("audit log   {}", instance.audit_log().display()));
    }
    for component in components(&spec, &instance) {
        let pid = process(&spec, &instance, component.name)?;
        let pid = pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        data(&format!("component   {:<24} {pid:>8}", component.name));
    }
    if spec.nodes == Nodes::Kwok {
        say(kwok::SIMULATED);
    }
    ready::wait(&spec, &instance, std::time::Duration::ZERO)
        .with_context(|| format!("sandbox `{name}` is not well"))
}

/// Returns the host's id of a component's process, if it runs.
///
/// # Errors
/// When the supervisor's record can't be read.
pub fn process(spec: &Spec, instance: &Instance, component: &str) -> Result<Option<u32>> {
    let recorded = supervisor::recorded(instance)?;
    let inner = recorded.get(component);
    Ok(inner.and_then(|inner| outer_pid(spec, instance, *inner)))
}

/// Returns the host's id of a process that the keeper knows by another one.
fn outer_pid(spec: &Spec, instance: &Instance, inner: u32) -> Option<u32> {
    match spec.nodes {
        Nodes::Kwok => Some(inner),
        Nodes::Real => outside(instance, inner),
    }
}

#[cfg(target_os = "linux")]
fn outside(instance: &Instance, inner: u32) -> Option<u32> {
    crate::host::cgroup::members(&instance.cgroup())
        .into_iter()
        .find(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let ids: Vec<&str> = status
                .lines()
                .find_map(|line| line.strip_prefix("NSpid:"))
                .map(|ids| ids.split_whitespace().collect())
                .unwrap_or_default();
            // Host, sandbox; a container's process has a third one.
            ids.len() == 2 && ids[1].parse() == Ok(inner)
        })
}

#[cfg(not(target_os = "linux"))]
fn outside(_: &Instance, inner: u32) -> Option<u32> {
    Some(inner)
}

/// Prints the log of one component, or the names of the logs.
///
/// # Errors
/// When there is no such log.
pub fn logs(name: &str, component: Option<&str>) -> Result<()> {
    let instance = Home::find()?.instance(name)?;
    if let Some(component) = component {
        let log = instance.log(component);
        if let Ok(bytes) = std::fs::read(&log) {
            raw(&bytes);
            return Ok(());
        }
    }
    let folder = instance.file("logs");
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("there are no logs of a sandbox `{name}`"))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(".log")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    match component {
        None => names.iter().for_each(|name| data(name)),
        Some(component) => bail!(
            "there is no log of `{component}`\nhint: there are {}",
            names.join(", ")
        ),
    }
    Ok(())
}
