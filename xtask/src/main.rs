//! The recipes of this repository, called as cargo aliases.

mod demo;
mod docs;
mod kill_matrix;
mod steps;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    recipe: Recipe,
}

#[derive(Debug, Subcommand)]
enum Recipe {
    /// Bring the oro stack up on a sandbox, or on a cluster of yours, and ask its web page
    Demo(demo::Demo),
    /// Write the tables of values in the charts' READMEs
    Docs(docs::Docs),
    /// Kill runs at random instants, and look whether the next one ends as if nothing had happened
    KillMatrix(kill_matrix::KillMatrix),
    /// Check format, lints and all tests, end to end on the sandbox
    Verify(verify::Verify),
}

fn main() -> ExitCode {
    let result = match Cli::parse().recipe {
        Recipe::Demo(demo) => demo.run(),
        Recipe::Docs(docs) => docs.run(),
        Recipe::KillMatrix(matrix) => matrix.run(),
        Recipe::Verify(verify) => verify.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            steps::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
