use std::path::{Path, PathBuf};
use std::{fs, io};

use super::diagnostic::Diagnostic;
use super::links;
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
    /// In a registry, `oci://...`, or in a repository that helm knows, `repository/name`.
    Remote {
        reference: String,
        /// Exact, or a range as helm reads it; the newest without it.
        version: Option<String>,
    },
}

/// Reads `chart` with its `version`. Paths start from the folder of the file that names them.
/// With `look` the chart has to be there; the chart of a disabled release need not.
pub(super) fn read(
    entry: &Entry,
    version: Option<&Entry>,
    look: bool,
    report: &mut Report,
) -> Option<ChartSource> {
    let place = entry.value.place;
    let wanted = match version {
        Some(version) => Some(text(&version.value, "`version`", report)?.to_owned()),
        None => None,
    };
    let written = text(&entry.value, "`chart`", report)?;
    let folder = report.sources.folder(place.source);
    let path = folder.join(written);
    if is_remote(written, folder) {
        if wanted.is_none() && !has_tag(written) {
            let message = format!(
                "{} without a `version` is whatever is the newest",
                quoted(written)
            );
            let diagnostic = report.warn(place, message);
            diagnostic.hint("write for example `version: 1.4.2`");
        }
        return Some(ChartSource::Remote {
            reference: written.to_owned(),
            version: wanted,
        });
    }
    if let Some(version) = version {
        let message = format!(
            "{} is on this machine, in the version that it has",
            quoted(written)
        );
        let at = version.key_place.or_above(place);
        let diagnostic = report.error(at, message);
        diagnostic.hint("`version` is for charts from registries and repositories");
        if at != version.key_place {
            diagnostic.hint("`version: ~` takes away that of the profile below");
        }
    }
    if look && links::lead_out(&path, written, place, report) {
        return None;
    }
    let source = match is_archive(&path) || path.is_file() {
        true => ChartSource::Archive(path),
        false => ChartSource::Directory(path),
    };
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

/// In a registry, or `repository/name`. helm takes what is there for a path
/// (`pkg/action/install.go`, `LocateChart`); so do we where only the folder above it is there, for
/// then the chart's name is misspelled.
fn is_remote(written: &str, folder: &Path) -> bool {
    if written.starts_with("oci://") {
        return true;
    }
    let is_there = |path: &str| folder.join(path).exists();
    written.split_once('/').is_some_and(|(repository, name)| {
        is_plain(repository)
            && is_plain(name)
            && !is_archive(Path::new(name))
            && !is_there(written)
            && !is_there(repository)
    })
}

/// The reference itself says which version: `...:1.4.2` or `...@sha256:...`.
fn has_tag(reference: &str) -> bool {
    let name = reference.rsplit('/').next().unwrap_or_default();
    name.contains([':', '@'])
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
            let why = match fs::metadata(path.join("Chart.yaml")) {
                Ok(it) if it.is_dir() => "its `Chart.yaml` is a folder".to_owned(),
                Ok(_) => "its `Chart.yaml` is no regular file".to_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    "it has no `Chart.yaml`".to_owned()
                }
                Err(error) => format!("its `Chart.yaml` can't be looked at: {error}"),
            };
            Some(format!("{written} is no chart: {why}"))
        }
        ChartSource::Directory(_) | ChartSource::Archive(_) if written.contains("://") => Some(
            format!("{written} is an address that no chart is read from"),
        ),
        ChartSource::Directory(_) | ChartSource::Archive(_) => {
            Some(format!("there is no chart at {written}"))
        }
        ChartSource::Remote { .. } => None,
    }
}

fn add_hints(diagnostic: &mut Diagnostic, source: &ChartSource, written: &str, start: &str) {
    let (ChartSource::Directory(path) | ChartSource::Archive(path)) = source else {
        return;
    };
    if let Some(found) = similar(written, path, is_chart) {
        diagnostic.hint(format!("did you mean `{found}`?"));
    } else if written.contains("://") {
        diagnostic
            .hint("write `oci://...`, or `REPOSITORY/NAME` after `helm repo add REPOSITORY URL`");
    } else if !path.exists() {
        diagnostic.hint(start);
    }
}
