use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::args::{self, Connection, Marks, Upgrade};
use super::environment::{self, Changes};
use super::failure::{About, refusal};
use super::stage::plain;
use super::{Binary, Staged, Version, Workspace};
use crate::identity;
use crate::manifest;
use crate::mask::Masker;
use crate::names::ReleaseId;
use crate::plan::{Command, Step};
use crate::process::{self, Ended, Program, Stop};
use crate::profile::{ChartSource, Fetched, Secret, Values};
use crate::runner::ports::{Cancel, DeployError, Deployer, History, Refusal};
use crate::snapshot::ObjectRef;

/// Where helm goes, and what it leaves behind there.
pub type Target = Connection;

/// The real helm.
#[derive(Debug)]
pub struct Helm {
    pub binary: Binary,
    pub target: Target,
    pub marks: Marks,
    pub charts: HashMap<ReleaseId, Staged>,
    /// Layers of values that were fetched, above those of the step.
    pub secrets: HashMap<ReleaseId, Vec<Fetched>>,
    pub workspace: Workspace,
    /// Our own binary, so that no helm outlives us.
    pub leash: Option<PathBuf>,
    /// The digests of what goes into the releases, where they have been made.
    pub sealed: HashMap<ReleaseId, String>,
    /// The user's files of values, and copies of them as they were when the digests were made.
    pub frozen: HashMap<PathBuf, PathBuf>,
}

impl Deployer for Helm {
    fn deploy<'a>(
        &'a self,
        step: &'a Step,
        revision: u32,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            let (values, staged) = self.inputs(step)?;
            let mut what = Upgrade::of(step, revision, staged, &values, limit);
            what.inputs = self.sealed.get(&step.id).map(String::as_str);
            let version = self.version().await?;
            let args = args::upgrade(version, &self.target, &self.marks, &what);
            self.run(step, args, cancel).await
        }
        .boxed_local()
    }

    fn roll_back<'a>(
        &'a self,
        step: &'a Step,
        to: u32,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        let args = args::rollback(&self.target, step, to, limit);
        self.run(step, args, cancel).boxed_local()
    }

    fn would_apply<'a>(
        &'a self,
        step: &'a Step,
        revision: u32,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, DeployError>> {
        async move {
            let stop = stop(cancel);
            let (upcoming, _) = self.upcoming(step, revision, &stop).await?;
            let objects = manifest::readable_objects(&upcoming.manifest).read;
            Ok(objects.into_iter().map(|it| it.object).collect())
        }
        .boxed_local()
    }

    fn remove<'a>(
        &'a self,
        step: &'a Step,
        history: History,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        let args = args::uninstall(&self.target, &step.release, &step.namespace, history, limit);
        self.run(step, args, cancel).boxed_local()
    }

    fn command<'a>(
        &'a self,
        step: &'a Step,
        command: &'a Command,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        self.run_command(step, command, limit, cancel).boxed_local()
    }
}

impl Helm {
    async fn run(
        &self,
        step: &Step,
        args: Vec<OsString>,
        cancel: Cancel,
    ) -> Result<(), DeployError> {
        cancel.may_start().await?;
        let ended = self
            .start(step, args, process::TAIL_BYTES, &stop(cancel))
            .await;
        ended.map(drop)
    }

    /// Runs helm to its end and returns what it printed, the last `keep` bytes of it.
    pub(super) async fn start(
        &self,
        step: &Step,
        args: Vec<OsString>,
        keep: u64,
        stop: &Stop,
    ) -> Result<Ended, DeployError> {
        let uninstalls = args.first().is_some_and(|verb| verb == "uninstall");
        let mut program = Program::new(&self.binary.path).args(args);
        program.env = self.environment();
        program.keep = keep;
        program.leash.clone_from(&self.leash);
        let ended = program.run(stop).await.map_err(|error| {
            let path = self.binary.path.display();
            refused(format!("`{path}` can't be started: {error}"))
        })?;
        if ended.status.success() {
            return Ok(ended);
        }
        // Only words depend on it by now.
        let version = self.binary.version().await.unwrap_or(Version::NEWEST_KNOWN);
        let about = About {
            release: &step.release,
            namespace: &step.namespace,
            chart: &shown(&step.chart),
            connection: &self.target,
            version,
            uninstalls,
        };
        let printed = self.cleared(step, process::lines(&ended.stderr));
        outcome(&ended, &printed, &about)?;
        Ok(ended)
    }

    pub(super) async fn version(&self) -> Result<Version, DeployError> {
        let version = self.binary.version().await;
        version.map_err(|error| refused(error.to_string()))
    }

    /// What goes into a release: the files of its values, in order, and its chart.
    pub(super) fn inputs(&self, step: &Step) -> Result<(Vec<PathBuf>, &Staged), DeployError> {
        let values = self
            .values_files(step)
            .map_err(|error| refused(format!("the values can't be written: {error}")))?;
        let staged = self
            .charts
            .get(&step.id)
            .ok_or_else(|| refused(format!("the chart of `{}` was not staged", step.id)))?;
        Ok((values, staged))
    }

    fn environment(&self) -> Changes {
        let mut changes = environment::of_run(&self.workspace.helm());
        // By which the next run knows whether it lives on.
        changes.push((identity::RUN.into(), Some(self.marks.run.as_str().into())));
        changes
    }

    /// What a program printed, without what was fetched for the release, and with the files that the
    /// profile names instead of their copies.
    pub(super) fn cleared(&self, step: &Step, mut printed: Vec<String>) -> Vec<String> {
        let words = self.secrets(step).iter().flat_map(|layer| &layer.words);
        let masker = Masker::new(words.cloned(), []);
        for line in &mut printed {
            *line = masker.masked(line).into_owned();
            for (file, copy) in &self.frozen {
                *line = line.replace(&*copy.to_string_lossy(), &file.to_string_lossy());
            }
        }
        printed
    }

    pub(super) fn secrets(&self, step: &Step) -> &[Fetched] {
        self.secrets.get(&step.id).map_or(&[], Vec::as_slice)
    }

    /// The files that helm reads, in order: the user's own as they are, maps of the profile
    /// written down, what was fetched, `set` last.
    fn values_files(&self, step: &Step) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (at, values) in step.values.iter().enumerate() {
            files.push(match values {
                Values::File(file) => self.as_sealed(file).to_owned(),
                Values::Inline(map) => self
                    .workspace
                    .write_values(&format!("{}-{at}.json", step.id), map)?,
            });
        }
        for (at, layer) in self.secrets(step).iter().enumerate() {
            files.push(match &layer.secret {
                Secret::File(text) => {
                    let name = format!("{}-from-{at}.yaml", step.id);
                    self.workspace.write_values_file(&name, text)?
                }
                Secret::Map(map) => {
                    let name = format!("{}-from-{at}.json", step.id);
                    self.workspace.write_values(&name, map)?
                }
            });
        }
        if !step.set.is_empty() {
            let name = format!("{}-set.json", step.id);
            files.push(self.workspace.write_values(&name, &step.set)?);
        }
        Ok(files)
    }

    /// Where helm is to read a file of values.
    pub(super) fn as_sealed<'a>(&'a self, file: &'a Path) -> &'a Path {
        self.frozen.get(file).map_or(file, PathBuf::as_path)
    }
}

fn stop(cancel: Cancel) -> Stop {
    Stop {
        gently: cancel.gently,
        now: cancel.now,
    }
}

fn outcome(ended: &Ended, printed: &[String], about: &About<'_>) -> Result<(), DeployError> {
    if ended.status.success() {
        return Ok(());
    }
    if ended.stopped {
        return Err(DeployError::Cancelled);
    }
    if let Some(said) = never_there(ended, printed) {
        return Err(refused(said));
    }
    Err(DeployError::Refused(refusal(about, ended.status, printed)))
}

/// The leash's words, where it could not start helm.
pub(super) fn never_there(ended: &Ended, printed: &[String]) -> Option<String> {
    let not_started = ended.status.code() == Some(i32::from(process::NOT_STARTED));
    let said = printed.last().filter(|_| not_started)?;
    Some(said.trim_start_matches("error: ").to_owned())
}

fn refused(sentence: String) -> DeployError {
    DeployError::Refused(Refusal::unclear(sentence))
}

/// The chart as the profile's author knows it.
pub fn shown(chart: &ChartSource) -> String {
    match chart {
        ChartSource::Directory(path) | ChartSource::Archive(path) => plain(path),
        ChartSource::Remote { reference, .. } => reference.clone(),
    }
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
            at: tokio::time::Instant::now(),
        };
        let said = never_there(&ended, &process::lines(&ended.stderr));
        assert_eq!(
            said.as_deref(),
            Some("`/bin/helm` can't be started: Permission denied (os error 13)")
        );
    }
}
