//! `cargo sandbox`: see the crate's README.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use stackctl_sandbox::cli::{Cli, Command};
use stackctl_sandbox::home::Home;
use stackctl_sandbox::output::{data, say};
use stackctl_sandbox::up::{Request, up};
use stackctl_sandbox::{Sandbox, down, provision, status, supervisor};

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let name = cli.name;
    match cli.command {
        Command::Up { nodes, audit } => {
            up(
                &Request {
                    name: name.clone(),
                    nodes,
                    audit,
                },
                &std::env::current_exe()?,
            )?;
            let sandbox = Sandbox::running(&name)?;
            say(&format!(
                "export KUBECONFIG={}",
                sandbox.kubeconfig().display()
            ));
            if let Some(log) = sandbox.audit_log() {
                say(&format!("audit log: {}", log.display()));
            }
            Ok(())
        }
        Command::Down => down::down(&name),
        Command::Status => status::status(&name),
        Command::Build { nodes } => {
            let nodes = nodes.unwrap_or_else(provision::choose);
            provision::provide(&Home::find()?, nodes, &std::env::current_exe()?).map(drop)
        }
        Command::Load { file } => Sandbox::running(&name)?.load(&file),
        Command::Kubeconfig => {
            data(&Sandbox::running(&name)?.kubeconfig().display().to_string());
            Ok(())
        }
        Command::Helm => {
            data(
                &stackctl_sandbox::helm(&Home::find()?)?
                    .display()
                    .to_string(),
            );
            Ok(())
        }
        Command::Logs { component } => status::logs(&name, component.as_deref()),
        Command::Supervise { folder } => supervisor::supervise(&folder),
        Command::Keep { folder } => supervisor::keep(&folder),
    }
}
