//! From the names that helm gives to templates to the files of the user.

use std::path::{Path, PathBuf};

use crate::check::{Finding, Report};
use crate::files;
use crate::plan::Plan;
use crate::profile::{ChartSource, Profile};

/// Of a template.
const LARGEST: u64 = 10 * 1024 * 1024;

/// Gives each finding its file, as it is seen from here, and its line where that is certain.
pub fn locate(report: &mut Report, plan: &Plan, profile: &Profile) {
    for finding in &mut report.findings {
        if let Some(place) = finding.place {
            finding.file = Some(profile.sources.file(place).to_owned());
            finding.line = Some(place.line());
            continue;
        }
        let Some(file) = user_file(finding, plan) else {
            continue;
        };
        if let Ok(text) = files::read_text(&file, LARGEST) {
            finding.locate(&text);
            finding.file = Some(from_here(file));
        }
    }
}

/// Without detours, and relative where it lies below the current folder.
fn from_here(file: PathBuf) -> PathBuf {
    let real = file.canonicalize().unwrap_or(file);
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let below = here
        .ok()
        .and_then(|here| Some(real.strip_prefix(here).ok()?.to_owned()));
    below.unwrap_or(real)
}

fn user_file(finding: &Finding, plan: &Plan) -> Option<PathBuf> {
    let step = plan
        .steps()
        .iter()
        .find(|step| step.id == finding.release)?;
    let ChartSource::Directory(chart) = &step.chart else {
        return None;
    };
    // The first part is the chart's name.
    let inside: PathBuf = finding.file.as_ref()?.components().skip(1).collect();
    (inside != Path::new("")).then(|| chart.join(inside))
}
