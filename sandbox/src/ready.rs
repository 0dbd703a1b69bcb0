//! When a sandbox is ready: the API server answers, its first objects are there, every node is Ready
//! and DNS knows the API server's Service.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cluster::{Nodes, Spec};
use crate::files::read_if_any;
use crate::home::Instance;
use crate::images;
use crate::kubectl::kubectl;
use crate::lock;

/// How long a first start may take before it counts as failed. A loaded machine is slow.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long a running sandbox may take to answer again before it is started anew.
pub const RECOVERY: Duration = Duration::from_secs(30);
/// Between two tries.
const PROBE: Duration = Duration::from_millis(50);

/// The file that says that the first objects are in.
const MARK: &str = "filled";

/// Waits until the sandbox is ready.
///
/// # Errors
/// When its supervisor ends or it is not ready in time; the message says what was missing last.
pub fn wait(spec: &Spec, instance: &Instance, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    retry(instance, deadline, || {
        kubectl(instance, &["get", "--raw=/readyz"]).map(drop)
    })
    .context("the API server does not answer")?;
    if read_if_any(&instance.file(MARK))?.is_none() {
        fill(instance, deadline)?;
        std::fs::write(instance.file(MARK), "").context("marking the sandbox as filled")?;
    }
    retry(instance, deadline, || nodes_ready(instance)).context("the nodes do not become Ready")?;
    retry(instance, deadline, || dns(spec, instance)).context("DNS does not answer")
}

fn fill(instance: &Instance, deadline: Instant) -> Result<()> {
    let manifests = instance.file("manifests.json");
    let manifests = manifests.to_string_lossy();
    retry(instance, deadline, || {
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            &manifests,
        ];
        kubectl(instance, &apply).map(drop)
    })
    .context("the first objects are refused")?;
    // Pods are refused in a namespace until its service account is there.
    retry(instance, deadline, || {
        kubectl(instance, &["get", "serviceaccount", "default"]).map(drop)
    })
    .context("the controllers do not work")
}

fn nodes_ready(instance: &Instance) -> Result<()> {
    let path = "-o=jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}";
    let told = kubectl(instance, &["get", "nodes", path])?;
    if told.is_empty() || told.split_whitespace().any(|status| status != "True") {
        bail!("a node is not Ready yet");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn dns(spec: &Spec, instance: &Instance) -> Result<()> {
    match spec.nodes {
        Nodes::Real => crate::supervisor::probe::dns(images::keeper(instance)?),
        Nodes::Kwok => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn dns(_: &Spec, _: &Instance) -> Result<()> {
    Ok(())
}

/// Tries until it works, the deadline is over or the supervisor is gone.
pub(crate) fn retry(
    instance: &Instance,
    deadline: Instant,
    attempt: impl Fn() -> Result<()>,
) -> Result<()> {
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) if !lock::is_held(&instance.alive_lock())? => bail!("its supervisor ended"),
            Err(_) => std::thread::sleep(PROBE),
        }
    }
}
