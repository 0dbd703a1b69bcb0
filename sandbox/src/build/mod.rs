//! Builds the programs and images that a sandbox runs, once for each digest of their sources.
//!
//! What is being built is under a temporary name until it is whole and on the disk; only then it gets
//! the name that says so. A build that was cut off leaves nothing that could be taken for a finished one.

mod digest;
mod go;
mod images;
mod progress;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cluster::{Nodes, Programs};
use crate::files::remove_tree;
use crate::home::Home;
use crate::lock;
use crate::output::say;

pub use images::{archives, build as build_images, key as image_key, pause as build_pause};

/// The folder of this crate's sources: the Go modules and image scripts are in it.
fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns where a part's programs are, building them first if need be.
fn part(home: &Home, part: &go::Part) -> Result<PathBuf> {
    let key = part.key()?;
    let program = finished(
        &home.programs(),
        &format!("{}-{key}", part.name),
        |folder| part.build(folder),
    )?;
    Ok(program.join(part.name))
}

/// Returns the folder of this name, made by `build` if it is not there yet.
pub(crate) fn finished(
    parent: &Path,
    name: &str,
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let done = parent.join(name);
    if done.exists() {
        return Ok(done);
    }
    std::fs::create_dir_all(parent).with_context(|| format!("making `{}`", parent.display()))?;
    let _building = lock::take(&parent.join(format!("{name}.lock")), || {
        say(&format!("waiting for another build of {name}"));
    })?;
    if done.exists() {
        return Ok(done);
    }
    let partial = parent.join(format!("{name}.partial"));
    remove_tree(&partial)?;
    std::fs::create_dir_all(&partial).with_context(|| format!("making `{}`", partial.display()))?;
    build(&partial)?;
    write_to_disk(&partial)?;
    std::fs::rename(&partial, &done).with_context(|| format!("naming `{}`", done.display()))?;
    std::fs::File::open(parent)?.sync_all()?;
    Ok(done)
}

#[cfg(target_os = "linux")]
fn write_to_disk(folder: &Path) -> Result<()> {
    let folder = std::fs::File::open(folder)?;
    rustix::fs::syncfs(folder).context("writing what was built to the disk")
}

#[cfg(not(target_os = "linux"))]
fn write_to_disk(_: &Path) -> Result<()> {
    rustix::fs::sync();
    Ok(())
}

/// Builds every program that sandboxes with these nodes need.
///
/// # Errors
/// When Go is missing or something can't be built.
pub fn programs(home: &Home, nodes: Nodes) -> Result<Programs> {
    let wanted =
        |part_of: Nodes, what: &go::Part| (part_of == nodes).then(|| part(home, what)).transpose();
    Ok(Programs {
        kubernetes: part(home, &go::KUBERNETES)?,
        helm: part(home, &go::HELM)?,
        coredns: wanted(Nodes::Real, &go::COREDNS)?,
        pause: wanted(Nodes::Real, &go::PAUSE)?,
        kwok: wanted(Nodes::Kwok, &go::KWOK)?,
    })
}

/// Returns where helm is, building it first if need be.
///
/// # Errors
/// When Go is missing or helm can't be built.
pub fn helm(home: &Home) -> Result<PathBuf> {
    part(home, &go::HELM)
}
