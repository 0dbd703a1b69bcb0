//! Loads products and coupon codes, and does nothing if they were loaded before.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use order_food::database::Database;
use order_food::load;
use order_food::step::{self, Reports};

/// Loads products and coupon codes into the database's tables.
///
/// Each file is loaded once for each content.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    reports: Reports,
    /// Folder with products.csv, and with a list of codes for each file in coupons.
    #[arg(long, env = "ORDER_FOOD_DATA", default_value = "/usr/share/order-food")]
    data: PathBuf,
}

fn main() -> ExitCode {
    let Arguments {
        database,
        reports,
        data,
    } = Arguments::parse();
    step::run("database-load", &reports, async {
        load::run(&mut database.connect().await?, &data).await
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
