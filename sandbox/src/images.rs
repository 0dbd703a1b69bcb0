//! Images in the sandbox's containerd. There is no registry: what was not loaded can't be pulled.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::cluster::{Nodes, Spec, node::CONTAINERD};
use crate::files::read_if_any;
use crate::home::{Home, Instance};
use crate::ready::retry;

/// Returns the process id of the keeper, whose view of the machine holds containerd's socket.
pub(crate) fn keeper(instance: &Instance) -> Result<u32> {
    let text = read_if_any(&instance.file("keeper.pid"))?.context("the sandbox is not up")?;
    text.parse().context("reading the keeper's process id")
}

/// Loads one OCI or docker archive.
///
/// # Errors
/// When the file is no archive or containerd does not answer.
pub fn load(spec: &Spec, instance: &Instance, archive: &Path) -> Result<()> {
    let path = std::path::absolute(archive)?;
    ctr(spec, instance, &["import".as_ref(), path.as_ref()])
        .with_context(|| format!("loading `{}`", path.display()))
}

/// Gives an image a second name.
///
/// # Errors
/// When there is no such image or containerd does not answer.
pub fn tag(spec: &Spec, instance: &Instance, image: &str, name: &str) -> Result<()> {
    let args = ["tag", "--force", image, name];
    ctr(spec, instance, &args.map(AsRef::as_ref)).with_context(|| format!("naming `{image}`"))
}

/// Takes a name away, and with its last one the image. A name that is not there is no error.
///
/// # Errors
/// When containerd does not answer.
pub fn remove(spec: &Spec, instance: &Instance, name: &str) -> Result<()> {
    let args = ["remove", "--sync", name];
    ctr(spec, instance, &args.map(AsRef::as_ref)).with_context(|| format!("removing `{name}`"))
}

/// Runs `ctr images` in the namespace that the kubelet's images are in.
fn ctr(spec: &Spec, instance: &Instance, args: &[&OsStr]) -> Result<()> {
    if spec.nodes == Nodes::Kwok {
        bail!("simulated nodes run no images");
    }
    let output = Command::new("ctr")
        .arg("--address")
        .arg(format!("/proc/{}/root{CONTAINERD}", keeper(instance)?))
        .args(["--namespace", "k8s.io", "images"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("starting `ctr`")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Loads the pause image and every image of the sandbox's digest.
pub(crate) fn load_all(spec: &Spec, instance: &Instance, deadline: Instant) -> Result<()> {
    let Some(pause) = &spec.programs.pause else {
        return Ok(());
    };
    let home = Home::find()?;
    let mut archives = vec![build::build_pause(&home, pause)?];
    if let Some(key) = &spec.images {
        archives.extend(build::archives(&home.images().join(key))?);
    }
    retry(instance, deadline, || load(spec, instance, &archives[0]))
        .context("containerd does not answer")?;
    archives[1..]
        .iter()
        .try_for_each(|archive| load(spec, instance, archive))
}
