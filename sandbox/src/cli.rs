//! The commands and flags.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::cluster::Nodes;

const EXAMPLES: &str = "Examples:
  cargo sandbox up                                  a cluster with one real node (Linux and root)
  cargo sandbox up --nodes kwok                     one with simulated nodes, for any user
  cargo sandbox up --name two --audit               a second one, which logs every request
  export KUBECONFIG=$(cargo sandbox kubeconfig)     use it from other programs
  cargo sandbox load image.tar                      load an image; nothing can be pulled
  cargo sandbox logs kubelet                        what one component has to say
  cargo sandbox down                                leave nothing of it";

/// A real Kubernetes on one machine, for stackctl's demo, tests and benchmark
#[derive(Debug, Parser)]
#[command(name = "cargo sandbox", bin_name = "cargo sandbox", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Which sandbox; each has networks, processes and files of its own
    #[arg(long, global = true, default_value = "default", value_name = "NAME")]
    pub name: String,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring it up, building what is missing; harmless when it is up
    Up {
        /// What the nodes are: by default real ones where they can run
        #[arg(long, value_enum)]
        nodes: Option<Nodes>,
        /// Let the API server log every request; bodies only of what the kubelet says about pods
        #[arg(long)]
        audit: bool,
    },
    /// Take it down and leave nothing behind
    Down,
    /// Say whether it is up, where, and with which processes
    Status,
    /// Build programs and images without starting anything
    Build {
        /// What the nodes are: by default real ones where they can run
        #[arg(long, value_enum)]
        nodes: Option<Nodes>,
    },
    /// Load a container image from an OCI archive
    Load {
        /// The archive
        file: PathBuf,
    },
    /// Print the path of its kubeconfig
    Kubeconfig,
    /// Print the path of the helm that was built with it
    Helm,
    /// Print the log of one component
    Logs {
        /// Its name; without one the names are listed
        component: Option<String>,
    },
    /// Is the supervisor; started by `up`
    #[command(hide = true)]
    Supervise { folder: PathBuf },
    /// Is the first process of the sandbox's namespaces; started by the supervisor
    #[command(hide = true)]
    Keep { folder: PathBuf },
}
