//! What all parts of one run share.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::output::say;
use crate::parts::Part;
use crate::process;

/// Runs of what is told as a 95th percentile or as a number of mistakes: fewer would say nothing.
const MANY: u32 = 20;

/// The tools and the sizes.
#[derive(Debug)]
pub struct Bench {
    pub stackctl: PathBuf,
    pub helmfile: Option<PathBuf>,
    /// A home for the tools, with nothing in it.
    pub home: TempDir,
    pub runs: u32,
    /// Runs of what needs many.
    pub many: u32,
    /// Two sizes of a stack, to tell what a release costs from what a run costs.
    pub sizes: [usize; 2],
    /// Releases of a large stack.
    pub large: usize,
    /// For how long something is watched.
    pub watching: Duration,
    load: String,
}

impl Bench {
    /// # Errors
    /// stackctl can't be built.
    pub fn new(stackctl: Option<&Path>, runs: u32, trial: bool) -> Result<Bench> {
        let stackctl = match stackctl {
            Some(path) => std::path::absolute(path)?,
            None => build()?,
        };
        let helmfile = which::which("helmfile").ok();
        if helmfile.is_none() {
            say("there is no helmfile on the PATH: it is left out");
        }
        Ok(Bench {
            stackctl,
            helmfile,
            home: tempfile::tempdir().context("making a home for the tools")?,
            runs: if trial { 1 } else { runs },
            many: if trial { 2 } else { runs.max(MANY) },
            sizes: if trial { [2, 4] } else { [5, 10] },
            large: if trial { 8 } else { 50 },
            watching: Duration::from_secs(if trial { 5 } else { 30 }),
            load: load(),
        })
    }

    /// Returns the command and the machine, for the page with the figures of these parts.
    pub fn made_by(&self, parts: &[Part]) -> String {
        let parts: Vec<&str> = parts.iter().map(|part| part.name()).collect();
        let runs = format!("--runs {} --markdown", self.runs);
        let command = ["cargo bench-stack", &parts.join(" "), &runs]
            .join(" ")
            .replace("  ", " ");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut version = Command::new(&self.stackctl);
        let version = process::output(version.arg("--version"), Duration::from_secs(10));
        format!(
            "Made by `{command}` on {} with {cores} cores ({}, load {} before): {}.",
            jiff::Timestamp::now().strftime("%Y-%m-%d"),
            system(),
            self.load,
            version.unwrap_or_else(|_| "stackctl".to_owned()),
        )
    }
}

/// Builds the program as users have it and returns where it is.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(cargo)
        .args(["build", "--release", "--package", "stackctl"])
        .current_dir(own)
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!("`cargo build --release` failed: {status}");
    }
    let program = std::env::current_exe().context("finding this program")?;
    let target = program
        .ancestors()
        .nth(2)
        .context("this program is in no folder")?;
    Ok(target.join("release/stackctl"))
}

/// The load of the last minute, or `unknown`.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .filter(|l| !l.is_empty())
        .unwrap_or("unknown")
        .to_owned()
}

fn system() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // What follows the number tells who built the kernel, which nobody needs to know.
    let number = release.trim().split('-').next().unwrap_or_default();
    format!("{} {number}", std::env::consts::OS)
}
