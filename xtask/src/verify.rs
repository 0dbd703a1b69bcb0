use anyhow::Result;
use stackctl_sandbox::Sandbox;

use crate::steps::{cargo, say};

#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Only what needs no cluster
    #[arg(long)]
    quick: bool,
}

impl Verify {
    pub fn run(&self) -> Result<()> {
        cargo("format", &["fmt", "--all", "--check"])?;
        let lints = ["--workspace", "--all-targets", "--", "--deny", "warnings"];
        cargo("lints", &[&["clippy", "--quiet"][..], &lints].concat())?;
        cargo(
            "tests without a cluster",
            &["test", "--quiet", "--workspace"],
        )?;
        if self.quick {
            return Ok(());
        }
        say("\n==> a Kubernetes cluster of its own on this machine");
        let sandbox = Sandbox::shared()?;
        say(&format!("==> sandbox `{}` is up", sandbox.name()));
        let sequential = ["--", "--nocapture", "--test-threads=1"];
        let end_to_end = ["test", "--quiet", "--package", "stackctl", "--test", "e2e"];
        cargo("end to end", &[&end_to_end[..], &sequential].concat())?;
        for test in ["cluster", "leaves_nothing"] {
            let own = [
                "test",
                "--quiet",
                "--package",
                "stackctl-sandbox",
                "--test",
                test,
            ];
            cargo(
                &format!("sandbox: {test}"),
                &[&own[..], &sequential].concat(),
            )?;
        }
        Ok(())
    }
}
