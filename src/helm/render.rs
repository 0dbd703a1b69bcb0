//! What helm would apply, without a cluster.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::{self, Upgrade};
use super::deploy::Helm;
use crate::plan::Step;
use crate::process::Stop;
use crate::runner::ports::{DeployError, Refusal};

/// More than helm can keep in a record.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What a chart becomes with its values.
#[derive(Debug, Clone)]
pub struct Template {
    /// Hooks among the objects, those of `helm test` left out; each document with a comment
    /// `# Source: CHART/templates/FILE`.
    pub manifest: String,
    /// The templates as they are written, by the names that helm gives them. Empty for a packaged
    /// chart.
    pub sources: Vec<(PathBuf, String)>,
}

impl Helm {
    /// Renders a release as a first install would.
    ///
    /// # Errors
    /// helm can't, and says why.
    pub async fn template(&self, step: &Step, stop: &Stop) -> Result<Template, DeployError> {
        let (values, staged) = self.inputs(step)?;
        let args = args::template(&step.release, &step.namespace, &staged.path, &values);
        let ended = self.start(step, args, LARGEST, stop).await?;
        let manifest = String::from_utf8_lossy(&ended.stdout).into_owned();
        let sources = match staged.path.is_dir() {
            true => sources(&staged.path).unwrap_or_default(),
            false => Vec::new(),
        };
        Ok(Template { manifest, sources })
    }
}

/// The templates of a chart and of the charts inside it. helm names each by the charts' names and
/// not by the folder's, which is that of the release here.
fn sources(chart: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    let name = super::chart_file::ChartFile::read(chart).map(|file| file.name);
    let name = PathBuf::from(name.unwrap_or_default());
    collect(
        &chart.join("templates"),
        &name.join("templates"),
        &mut found,
    )?;
    if let Ok(charts) = fs::read_dir(chart.join("charts")) {
        for inside in charts.flatten().map(|entry| entry.path()) {
            let nested = sources(&inside).unwrap_or_default().into_iter();
            found.extend(nested.map(|(file, text)| (name.join("charts").join(file), text)));
        }
    }
    Ok(found)
}

fn collect(folder: &Path, name: &Path, found: &mut Vec<(PathBuf, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        if path.is_dir() {
            collect(&path, &name, found)?;
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((name, text));
        }
    }
    Ok(())
}

/// What an upgrade would apply, as the cluster stands.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct Upcoming {
    /// The objects, without hooks.
    #[serde(default)]
    pub manifest: String,
    #[serde(default)]
    pub hooks: Option<Vec<UpcomingHook>>,
}

#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct UpcomingHook {
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub manifest: String,
    #[serde(default)]
    pub events: Option<Vec<String>>,
}

impl Helm {
    /// Renders what `up` would apply, with all that a chart may ask the cluster.
    ///
    /// # Errors
    /// helm can't, and says why.
    pub async fn upcoming(
        &self,
        step: &Step,
        revision: u32,
        stop: &Stop,
    ) -> Result<Upcoming, DeployError> {
        let (values, staged) = self.inputs(step)?;
        let what = Upgrade::of(step, revision, staged, &values, step.timeout);
        let version = self.version().await?;
        let args = args::dry_run(version, &self.target, &self.marks, &what);
        let ended = self.start(step, args, LARGEST, stop).await?;
        serde_json::from_slice(&ended.stdout).map_err(|error| {
            let sentence = format!("helm's answer can't be read: {error}");
            DeployError::Refused(Refusal::unclear(sentence))
        })
    }
}
