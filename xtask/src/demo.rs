use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use stackctl_sandbox::Sandbox;

use crate::steps::{cargo, program, say, step};

/// Lines of the page that are shown.
const PAGE_LINES: usize = 60;

#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Use this context of your kubeconfig instead of a sandbox
    #[arg(long, value_name = "NAME")]
    kube_context: Option<String>,
    /// Take the stack down again at the end
    #[arg(long)]
    down: bool,
}

/// Where the demo runs.
struct Target {
    kubeconfig: Option<PathBuf>,
    context: String,
    helm: Option<PathBuf>,
    kubectl: PathBuf,
}

impl Demo {
    pub fn run(&self) -> Result<()> {
        cargo("building stackctl", &["build", "--package", "stackctl"])?;
        let target = self.target()?;
        let stackctl = program("stackctl")?;
        let profile = ["--profile", "oro"];
        step(
            "stackctl up --profile oro",
            target.command(&stackctl, "up").args(profile),
        )?;
        step("stackctl status", &mut target.command(&stackctl, "status"))?;
        say("\n==> GET / through nginx, php-fpm and PostgreSQL");
        for line in target.page()?.lines().take(PAGE_LINES) {
            say(line);
        }
        if self.down {
            step(
                "stackctl down --profile oro",
                target.command(&stackctl, "down").args(profile).arg("--yes"),
            )?;
        } else {
            target.say_how_to_go_on(&stackctl);
        }
        Ok(())
    }

    fn target(&self) -> Result<Target> {
        if let Some(context) = &self.kube_context {
            return Ok(Target {
                kubeconfig: None,
                context: context.clone(),
                helm: None,
                kubectl: "kubectl".into(),
            });
        }
        say("\n==> a Kubernetes cluster of its own on this machine");
        let sandbox = Sandbox::shared()?;
        Ok(Target {
            kubeconfig: Some(sandbox.kubeconfig()),
            context: sandbox.context(),
            helm: Some(sandbox.helm()),
            kubectl: sandbox.kubectl(),
        })
    }
}

impl Target {
    fn command(&self, stackctl: &Path, verb: &str) -> Command {
        let mut command = Command::new(stackctl);
        command.arg(verb).args(["--kube-context", &self.context]);
        if let Some(kubeconfig) = &self.kubeconfig {
            command.arg("--kubeconfig").arg(kubeconfig);
        }
        if let Some(helm) = &self.helm {
            command.env("STACKCTL_HELM", helm);
        }
        command
    }

    /// The shop's first page, asked for through the API server, so that no port has to be opened.
    fn page(&self) -> Result<String> {
        let mut kubectl = Command::new(&self.kubectl);
        if let Some(kubeconfig) = &self.kubeconfig {
            kubectl.arg("--kubeconfig").arg(kubeconfig);
        }
        let path = "/api/v1/namespaces/oro/services/webserver:http/proxy/";
        kubectl.args(["--context", &self.context, "get", "--raw", path]);
        let output = kubectl
            .output()
            .with_context(|| format!("starting `{}`", self.kubectl.display()))?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn say_how_to_go_on(&self, stackctl: &Path) {
        let Some(kubeconfig) = &self.kubeconfig else {
            return;
        };
        say("\nThe stack stays up. To look around:");
        say(&format!("  export KUBECONFIG={}", kubeconfig.display()));
        if let Some(helm) = &self.helm {
            say(&format!("  export STACKCTL_HELM={}", helm.display()));
        }
        if let Some(folder) = stackctl.parent() {
            say(&format!("  export PATH={}:$PATH", folder.display()));
        }
        say("  stackctl status");
        say("  stackctl logs --init");
        say("  stackctl down --profile oro --yes");
        say("  cargo sandbox down");
    }
}
