//! The face of the crate for tests and for the demo.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cluster::{Nodes, Spec};
use crate::home::{Home, Instance};
use crate::{down, images, lock, provision, ready, status};

/// A sandbox that is up.
#[derive(Clone, Debug)]
pub struct Sandbox {
    instance: Instance,
    spec: Spec,
}

impl Sandbox {
    /// Returns the default sandbox, brought up if it is not up yet or not well.
    ///
    /// Any number of processes may call it at once; one of them does the work and the others wait.
    ///
    /// # Errors
    /// When it can't be brought up.
    pub fn shared() -> Result<Self> {
        Self::up("default", &[])
    }

    /// Returns the sandbox of this name, brought up with these further arguments of `up` if need be.
    ///
    /// # Errors
    /// When it can't be brought up.
    pub fn up(name: &str, args: &[&str]) -> Result<Self> {
        if let Ok(sandbox) = Self::running(name)
            && ready::wait(&sandbox.spec, &sandbox.instance, std::time::Duration::ZERO).is_ok()
            && provision::has_current_images(&sandbox.spec)?
        {
            return Ok(sandbox);
        }
        // A test's own program can't become the supervisor, so the crate's is built and asked.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([
                "run",
                "--quiet",
                "--package",
                "stackctl-sandbox",
                "--manifest-path",
            ])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .args(["--", "up", "--name", name])
            .args(args)
            .status()
            .context("starting `cargo sandbox up`")?;
        if !status.success() {
            bail!("`cargo sandbox up` failed: {status}");
        }
        Self::running(name)
    }

    /// Returns the sandbox of this name if it is up.
    ///
    /// # Errors
    /// When it is not.
    pub fn running(name: &str) -> Result<Self> {
        let instance = Home::find()?.instance(name)?;
        match Spec::load(&instance)? {
            Some(spec) if lock::is_held(&instance.alive_lock())? => Ok(Self { instance, spec }),
            _ => bail!("sandbox `{name}` is not up\nhint: cargo sandbox up"),
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.instance.name()
    }

    /// Returns what its nodes are.
    #[must_use]
    pub fn nodes(&self) -> Nodes {
        self.spec.nodes
    }

    /// Returns the kubeconfig, readable by its owner only.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.instance.kubeconfig()
    }

    /// Returns the context in that kubeconfig.
    #[must_use]
    pub fn context(&self) -> String {
        self.instance.context()
    }

    /// Returns the helm that was built with it.
    #[must_use]
    pub fn helm(&self) -> PathBuf {
        self.spec.programs.helm.clone()
    }

    /// Returns the kubectl that was built with it.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        crate::cluster::program(&self.instance, "kubectl")
    }

    /// Returns the API server's audit log, one JSON object a line, if it was brought up with one.
    #[must_use]
    pub fn audit_log(&self) -> Option<PathBuf> {
        self.spec.audit.then(|| self.instance.audit_log())
    }

    /// Returns the process id of a component, `kube-apiserver`, so that a test can stop it.
    ///
    /// # Errors
    /// When it does not run.
    pub fn process(&self, component: &str) -> Result<u32> {
        status::process(&self.spec, &self.instance, component)?
            .with_context(|| format!("`{component}` does not run"))
    }

    /// Returns the address of its API server, `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.spec.outside().to_string()
    }

    /// Loads an image from an OCI archive; it stays until `down`.
    ///
    /// # Errors
    /// When the file is no archive, or the nodes are simulated.
    pub fn load(&self, archive: &Path) -> Result<()> {
        images::load(&self.spec, &self.instance, archive)
    }

    /// Gives an image that it has a second name.
    ///
    /// # Errors
    /// When it has no such image, or the nodes are simulated.
    pub fn tag_image(&self, image: &str, name: &str) -> Result<()> {
        images::tag(&self.spec, &self.instance, image, name)
    }

    /// Takes a name away from an image, and with its last one the image.
    ///
    /// # Errors
    /// When containerd does not answer, or the nodes are simulated.
    pub fn remove_image(&self, name: &str) -> Result<()> {
        images::remove(&self.spec, &self.instance, name)
    }

    /// Takes it down.
    ///
    /// # Errors
    /// When something of it can't be removed.
    pub fn down(self) -> Result<()> {
        down::down(self.instance.name())
    }
}
