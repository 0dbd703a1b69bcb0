//! Everything that has to be there before a sandbox can start: packages, programs, images.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::build::{self, finished};
use crate::cluster::{Nodes, Ports, Programs, Spec, kwok};
use crate::down::{stop, tear_down};
use crate::home::{Home, Instance};
use crate::host::packages;
use crate::images;
use crate::output::{duration, say};
use crate::ready;
use crate::up::start;

/// Returns real nodes where they can run, and says so where they can't.
pub fn choose() -> Nodes {
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

/// Installs and builds what a sandbox with these nodes needs, and returns what to start.
///
/// # Errors
/// When the nodes can't run here, or something can't be installed or built.
pub fn provide(home: &Home, nodes: Nodes, program: &Path) -> Result<Spec> {
    if nodes == Nodes::Real {
        if !cfg!(target_os = "linux") || !rustix::process::geteuid().is_root() {
            bail!(
                "real nodes need Linux and root\nhint: take `--nodes kwok`, which any user can run"
            );
        }
        packages::provide()?;
    }
    let programs = build::programs(home, nodes)?;
    let mut spec = Spec {
        nodes,
        audit: false,
        ports: ports(nodes)?,
        programs,
        images: None,
        store: None,
        store_only: false,
    };
    if nodes == Nodes::Real {
        spec.images = build::build_images(home)?;
        spec.store = Some(image_store(home, &spec, program)?);
    }
    Ok(spec)
}

/// Whether a sandbox has the images of the current sources, or needs none.
pub(crate) fn has_current_images(spec: &Spec) -> Result<bool> {
    Ok(spec.nodes == Nodes::Kwok || build::image_key()? == spec.images)
}

/// Loads the images of the current sources into a sandbox that was started with older ones.
pub(crate) fn renew_images(mut spec: Spec, instance: &Instance) -> Result<()> {
    if has_current_images(&spec)? {
        return Ok(());
    }
    let home = Home::find()?;
    say("its images are older than their sources: loading the current ones");
    spec.images = build::build_images(&home)?;
    images::load_all(&spec, instance, Instant::now() + ready::RECOVERY)?;
    spec.save(instance)
}

/// Returns a folder of containerd's with every image unpacked, made if it is not there yet.
///
/// Unpacking takes longer than all else of a start, so it is done once for each set of images: by a
/// containerd in a sandbox of its own, whose folder is kept.
fn image_store(home: &Home, spec: &Spec, program: &Path) -> Result<PathBuf> {
    let key = store_key(&spec.programs, spec.images.as_deref())?;
    finished(&home.stores(), &key, |folder| {
        let began = Instant::now();
        say("unpacking the images (once for each change of them)");
        let instance = home.instance("image-store")?;
        let spec = Spec {
            store_only: true,
            ..spec.clone()
        };
        tear_down(&instance)?;
        start(&spec, &instance, program)?;
        images::load_all(&spec, &instance, Instant::now() + ready::PATIENCE)?;
        stop(&instance)?;
        let containerd = instance.file("containerd");
        std::fs::rename(&containerd, folder.join("containerd"))
            .with_context(|| format!("keeping `{}`", containerd.display()))?;
        say(&format!(
            "unpacked the images in {}",
            duration(began.elapsed())
        ));
        tear_down(&instance)
    })
}

fn store_key(programs: &Programs, images: Option<&str>) -> Result<String> {
    let pause = programs.pause.as_deref().and_then(Path::parent);
    let pause = pause
        .and_then(Path::file_name)
        .context("finding the pause image's digest")?;
    Ok(format!(
        "{}-{}",
        images.unwrap_or("none"),
        pause.to_string_lossy()
    ))
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
