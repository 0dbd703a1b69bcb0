//! The program: reads the command line, runs one verb, turns its end into an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use stackctl::cli::Cli;
use stackctl::{command, process};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == process::LEASH_VERB) {
        return on_leash(&args.collect::<Vec<_>>());
    }
    command::run(&Cli::parse())
}

/// `stackctl __leash PARENT PROGRAM ARGS...`: becomes the program, tied to the parent's life.
fn on_leash(args: &[OsString]) -> ExitCode {
    let parent = args.first().and_then(|pid| pid.to_str()?.parse().ok());
    if let (Some(parent), Some(program)) = (parent, args.get(1)) {
        process::exec_on_leash(parent, program, &args[2..]);
    }
    // What a shell says of a program that can't be run.
    ExitCode::from(126)
}
