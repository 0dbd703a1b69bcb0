//! Brings the schema to the version of this build, and does nothing if it is there.

use std::process::ExitCode;

use clap::Parser;
use order_food::database::Database;
use order_food::migration;
use order_food::step::{self, Reports};

/// Brings the database's tables to the version of this program.
///
/// Does nothing if they are there, and waits if another one is at it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    reports: Reports,
}

fn main() -> ExitCode {
    let Arguments { database, reports } = Arguments::parse();
    step::run("database-migration", &reports, async {
        let count = migration::run(&mut database.connect().await?).await?;
        match count {
            0 => tracing::info!("schema version {}: no change", migration::wanted_version()),
            _ => tracing::info!(
                "schema version {}: {count} applied",
                migration::wanted_version()
            ),
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }
}
