//! Charts are brought together once, one after the other, before the first release starts, in the
//! run's private folder: parallel helms that build dependencies corrupt each other's caches
//! (helm#30983), and the user's folder stays as it is.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Workspace;
use super::chart_file::ChartFile;
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::profile::ChartSource;

/// A chart that helm can install as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    pub path: PathBuf,
    /// Name and version, `php-fpm-0.3.0`.
    pub label: String,
}

#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("`{}`: {why}", chart.join("Chart.yaml").display())]
    ChartFile { chart: PathBuf, why: String },
    #[error("chart `{}` needs `{name}` from `{}`, which is not there", chart.display(), folder.display())]
    NoDependency {
        chart: PathBuf,
        name: String,
        folder: PathBuf,
    },
    #[error("chart `{}` needs `{name}` from `{repository}`, and it is not in its `charts` folder", chart.display())]
    NotBuilt {
        chart: PathBuf,
        name: String,
        repository: String,
    },
    #[error("chart `{}` needs itself through `{name}`", chart.display())]
    Circle { chart: PathBuf, name: String },
    #[error("chart `{}` can't be copied: {error}", chart.display())]
    Copy { chart: PathBuf, error: io::Error },
    #[error("`{0}` is not a chart on this machine")]
    Remote(String),
}

impl StageError {
    pub fn hints(&self) -> Vec<String> {
        match self {
            StageError::NotBuilt { chart, .. } => vec![format!(
                "run `helm dependency build {}` once",
                chart.display()
            )],
            StageError::Remote(_) => {
                vec!["pull it with `helm pull` and name the folder or the .tgz".into()]
            }
            _ => Vec::new(),
        }
    }
}

/// Stages the chart of every step. A chart that several releases share is staged once.
///
/// # Errors
/// Every chart that can't be staged, each with its reason.
pub fn stage(
    plan: &Plan,
    workspace: &Workspace,
) -> Result<HashMap<ReleaseId, Staged>, Vec<StageError>> {
    let mut by_source: Vec<(&ChartSource, Staged)> = Vec::new();
    let mut staged = HashMap::new();
    let mut errors = Vec::new();
    for step in plan.steps() {
        let shared = by_source.iter().find(|(source, _)| **source == step.chart);
        if let Some((_, known)) = shared {
            staged.insert(step.id.clone(), known.clone());
            continue;
        }
        match stage_one(&step.chart, &workspace.charts().join(step.id.as_str())) {
            Ok(one) => {
                by_source.push((&step.chart, one.clone()));
                staged.insert(step.id.clone(), one);
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(staged)
    } else {
        Err(errors)
    }
}

fn stage_one(source: &ChartSource, target: &Path) -> Result<Staged, StageError> {
    match source {
        ChartSource::Directory(chart) => {
            let label = copy_with_dependencies(chart, target, &mut Vec::new())?;
            Ok(Staged {
                path: target.to_owned(),
                label,
            })
        }
        ChartSource::Archive(archive) => Ok(Staged {
            path: archive.clone(),
            label: archive
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }),
        ChartSource::Oci(reference) => Err(StageError::Remote(reference.clone())),
        ChartSource::Repository { .. } => Err(StageError::Remote(format!("{source:?}"))),
    }
}

/// Copies a chart and, into its `charts` folder, what it needs through `file://`.
fn copy_with_dependencies(
    chart: &Path,
    target: &Path,
    above: &mut Vec<PathBuf>,
) -> Result<String, StageError> {
    let file = ChartFile::read(chart).map_err(|why| StageError::ChartFile {
        chart: chart.to_owned(),
        why,
    })?;
    let real = chart.canonicalize().unwrap_or_else(|_| chart.to_owned());
    copy_folder(chart, target).map_err(|error| StageError::Copy {
        chart: chart.to_owned(),
        error,
    })?;
    above.push(real);
    for dependency in &file.dependencies {
        let Some(folder) = dependency.folder() else {
            require_built(chart, target, &dependency.name, &dependency.repository)?;
            continue;
        };
        let folder = chart.join(folder);
        let Ok(real) = folder.canonicalize() else {
            return Err(StageError::NoDependency {
                chart: chart.to_owned(),
                name: dependency.name.clone(),
                folder,
            });
        };
        if above.contains(&real) {
            return Err(StageError::Circle {
                chart: chart.to_owned(),
                name: dependency.name.clone(),
            });
        }
        let inside = target.join("charts").join(&dependency.name);
        copy_with_dependencies(&real, &inside, above)?;
    }
    above.pop();
    Ok(format!("{}-{}", file.name, file.version))
}

/// Dependencies from elsewhere have to be in the chart already, as a folder or an archive.
fn require_built(chart: &Path, target: &Path, name: &str, from: &str) -> Result<(), StageError> {
    let folder = target.join("charts");
    let archived = || {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .any(|file| file.starts_with(&format!("{name}-")) && file.ends_with(".tgz"))
    };
    if folder.join(name).is_dir() || archived() {
        return Ok(());
    }
    Err(StageError::NotBuilt {
        chart: chart.to_owned(),
        name: name.to_owned(),
        repository: from.to_owned(),
    })
}

/// Copies files and folders; symbolic links become what they point at, as helm reads them.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == ".git" {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if fs::metadata(&source)?.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(folder: &Path, name: &str, dependencies: &str) {
        let chart = folder.join(name);
        fs::create_dir_all(chart.join("templates")).unwrap();
        let text = format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\n{dependencies}");
        fs::write(chart.join("Chart.yaml"), text).unwrap();
    }

    fn on(name: &str, repository: &str) -> String {
        format!("dependencies:\n  - {{name: {name}, version: 1.x, repository: \"{repository}\"}}\n")
    }

    fn staged(folder: &Path, name: &str) -> Result<Staged, StageError> {
        let source = ChartSource::Directory(folder.join(name));
        stage_one(&source, &folder.join("staged").join(name))
    }

    #[test]
    fn a_file_dependency_comes_along_and_the_source_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        chart(folder.path(), "common", "");
        chart(folder.path(), "web", &on("common", "file://../common"));
        let staged = staged(folder.path(), "web").unwrap();
        assert_eq!(staged.label, "web-1.2.3");
        assert!(staged.path.join("charts/common/Chart.yaml").is_file());
        assert!(!folder.path().join("web/charts").exists());
    }

    #[test]
    fn what_can_not_be_staged_says_why() {
        let folder = tempfile::tempdir().unwrap();
        chart(folder.path(), "a", &on("gone", "file://../gone"));
        chart(
            folder.path(),
            "b",
            &on("redis", "https://charts.example.com"),
        );
        chart(folder.path(), "c", &on("c", "file://../c"));
        let why = |name| {
            let text = staged(folder.path(), name).unwrap_err().to_string();
            text.replace(&folder.path().display().to_string(), "")
        };
        assert_eq!(
            why("a"),
            "chart `/a` needs `gone` from `/a/../gone`, which is not there"
        );
        assert_eq!(
            why("b"),
            "chart `/b` needs `redis` from `https://charts.example.com`, and it is not in its `charts` folder"
        );
        assert_eq!(why("c"), "chart `/c` needs itself through `c`");
    }
}
