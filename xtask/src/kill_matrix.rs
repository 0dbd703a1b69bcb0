//! Runs that are killed at random instants, on the sandbox.

use std::process::Command;

use anyhow::Result;
use clap::Args;
use stackctl_sandbox::Sandbox;

use crate::steps::{say, step};

#[derive(Debug, Args)]
pub struct KillMatrix {
    /// Rounds of each kind
    #[arg(long, default_value_t = 30)]
    rounds: u32,
    /// Only these kinds: install, upgrade, down, down-volumes, prune, rollback, rollback-on-failure
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds that go on beside each other
    #[arg(long, default_value_t = 3)]
    at_once: u32,
    /// Makes the rounds of an earlier matrix again
    #[arg(long)]
    seed: Option<u64>,
}

impl KillMatrix {
    pub fn run(&self) -> Result<()> {
        let sandbox = Sandbox::shared()?;
        say(&format!("==> sandbox `{}` is up", sandbox.name()));
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(["test", "--package", "stackctl", "--test", "e2e"])
            .args(["--", "--nocapture", "kill_matrix"])
            .env("STACKCTL_KILLS", self.rounds.to_string())
            .env("STACKCTL_KILLS_AT_ONCE", self.at_once.to_string());
        if !self.only.is_empty() {
            command.env("STACKCTL_KILLS_ONLY", self.only.join(","));
        }
        if let Some(seed) = self.seed {
            command.env("STACKCTL_KILLS_SEED", seed.to_string());
        }
        step("kill matrix", &mut command)
    }
}
