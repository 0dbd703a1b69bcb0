use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::files;

/// Of a `Chart.yaml` or a `Chart.lock`; an index of a hundred dependencies has a few KiB.
const LARGEST: u64 = 1024 * 1024;

/// What we need of a `Chart.yaml`.
#[derive(Debug, Deserialize)]
pub struct ChartFile {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub description: String,
    /// `application` or `library`.
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
}

/// A chart inside another, in `Chart.yaml` with a range of versions, in `Chart.lock` with one.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub repository: String,
}

/// A `Chart.lock`.
#[derive(Debug, Deserialize)]
pub struct ChartLock {
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

impl Dependency {
    /// The folder that a `file://` repository points at, relative to the chart's.
    pub fn folder(&self) -> Option<&Path> {
        self.repository.strip_prefix("file://").map(Path::new)
    }
}

impl ChartFile {
    /// # Errors
    /// Why the file can't be read, as one line.
    pub fn read(chart: &Path) -> Result<ChartFile, String> {
        let text = files::read_text(&chart.join("Chart.yaml"), LARGEST);
        let file: ChartFile = yaml(&text.map_err(|error| error.to_string())?)?;
        let names = file.dependencies.iter().map(|it| &it.name);
        if let Some(odd) = names.chain([&file.name]).find(|name| !is_name(name)) {
            return Err(format!("`{odd}` is no name of a chart"));
        }
        Ok(file)
    }
}

impl ChartLock {
    /// # Errors
    /// Why the file can't be read, as one line.
    pub fn read(chart: &Path) -> Result<Option<ChartLock>, String> {
        match files::read_text(&chart.join("Chart.lock"), LARGEST) {
            Ok(text) => yaml(&text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The version that a dependency is locked to.
    ///
    /// # Errors
    /// It is not locked, as one line.
    pub fn version(&self, dependency: &Dependency) -> Result<&str, String> {
        let same =
            |it: &&Dependency| it.name == dependency.name && it.repository == dependency.repository;
        let locked = self.dependencies.iter().find(same);
        locked.map(|it| it.version.as_str()).ok_or_else(|| {
            format!(
                "it has no `{}` from `{}`, which `Chart.yaml` needs",
                dependency.name, dependency.repository
            )
        })
    }
}

/// A name becomes a folder's, and a word that helm is told.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['.', '-']) && !name.contains(['/', '\\'])
}

fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        first.trim_start_matches("error: ").to_owned()
    })
}
