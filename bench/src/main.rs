//! `cargo bench-stack`: the same charts on the same cluster, brought up by stackctl and by others.
//!
//! Each part is one question with a table as its answer. A benchmark is no test: it tells what it
//! saw and fails only when something did not run as it should.

mod audit;
mod bench;
mod cluster;
mod event;
mod figures;
mod interrupt;
mod output;
mod parts;
mod process;
mod stack;
mod subject;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::bench::Bench;
use crate::output::say;
use crate::parts::Part;

const EXAMPLES: &str = "Examples:
  cargo bench-stack                       every part; it takes more than an hour
  cargo bench-stack cause chains          these two
  cargo bench-stack --trial               does it work? Small and once, no figures to publish
  cargo bench-stack --markdown            write what was measured to docs/benchmarks.md";

/// Measure stackctl beside other ways to bring up the same releases
#[derive(Debug, Parser)]
#[command(name = "cargo bench-stack", bin_name = "cargo bench-stack", after_help = EXAMPLES)]
struct Cli {
    /// What to measure [default: everything]
    #[arg(value_enum, value_name = "PART")]
    parts: Vec<Part>,
    /// How often; medians are told. `cause` and `calm` run at least 20 times
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Run everything small and once, to see that it works
    #[arg(long, conflicts_with_all = ["markdown", "runs"])]
    trial: bool,
    /// Write the tables of the parts that ran to docs/benchmarks.md
    #[arg(long)]
    markdown: bool,
    /// Measure this program [default: one that is built for it, with --release]
    #[arg(long, value_name = "PATH")]
    stackctl: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            match interrupt::check() {
                Ok(()) => ExitCode::FAILURE,
                Err(_) => ExitCode::from(130),
            }
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    interrupt::listen()?;
    let bench = Bench::new(cli.stackctl.as_deref(), cli.runs, cli.trial)?;
    let mut tables = Vec::new();
    let outcome = parts::run(&bench, &cli.parts, |table| {
        output::data(&table.text());
        tables.push(table);
    });
    // What was measured before something went wrong was measured all the same.
    if cli.markdown && !tables.is_empty() {
        table::update(&tables, &bench.made_by(&cli.parts))?;
    }
    outcome
}
