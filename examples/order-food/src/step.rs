//! An init step: a program that prepares the pod and ends. It leaves a report in a folder that it shares with the
//! service, which shows it in its metrics: an init container is gone when somebody asks how long it took.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use crate::telemetry;

/// Where reports are left.
#[derive(clap::Args, Debug, Clone)]
pub struct Reports {
    /// Folder that the init steps share with the service, for their durations and results.
    #[arg(long = "reports", env = "STEP_REPORTS", value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// What a step came to, in this pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub step: String,
    /// How often it has run, this time included.
    pub attempts: u64,
    /// Whether it succeeded the last time.
    pub success: bool,
    /// How long it took the last time, in seconds.
    pub seconds: f64,
}

impl Reports {
    /// Returns the reports that are there, in the order of their steps' names. What can't be read is left out.
    pub fn read(&self) -> Vec<Report> {
        let Some(entries) = self
            .folder
            .as_ref()
            .and_then(|folder| fs::read_dir(folder).ok())
        else {
            return Vec::new();
        };
        let mut reports: Vec<Report> = entries
            .flatten()
            .filter_map(|entry| read(&entry.path()))
            .collect();
        reports.sort_by(|one, other| one.step.cmp(&other.step));
        reports
    }

    /// Adds a run to the report of its step.
    fn write(&self, step: &str, success: bool, seconds: f64) -> Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let place = folder.join(format!("{step}.json"));
        let report = Report {
            step: step.to_owned(),
            attempts: 1 + read(&place).map_or(0, |before| before.attempts),
            success,
            seconds,
        };
        let file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&file, &report)?;
        file.persist(place)?;
        Ok(())
    }
}

fn read(file: &Path) -> Option<Report> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Runs a step from its start to its report. A failure is one line of the log, and the exit code 1.
pub fn run(
    step: &'static str,
    reports: &Reports,
    work: impl Future<Output = Result<()>>,
) -> ExitCode {
    let telemetry = telemetry::start(step);
    let start = Instant::now();
    let span = tracing::info_span!(
        "step",
        otel.name = step,
        otel.status_code = tracing::field::Empty
    );
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")
        .and_then(|runtime| runtime.block_on(work.instrument(span.clone())));
    span.record(
        "otel.status_code",
        if result.is_ok() { "ok" } else { "error" },
    );
    drop(span);
    if let Err(error) = &result {
        let line = format!("{error:#}")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        tracing::error!("{step} failed: {line}");
    }
    if let Err(error) = reports.write(step, result.is_ok(), start.elapsed().as_secs_f64()) {
        tracing::warn!("no report was left: {error:#}");
    }
    telemetry.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_the_last_run_and_counts_them_all() {
        let folder = tempfile::tempdir().unwrap();
        let reports = Reports {
            folder: Some(folder.path().to_owned()),
        };
        reports.write("migration", false, 0.5).unwrap();
        reports.write("load", true, 0.25).unwrap();
        reports.write("migration", true, 2.0).unwrap();
        fs::write(folder.path().join("other"), "no report").unwrap();
        let report = |step: &str, attempts, seconds| Report {
            step: step.to_owned(),
            attempts,
            success: true,
            seconds,
        };
        assert_eq!(
            reports.read(),
            [report("load", 1, 0.25), report("migration", 2, 2.0)]
        );
    }

    #[test]
    fn without_a_folder_there_are_no_reports() {
        let reports = Reports { folder: None };
        reports.write("load", true, 1.0).unwrap();
        assert_eq!(reports.read(), []);
    }
}
