//! Charts are brought together once, one after the other, before the first release starts, in the
//! run's private folder: parallel helms that build dependencies corrupt each other's caches
//! (helm#30983), and the user's folder stays as it is.
//!
//! `stage` takes what is on this machine and notes what has to be pulled; [`Staging::pull`] has the
//! real helm pull that.

mod allowance;
mod copy;
mod pull;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::panic;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::Workspace;
use super::chart_file::{ChartFile, ChartLock, Dependency};
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::profile::ChartSource;
use allowance::{Allowance, Limit};

pub use allowance::LARGEST_FILE;
pub use pull::PullError;
use pull::{Pull, Wanted};

/// A chart that helm can install as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// A folder or an archive.
    pub path: PathBuf,
    /// Name and version, `php-fpm-0.3.0`.
    pub label: String,
}

impl Staged {
    /// It, or a chart in it, has a folder `crds`; what is packed is not looked into.
    pub fn may_have_crds(&self) -> bool {
        may_have_crds(&self.path)
    }
}

fn may_have_crds(chart: &Path) -> bool {
    let inside = || {
        let charts = fs::read_dir(chart.join("charts"));
        let mut charts = charts.into_iter().flatten().flatten();
        charts.any(|inside| may_have_crds(&inside.path()))
    };
    chart.is_file() || chart.join("crds").is_dir() || inside()
}

#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("`{}`: {why}", chart.join("Chart.yaml").display())]
    ChartFile { chart: PathBuf, why: String },
    #[error("`{}`: {why}", chart.join("Chart.lock").display())]
    ChartLock { chart: PathBuf, why: String },
    #[error("chart `{}` needs `{name}` from `{}`, which is not there", chart.display(), folder.display())]
    NoDependency {
        chart: PathBuf,
        name: String,
        folder: PathBuf,
    },
    #[error("chart `{}` needs `{name}`, and it is not in its `charts` folder", chart.display())]
    NotInside { chart: PathBuf, name: String },
    #[error("chart `{}` needs itself through `{name}`", chart.display())]
    Cycle { chart: PathBuf, name: String },
    #[error("`{}` is a link that leads out of the chart, to `{}`", link.display(), target.display())]
    LeadsOut { link: PathBuf, target: PathBuf },
    #[error("`{}` is a link to a folder that it is in", link.display())]
    LinksToItself { link: PathBuf },
    #[error("`{}` is a link to nothing", link.display())]
    LinksToNothing { link: PathBuf },
    #[error("chart `{}` can't be copied: {error}", chart.display())]
    Copy { chart: PathBuf, error: io::Error },
    #[error("`{}` can't be copied: {error}", file.display())]
    File { file: PathBuf, error: io::Error },
    #[error("the charts have {limit}, at `{}`", path.display())]
    TooMuch { path: PathBuf, limit: Limit },
    #[error("the charts have {}", Limit::Time)]
    TooSlow,
    #[error("nobody waits for the charts any more")]
    Stopped,
}

impl StageError {
    pub fn hints(&self) -> Vec<String> {
        match self {
            StageError::ChartLock { chart, .. } => {
                vec![format!("run `helm dependency update {}`", chart.display())]
            }
            StageError::LeadsOut { .. } => vec![
                "put the file into the chart, or make it a chart of its own and a `file://` dependency"
                    .into(),
            ],
            StageError::TooMuch {
                limit: Limit::Entries | Limit::Depth,
                ..
            }
            | StageError::TooSlow => vec![
                "look for links that lead into each other's folders, and for charts that many others depend on"
                    .into(),
            ],
            StageError::TooMuch { .. } => vec!["helm takes no chart of more than 100 MiB".into()],
            _ => Vec::new(),
        }
    }

    /// After it there is no use in looking at further charts.
    fn ends_all(&self) -> bool {
        matches!(self, StageError::TooMuch { .. } | StageError::Stopped)
    }
}

/// Charts of which those on this machine are there.
#[derive(Debug)]
pub struct Staging {
    /// What each release installs. What is still to be pulled is a folder for it.
    charts: HashMap<ReleaseId, Staged>,
    wanted: Vec<Wanted>,
}

/// Versions that are to be taken instead of what the profile says.
pub type Pinned<'a> = &'a dyn Fn(&ReleaseId) -> Option<String>;

/// Stages the chart of every step. A chart that several releases share is staged once. `tree` is
/// the folder that links in it may not lead out of, beside those of each chart.
///
/// Files are copied on a thread of their own. It ends when this is dropped, and takes the workspace away
/// if it was the last to have it.
///
/// # Errors
/// Every chart that can't be staged, each with its reason.
pub async fn stage(
    plan: &Plan,
    workspace: &Workspace,
    tree: &Path,
    pinned: Pinned<'_>,
) -> Result<Staging, Vec<StageError>> {
    let stop = CancellationToken::new();
    let sources = plan.steps().iter();
    let sources: Vec<_> = sources
        .map(|step| (step.id.clone(), exact(&step.chart, pinned(&step.id))))
        .collect();
    let allowance = Allowance::new(workspace.charts(), stop.clone());
    let (workspace, tree) = (workspace.clone(), tree.to_owned());
    let _ends_with_us = stop.drop_guard();
    let work = tokio::task::spawn_blocking(move || {
        let copier = copy::Copier::new(&tree, allowance);
        stage_all(sources, &workspace, &copier)
    });
    match tokio::time::timeout(allowance::PATIENCE, work).await {
        Ok(Ok(staged)) => staged,
        Ok(Err(error)) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            Err(_) => Err(vec![StageError::Stopped]),
        },
        Err(_) => Err(vec![StageError::TooSlow]),
    }
}

fn stage_all(
    sources: Vec<(ReleaseId, ChartSource)>,
    workspace: &Workspace,
    copier: &copy::Copier,
) -> Result<Staging, Vec<StageError>> {
    let mut by_source: Vec<(ChartSource, Staged)> = Vec::new();
    let mut staging = Staging {
        charts: HashMap::new(),
        wanted: Vec::new(),
    };
    let mut errors = Vec::new();
    for (id, source) in sources {
        if let Some((_, known)) = by_source.iter().find(|(other, _)| *other == source) {
            staging.charts.insert(id, known.clone());
            continue;
        }
        let target = workspace.charts().join(id.as_str());
        match stage_one(&source, &target, copier, &mut staging.wanted) {
            Ok(one) => {
                by_source.push((source, one.clone()));
                staging.charts.insert(id, one);
            }
            Err(error) => {
                let ends_all = error.ends_all();
                errors.push(error);
                if ends_all {
                    break;
                }
            }
        }
    }
    if errors.is_empty() {
        Ok(staging)
    } else {
        Err(errors)
    }
}

fn exact(source: &ChartSource, pinned: Option<String>) -> ChartSource {
    match (source, pinned) {
        (ChartSource::Remote { reference, .. }, Some(version)) => ChartSource::Remote {
            reference: reference.clone(),
            version: Some(version),
        },
        (source, _) => source.clone(),
    }
}

fn stage_one(
    source: &ChartSource,
    target: &Path,
    copier: &copy::Copier,
    wanted: &mut Vec<Wanted>,
) -> Result<Staged, StageError> {
    match source {
        ChartSource::Directory(chart) => {
            let mut together = Together {
                copier,
                above: Vec::new(),
                wanted,
            };
            Ok(Staged {
                path: target.to_owned(),
                label: together.copy(chart, target)?,
            })
        }
        ChartSource::Archive(archive) => {
            let name = archive.file_name().unwrap_or_default();
            let path = target.join(name);
            copier.archive(archive, target, &path)?;
            Ok(Staged {
                path,
                label: label(archive),
            })
        }
        ChartSource::Remote { reference, version } => {
            wanted.push(Wanted {
                pull: Pull::chart(reference, version.as_deref()),
                into: target.to_owned(),
                chart: reference.clone(),
            });
            Ok(Staged {
                path: target.to_owned(),
                label: reference.clone(),
            })
        }
    }
}

/// The name and version that helm gives an archive.
fn label(archive: &Path) -> String {
    let stem = archive.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Copies a chart and, into its `charts` folder, what it needs.
struct Together<'a> {
    copier: &'a copy::Copier,
    /// The charts on the way here.
    above: Vec<PathBuf>,
    wanted: &'a mut Vec<Wanted>,
}

impl Together<'_> {
    fn copy(&mut self, chart: &Path, target: &Path) -> Result<String, StageError> {
        let real = chart.canonicalize().unwrap_or_else(|_| chart.to_owned());
        self.copier.copy(chart, target)?;
        // From the copy: no link leads out of that.
        let file = ChartFile::read(target).map_err(|why| StageError::ChartFile {
            chart: chart.to_owned(),
            why,
        })?;
        self.above.push(real);
        for dependency in &file.dependencies {
            match dependency.folder() {
                Some(folder) => self.local(chart, target, dependency, folder)?,
                None => self.remote(chart, target, dependency)?,
            }
        }
        self.above.pop();
        Ok(format!("{}-{}", file.name, file.version))
    }

    /// A dependency from `file://`.
    fn local(
        &mut self,
        chart: &Path,
        target: &Path,
        dependency: &Dependency,
        folder: &Path,
    ) -> Result<(), StageError> {
        let folder = chart.join(folder);
        let name = || dependency.name.clone();
        let Ok(real) = folder.canonicalize() else {
            return Err(StageError::NoDependency {
                chart: chart.to_owned(),
                name: name(),
                folder,
            });
        };
        if self.above.contains(&real) {
            return Err(StageError::Cycle {
                chart: chart.to_owned(),
                name: name(),
            });
        }
        let inside = target.join("charts").join(&dependency.name);
        self.copy(&real, &inside).map(drop)
    }

    /// A dependency from elsewhere, unless it is in the chart already, as a folder or an archive.
    fn remote(
        &mut self,
        chart: &Path,
        target: &Path,
        dependency: &Dependency,
    ) -> Result<(), StageError> {
        let folder = target.join("charts");
        if is_inside(&folder, &dependency.name) {
            return Ok(());
        }
        if dependency.repository.is_empty() {
            return Err(StageError::NotInside {
                chart: chart.to_owned(),
                name: dependency.name.clone(),
            });
        }
        let unlocked = |why| StageError::ChartLock {
            chart: chart.to_owned(),
            why,
        };
        let lock = ChartLock::read(chart).map_err(unlocked)?;
        let version = match &lock {
            Some(lock) => Some(lock.version(dependency).map_err(unlocked)?),
            None => Some(dependency.version.as_str()).filter(|it| !it.is_empty()),
        };
        self.wanted.push(Wanted {
            pull: Pull::dependency(&dependency.repository, &dependency.name, version),
            into: folder,
            chart: plain(chart),
        });
        Ok(())
    }
}

/// A path without `./` in its middle, as the profile's author knows it.
pub(super) fn plain(path: &Path) -> String {
    let plain: PathBuf = path.components().collect();
    plain.display().to_string()
}

fn is_inside(charts: &Path, name: &str) -> bool {
    let archived = || {
        let entries = fs::read_dir(charts).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .any(|file| {
                let version = file.strip_prefix(name).and_then(|it| it.strip_prefix('-'));
                version.is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()))
                    && file.ends_with(".tgz")
            })
    };
    charts.join(name).is_dir() || archived()
}

#[cfg(test)]
mod tests;
