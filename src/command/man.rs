use clap::CommandFactory;

use super::print;
use crate::cli::Cli;
use crate::error::Failure;

/// The page of stackctl itself, then those of its verbs.
pub fn run() -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let name = format!("stackctl-{}", verb.get_name());
        clap_mangen::Man::new(verb.clone().name(name))
            .source(concat!("stackctl ", env!("CARGO_PKG_VERSION")))
            .render(&mut page)?;
    }
    print::verbatim(&String::from_utf8_lossy(&page))
}
