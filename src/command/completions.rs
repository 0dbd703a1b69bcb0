use clap::CommandFactory;

use super::print;
use crate::cli::{Cli, Completions};
use crate::error::Failure;

pub fn run(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stackctl", &mut script);
    print::verbatim(&String::from_utf8_lossy(&script))
}
