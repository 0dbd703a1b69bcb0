use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::nearby::{similar, starting_folder};
use super::quote::quoted;
use super::read::text;
use super::report::Report;
use super::tree::Entry;

/// Where a chart comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChartSource {
    /// A folder with a `Chart.yaml`.
    Directory(PathBuf),
    /// A packaged chart, `.tgz`.
    Archive(PathBuf),
    /// `oci://...`, as written. Not in a [`Profile`](super::Profile) yet: only local charts are read.
    Oci(String),
    /// `repository/name`. Not in a [`Profile`](super::Profile) yet: only local charts are read.
    Repository { repository: String, name: String },
}

/// Reads `chart`. Paths start from the folder of the file that names them. With `look` the
/// chart has to be there; the chart of a disabled release need not.
pub(super) fn read(entry: &Entry, look: bool, report: &mut Report) -> Option<ChartSource> {
    let place = entry.value.place;
    let written = text(&entry.value, "`chart`", report)?;
    let path = report.sources.folder(place.source).join(written);
    let source = classify(written, &path);
    if !look {
        return Some(source);
    }
    let Some(trouble) = trouble(&source, written) else {
        return Some(source);
    };
    let start = starting_folder(place, report);
    let diagnostic = report.error(place, trouble);
    add_hints(diagnostic, &source, written, &start);
    None
}

/// A path, if there is something or if it can't be anything else: helm decides the same
/// way between `repository/name` and a folder (`pkg/action/install.go`, `LocateChart`).
fn classify(written: &str, path: &Path) -> ChartSource {
    if written.starts_with("oci://") {
        return ChartSource::Oci(written.to_owned());
    }
    if !path.exists()
        && let Some((repository, name)) = written.split_once('/')
        && is_plain(repository)
        && is_plain(name)
        && !is_archive(path)
    {
        return ChartSource::Repository {
            repository: repository.to_owned(),
            name: name.to_owned(),
        };
    }
    if is_archive(path) || path.is_file() {
        return ChartSource::Archive(path.to_owned());
    }
    ChartSource::Directory(path.to_owned())
}

/// A name without anything that a path or an address may have.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', ':', '\\'])
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "tgz")
}

fn is_chart(path: &Path) -> bool {
    is_archive(path) || path.join("Chart.yaml").is_file()
}

fn trouble(source: &ChartSource, written: &str) -> Option<String> {
    let written = quoted(written);
    match source {
        ChartSource::Directory(path) if is_chart(path) => None,
        ChartSource::Archive(path) if path.is_file() && is_archive(path) => None,
        ChartSource::Archive(path) if path.is_file() => Some(format!(
            "{written} is a file, and not a packaged chart (`.tgz`)"
        )),
        ChartSource::Directory(path) if path.is_dir() => {
            Some(format!("{written} is no chart: it has no `Chart.yaml`"))
        }
        ChartSource::Directory(_) | ChartSource::Archive(_) if written.contains("://") => Some(
            format!("{written} is an address, and only local charts are read"),
        ),
        ChartSource::Directory(_) | ChartSource::Archive(_) => {
            Some(format!("there is no chart at {written}"))
        }
        ChartSource::Oci(_) => Some(format!(
            "{written} is in a registry, and this version reads only local charts"
        )),
        ChartSource::Repository { .. } => Some(format!(
            "there is no chart at {written}, and this version reads none from repositories"
        )),
    }
}

fn add_hints(diagnostic: &mut Diagnostic, source: &ChartSource, written: &str, start: &str) {
    match source {
        ChartSource::Directory(path) | ChartSource::Archive(path) => {
            if let Some(found) = similar(written, path, is_chart) {
                diagnostic.hint(format!("did you mean `{found}`?"));
            } else if !path.exists() && !written.contains("://") {
                diagnostic.hint(start);
            }
        }
        ChartSource::Oci(_) | ChartSource::Repository { .. } => {
            diagnostic.hint(format!(
                "fetch it with `helm pull {written} --untar` and name the folder"
            ));
        }
    }
}
