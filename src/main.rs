//! The program: reads the command line, runs one verb, turns its end into an exit code.

use std::process::ExitCode;

use clap::Parser;
use stackctl::cli::Cli;
use stackctl::{command, process};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(verb) if verb == process::LEASH_VERB => {
            return command::on_leash(&args.collect::<Vec<_>>());
        }
        Some(verb) if verb == process::TREE_VERB => {
            return command::as_tree(&args.collect::<Vec<_>>());
        }
        _ => {}
    }
    command::tell_panics();
    match Cli::try_parse() {
        Ok(cli) => command::run(&cli),
        Err(said) => command::not_a_command(&said),
    }
}
