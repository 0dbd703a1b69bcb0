use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::chart_file::ChartFile;

/// A chart in a folder of charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    pub name: String,
    /// One line; empty where the chart says nothing.
    pub description: String,
}

/// The charts that could be installed from a folder, or the one that it is, by their paths.
/// Library charts and what can't be read are left out.
///
/// # Errors
/// The folder can't be read.
pub fn charts_in(folder: &Path) -> io::Result<Vec<Found>> {
    if folder.join("Chart.yaml").is_file() {
        return Ok(found(folder).into_iter().collect());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths.iter().filter_map(|path| found(path)).collect())
}

fn found(path: &Path) -> Option<Found> {
    if path.extension().is_some_and(|it| it == "tgz") {
        let stem = path.file_stem()?.to_str()?;
        return Some(Found {
            path: path.to_owned(),
            name: without_version(stem).to_owned(),
            description: String::new(),
        });
    }
    let file = ChartFile::read(path).ok()?;
    let description = file.description.lines().next().unwrap_or_default();
    (file.kind != "library").then(|| Found {
        path: path.to_owned(),
        name: file.name.clone(),
        // It becomes a comment, which a line break of any kind would end.
        description: description.replace(char::is_control, " ").trim().to_owned(),
    })
}

/// helm names an archive `NAME-VERSION`, and versions begin with a digit.
fn without_version(stem: &str) -> &str {
    let mut dashes = stem.match_indices('-').map(|(at, _)| at);
    let version = dashes.find(|at| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    version.map_or(stem, |at| &stem[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_begins_with_a_digit() {
        assert_eq!(without_version("php-fpm-0.3.0-rc.1"), "php-fpm");
        assert_eq!(without_version("web"), "web");
    }
}
