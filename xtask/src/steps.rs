//! Steps of a recipe: each is announced, timed, and ends the recipe when it fails.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The folder of the repository.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Writes a line for people.
pub fn say(text: &str) {
    // With nobody to read it there is nothing to do about it.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Runs a cargo command from the root.
///
/// # Errors
/// It can't be started or does not succeed.
pub fn cargo(title: &str, args: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    step(title, Command::new(cargo).args(args))
}

/// Runs a command from the root.
///
/// # Errors
/// It can't be started or does not succeed.
pub fn step(title: &str, command: &mut Command) -> Result<()> {
    say(&format!("\n==> {title}"));
    let started = Instant::now();
    let status = command
        .current_dir(root())
        .status()
        .with_context(|| format!("starting {}", shown(command)))?;
    if !status.success() {
        bail!("{title}: {} ended with {status}", shown(command));
    }
    say(&format!(
        "==> {title}: done in {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    format!("`{}`", words.join(" "))
}

/// Where cargo has put a program of the workspace.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("finding this program")?;
    let folder = own.parent().context("this program is in no folder")?;
    Ok(folder.join(name))
}
