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
        let deny = ["--", "--deny", "warnings"];
        let all = ["clippy", "--quiet", "--workspace", "--all-targets"];
        cargo("lints", &[&all[..], &deny].concat())?;
        // Targets that a plain `cargo test` leaves out are left out by `--all-targets` too.
        let end_to_end = ["clippy", "--quiet", "--test", "e2e"];
        cargo(
            "lints of the end-to-end tests",
            &[&end_to_end[..], &deny].concat(),
        )?;
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
        let end_to_end = ["test", "--package", "stackctl", "--test", "e2e"];
        // They wait for the cluster most of the time, each in namespaces of its own.
        let whole = ["--", "--nocapture", "--test-threads=4"];
        let others = [
            "--skip",
            "scenarios",
            "--skip",
            "faults",
            "--skip",
            "upgrade",
            "--skip",
            "kill_matrix",
            "--skip",
            "many",
        ];
        cargo("end to end", &[&end_to_end[..], &whole, &others].concat())?;
        // Its requests need the machine for themselves.
        let alone = ["--", "--nocapture", "--test-threads=1", "upgrade"];
        cargo("an upgrade under load", &[&end_to_end[..], &alone].concat())?;
        // Many processes each: beside others they would only take longer.
        let crowds = [
            "--",
            "--nocapture",
            "--test-threads=1",
            "kill_matrix",
            "many",
        ];
        cargo(
            "kills, and ten at once",
            &[&end_to_end[..], &crowds].concat(),
        )?;
        let scenarios = ["--", "--test-threads=8", "scenarios", "faults"];
        cargo("scenarios", &[&end_to_end[..], &scenarios].concat())?;
        let sequential = ["--", "--nocapture", "--test-threads=1", "--include-ignored"];
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
