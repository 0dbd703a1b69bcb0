use std::path::Path;

use super::place::Place;
use super::quote::quoted;
use super::report::Report;
use super::suggest::nearest;

/// For a path that leads nowhere: `written` with its last part replaced by a neighbour
/// with a similar name that `fits`.
pub(super) fn similar(written: &str, path: &Path, fits: impl Fn(&Path) -> bool) -> Option<String> {
    let missing = path.file_name()?.to_str()?;
    let names: Vec<String> = path
        .parent()?
        .read_dir()
        .ok()?
        .flatten()
        .filter(|entry| fits(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let name = nearest(missing, names.iter().map(String::as_str))?;
    let before = written.trim_end_matches('/').strip_suffix(missing)?;
    Some(format!("{before}{name}"))
}

/// The hint that tells where a relative path at `place` was looked for.
pub(super) fn starting_folder(place: Place, report: &Report) -> String {
    let folder = report.sources.folder(place.source).display().to_string();
    let folder = if folder.is_empty() { "." } else { &folder };
    format!("paths start from {}, where this file is", quoted(folder))
}
