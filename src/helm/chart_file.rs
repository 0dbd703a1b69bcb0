use std::path::Path;

use serde::Deserialize;

/// What we need of a `Chart.yaml`.
#[derive(Debug, Deserialize)]
pub struct ChartFile {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub struct Dependency {
    pub name: String,
    #[serde(default)]
    pub repository: String,
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
        let file = chart.join("Chart.yaml");
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        serde_saphyr::from_str(&text).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        })
    }
}
