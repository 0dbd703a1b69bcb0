//! A sandbox of the benchmark's own, down again whatever happens.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use stackctl_sandbox::Sandbox;

use crate::audit::AuditLog;
use crate::interrupt;
use crate::output::say;
use crate::process;

/// How long a namespace with all that is in it may take to go.
const PATIENCE: Duration = Duration::from_secs(300);

/// A cluster that is up as long as this value is there.
#[derive(Debug)]
pub struct Cluster {
    name: &'static str,
    sandbox: Option<Sandbox>,
}

impl Cluster {
    /// Brings up a sandbox with a real node and an audit log.
    ///
    /// # Errors
    /// It does not come up.
    pub fn real() -> Result<Cluster> {
        Cluster::up("bench", &["--nodes", "real", "--audit"])
    }

    /// Brings up a sandbox with simulated nodes and an audit log.
    ///
    /// # Errors
    /// It does not come up.
    pub fn simulated() -> Result<Cluster> {
        Cluster::up("bench-kwok", &["--nodes", "kwok", "--audit"])
    }

    fn up(name: &'static str, args: &[&str]) -> Result<Cluster> {
        interrupt::check()?;
        // Made first, so that one that came up only half goes down again too.
        let mut cluster = Cluster {
            name,
            sandbox: None,
        };
        cluster.sandbox = Some(Sandbox::up(name, args)?);
        Ok(cluster)
    }

    fn sandbox(&self) -> &Sandbox {
        let Some(sandbox) = &self.sandbox else {
            unreachable!("`up` returns a cluster only with its sandbox")
        };
        sandbox
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.sandbox().kubeconfig()
    }

    pub fn helm(&self) -> PathBuf {
        self.sandbox().helm()
    }

    /// Returns what its API server wrote down.
    ///
    /// # Errors
    /// It has no audit log.
    pub fn audit(&self) -> Result<AuditLog> {
        let log = self.sandbox().audit_log();
        Ok(AuditLog::at(log.context("the sandbox has no audit log")?))
    }

    /// Returns once there is an empty namespace of this name and nothing of an earlier one.
    ///
    /// # Errors
    /// The old one does not go, or there is no new one.
    pub fn fresh(&self, namespace: &str) -> Result<()> {
        self.remove(namespace)?;
        self.kubectl(&["create", "namespace", namespace])?;
        // Without it the first pods would be refused.
        let account = ["wait", "--for=create", "serviceaccount/default"];
        self.kubectl(&[&account[..], &["--namespace", namespace]].concat())
    }

    /// Returns once there is no namespace of this name.
    ///
    /// # Errors
    /// It does not go.
    pub fn remove(&self, namespace: &str) -> Result<()> {
        self.kubectl(&["delete", "namespace", namespace, "--ignore-not-found"])
    }

    fn kubectl(&self, args: &[&str]) -> Result<()> {
        let sandbox = self.sandbox();
        let mut kubectl = Command::new(sandbox.kubectl());
        kubectl.arg("--kubeconfig").arg(sandbox.kubeconfig());
        process::output(kubectl.args(args), PATIENCE)?;
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = stackctl_sandbox::down::down(self.name) {
            say(&format!("sandbox `{}`: {error:#}", self.name));
        }
    }
}
