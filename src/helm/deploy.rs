use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::args::{self, Connection, Marks, Upgrade};
use super::environment::{self, Changes};
use super::{Binary, Staged, Workspace};
use crate::names::ReleaseId;
use crate::plan::Step;
use crate::process::{self, Ended, Program, Stop};
use crate::profile::Values;
use crate::runner::ports::{Cancel, DeployError, Deployer};

/// Lines of helm's output that a failure carries.
const OUTPUT_LINES: usize = 20;

/// Where helm goes, and what it leaves behind there.
pub type Target = Connection;

/// The real helm.
#[derive(Debug)]
pub struct Helm {
    pub binary: Binary,
    pub target: Target,
    pub marks: Marks,
    pub charts: HashMap<ReleaseId, Staged>,
    pub workspace: Workspace,
    /// Our own binary, so that no helm outlives us.
    pub leash: Option<PathBuf>,
}

impl Deployer for Helm {
    fn deploy<'a>(
        &'a self,
        step: &'a Step,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            let values = self.values_files(step).map_err(|error| {
                refused(format!("the values can't be written: {error}"), Vec::new())
            })?;
            let staged = self.charts.get(&step.id).ok_or_else(|| {
                refused(
                    format!("the chart of `{}` was not staged", step.id),
                    Vec::new(),
                )
            })?;
            let what = Upgrade {
                release: &step.release,
                namespace: &step.namespace,
                id: &step.id,
                chart: &staged.path,
                values: &values,
                limit,
            };
            let args = args::upgrade(self.binary.version, &self.target, &self.marks, &what);
            self.run(args, cancel).await
        }
        .boxed_local()
    }

    fn remove<'a>(
        &'a self,
        step: &'a Step,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        let args = args::uninstall(&self.target, &step.release, &step.namespace, limit);
        self.run(args, cancel).boxed_local()
    }
}

impl Helm {
    async fn run(&self, args: Vec<OsString>, cancel: Cancel) -> Result<(), DeployError> {
        let mut program = Program::new(&self.binary.path).args(args);
        program.env = self.environment();
        program.leash.clone_from(&self.leash);
        let stop = Stop {
            gently: cancel.gently,
            now: cancel.now,
        };
        match program.run(&stop).await {
            Ok(ended) => outcome(&ended),
            Err(error) => Err(refused(
                format!("`{}` can't be started: {error}", self.binary.path.display()),
                Vec::new(),
            )),
        }
    }

    fn environment(&self) -> Changes {
        let mut changes = environment::scrubbed(env::vars_os().map(|(key, _)| key));
        changes.extend(environment::private(&self.workspace.helm()));
        changes
    }

    /// The files that helm reads, in order: the user's own as they are, maps of the profile
    /// written down, `set` last.
    fn values_files(&self, step: &Step) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (at, values) in step.values.iter().enumerate() {
            files.push(match values {
                Values::File(file) => file.clone(),
                Values::Inline(map) => self
                    .workspace
                    .write_values(&format!("{}-{at}.json", step.id), map)?,
            });
        }
        if !step.set.is_empty() {
            let name = format!("{}-set.json", step.id);
            files.push(self.workspace.write_values(&name, &step.set)?);
        }
        Ok(files)
    }
}

fn outcome(ended: &Ended) -> Result<(), DeployError> {
    if ended.status.success() {
        return Ok(());
    }
    if ended.stopped {
        return Err(DeployError::Cancelled);
    }
    let printed = process::lines(&ended.stderr);
    let message = match ended.status.code() {
        // The leash's words; helm was never there.
        Some(code) if code == i32::from(process::NOT_STARTED) => printed
            .last()
            .map(|line| line.trim_start_matches("error: ").to_owned()),
        _ => complaint(&printed),
    };
    let message = message.unwrap_or_else(|| format!("helm ended with {}", ended.status));
    let from = printed.len().saturating_sub(OUTPUT_LINES);
    Err(refused(message, printed[from..].to_vec()))
}

fn refused(message: String, output: Vec<String>) -> DeployError {
    DeployError::Refused {
        message,
        output,
        hints: Vec::new(),
    }
}

/// helm's own sentence: what stands behind the last `Error: `, to the end, on one line.
fn complaint(printed: &[String]) -> Option<String> {
    let at = printed
        .iter()
        .rposition(|line| line.starts_with("Error: "))?;
    let text = printed[at..].join(" ");
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    let text = text.strip_prefix("UPGRADE FAILED: ").unwrap_or(text);
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helm_that_was_never_there_is_told_in_the_leashs_words() {
        use std::os::unix::process::ExitStatusExt;
        let ended = Ended {
            status: std::process::ExitStatus::from_raw(126 << 8),
            stdout: Vec::new(),
            stderr: b"error: `/bin/helm` can't be started: Permission denied (os error 13)\n"
                .into(),
            stopped: false,
        };
        let Err(DeployError::Refused { message, .. }) = outcome(&ended) else {
            panic!("it was not refused");
        };
        assert_eq!(
            message,
            "`/bin/helm` can't be started: Permission denied (os error 13)"
        );
    }

    #[test]
    fn helms_sentence_is_found_behind_its_noise() {
        let printed = [
            "WARNING: Kubernetes configuration file is group-readable.",
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback)",
            "is in progress",
        ]
        .map(String::from);
        assert_eq!(
            complaint(&printed).as_deref(),
            Some("another operation (install/upgrade/rollback) is in progress")
        );
        assert_eq!(complaint(&["panic: oh".into()]), None);
    }
}
