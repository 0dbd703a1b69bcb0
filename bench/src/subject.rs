//! The tools that are compared, and how each is told to bring a stack up.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::process::{Ended, Running};
use crate::stack::Stack;

/// One way to bring a stack up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Stackctl,
    /// `helm upgrade --install --wait`, one after the other.
    Script,
    /// `helm upgrade --install` without `--wait`, eight at a time: the least that could be done.
    Unordered,
    Helmfile,
    HelmfileKubedog,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Subject::Stackctl => "stackctl",
            Subject::Script => "script of `helm --wait`",
            Subject::Unordered => "bare helm, eight at a time",
            Subject::Helmfile => "helmfile",
            Subject::HelmfileKubedog => "helmfile with kubedog",
        })
    }
}

impl Subject {
    /// Returns those that can be run here and keep the order of needs.
    pub fn here(bench: &Bench) -> Vec<Subject> {
        let mut subjects = vec![Subject::Stackctl, Subject::Script];
        if bench.helmfile.is_some() {
            subjects.extend([Subject::Helmfile, Subject::HelmfileKubedog]);
        }
        subjects
    }

    /// Starts to bring a stack up.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(self, bench: &Bench, cluster: &Cluster, stack: &Stack) -> Result<Running> {
        Running::start(&mut self.command(bench, cluster, stack))
    }

    /// Brings a stack up that is well.
    ///
    /// # Errors
    /// It did not succeed within the limit.
    pub fn up(
        self,
        bench: &Bench,
        cluster: &Cluster,
        stack: &Stack,
        limit: Duration,
    ) -> Result<Ended> {
        let running = self.start(bench, cluster, stack)?;
        running.end_within(limit)?.expect_code(0)
    }

    fn command(self, bench: &Bench, cluster: &Cluster, stack: &Stack) -> Command {
        let helm = cluster.helm();
        let mut command = match self {
            Subject::Stackctl => {
                let mut command = Command::new(&bench.stackctl);
                command.args(["up", "--progress", "json", "--parallel", "8", "--profile"]);
                command.arg(stack.profile());
                command
            }
            Subject::Script => shell(&stack.script()),
            Subject::Unordered => shell(&stack.unordered_script()),
            Subject::Helmfile | Subject::HelmfileKubedog => {
                // Only named by `here` where there is one.
                let program = bench.helmfile.as_deref().unwrap_or(Path::new("helmfile"));
                let mut command = Command::new(program);
                command.arg("--helm-binary").arg(&helm).arg("--file");
                command.arg(match self {
                    Subject::Helmfile => stack.helmfile(),
                    _ => stack.tracked_helmfile(),
                });
                command.args(["sync", "--skip-deps", "--concurrency", "8"]);
                command
            }
        };
        command
            .current_dir(stack.folder())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", bench.home.path())
            .env("KUBECONFIG", cluster.kubeconfig())
            .env("HELM", &helm)
            .env("STACKCTL_HELM", &helm);
        command
    }
}

fn shell(script: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg(script);
    command
}
