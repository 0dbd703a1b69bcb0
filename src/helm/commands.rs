//! The profile's own commands around a release: no shell unless the profile asks for one, on the
//! same leash as helm.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::deploy::{Helm, never_there};
use crate::identity;
use crate::plan::{Command, Step};
use crate::process::{self, Ended, Program, Stop};
use crate::runner::ports::{Cancel, DeployError, Refusal, Trouble};
use crate::wording;

/// How long a command that was asked to end may take for it.
const GRACE: Duration = Duration::from_secs(10);

impl Helm {
    pub(super) async fn run_command(
        &self,
        step: &Step,
        command: &Command,
        limit: Duration,
        cancel: Cancel,
    ) -> Result<(), DeployError> {
        let what = command.title();
        let stop = Stop {
            gently: cancel.gently.child_token(),
            now: cancel.now.child_token(),
        };
        let program = self.program(step, command);
        cancel.may_start().await?;
        let run = program.run(&stop);
        tokio::pin!(run);
        let (ended, late) = tokio::select! {
            ended = &mut run => (ended, false),
            () = tokio::time::sleep(limit) => {
                stop.gently.cancel();
                let ended = match tokio::time::timeout(GRACE, &mut run).await {
                    Ok(ended) => ended,
                    Err(_) => {
                        stop.now.cancel();
                        run.await
                    }
                };
                (ended, true)
            }
        };
        let ended = ended.map_err(|error| self.failed(step, &what, &error.to_string(), None))?;
        if late {
            let why = format!("it was still at work after {}", wording::duration(limit));
            return Err(self.failed(step, &what, &why, Some(&ended)));
        }
        if ended.status.success() {
            return Ok(());
        }
        if ended.stopped {
            return Err(DeployError::Cancelled);
        }
        let printed = process::lines(&ended.stderr);
        if let Some(said) = never_there(&ended, &printed) {
            return Err(self.failed(step, &what, &said, None));
        }
        let why = match process::killed_by(ended.status) {
            Some(signal) => format!("signal {signal}"),
            None => format!("exit code {}", ended.status.code().unwrap_or_default()),
        };
        Err(self.failed(step, &what, &why, Some(&ended)))
    }

    fn program(&self, step: &Step, command: &Command) -> Program {
        let mut program = Program::new(Path::new(&command.words[0])).args(&command.words[1..]);
        program.directory = Some(command.folder.clone()).filter(|folder| folder.is_dir());
        program.leash.clone_from(&self.leash);
        program.whole_tree = true;
        let mut set = |name: &str, value: OsString| {
            program.env.push((name.into(), Some(value)));
        };
        set("STACKCTL_STACK", self.marks.stack.as_str().into());
        set(identity::RUN, self.marks.run.as_str().into());
        set("STACKCTL_RELEASE", step.id.as_str().into());
        set("STACKCTL_NAMESPACE", step.namespace.as_str().into());
        if let Some(context) = &self.target.context {
            set("STACKCTL_CONTEXT", context.into());
        }
        if let Some(kubeconfig) = &self.target.kubeconfig {
            let kubeconfig = std::path::absolute(kubeconfig);
            set("KUBECONFIG", kubeconfig.unwrap_or_default().into());
        }
        for (name, value) in &command.env {
            set(name, value.into());
        }
        program
    }

    fn failed(&self, step: &Step, what: &str, why: &str, ended: Option<&Ended>) -> DeployError {
        let printed = ended.map_or_else(Vec::new, |ended| {
            let mut lines = process::lines(&ended.stdout);
            lines.extend(process::lines(&ended.stderr));
            lines
        });
        DeployError::Refused(Refusal {
            trouble: Trouble::Command(what.into()),
            sentence: format!("{what} failed: {why}"),
            output: self.cleared(step, printed),
            ..Refusal::default()
        })
    }
}
