//! The program: reads the command line, runs one verb, turns its end into an exit code.

use std::process::ExitCode;

use clap::Parser;
use stackctl::cli::Cli;
use stackctl::{command, process};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == process::LEASH_VERB) {
        return command::on_leash(&args.collect::<Vec<_>>());
    }
    command::run(&Cli::parse())
}
