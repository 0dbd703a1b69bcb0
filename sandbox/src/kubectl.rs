//! Runs the sandbox's own kubectl against it.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cluster::program;
use crate::home::Instance;

/// Runs kubectl and returns what it wrote to stdout.
///
/// # Errors
/// When it ends with another code than 0; the message is what it wrote to stderr.
pub fn kubectl(instance: &Instance, args: &[&str]) -> Result<String> {
    let output = Command::new(program(instance, "kubectl"))
        .arg("--kubeconfig")
        .arg(instance.kubeconfig())
        // Nothing of it may land in the caller's `~/.kube`.
        .arg("--cache-dir")
        .arg(instance.file("tmp"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("starting kubectl")?;
    if !output.status.success() {
        bail!(
            "`kubectl {}`: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
