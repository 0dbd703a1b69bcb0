use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::decode::decode;
use super::file;
use super::inline;
use super::links;
use super::nearby::{similar, starting_folder};
use super::place::Place;
use super::quote::quoted;
use super::report::Report;
use super::tree::{Content, Entry, Node};
use super::values_file;

/// One layer of a release's values; later layers lie over earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A file that helm gets untouched. It exists and is a YAML map.
    File(PathBuf),
    /// A map written in the profile, typed by the YAML 1.2 core schema.
    Inline(Map<String, Value>),
}

impl Values {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Values::File(file) => Some(file),
            Values::Inline(_) => None,
        }
    }
}

/// Reads `values` and looks into each file once, however many releases name it.
#[derive(Debug)]
pub(super) struct ValuesReader {
    seen: HashSet<PathBuf>,
    /// Bytes that they may still have, all together; None once that was told.
    left: Option<usize>,
}

/// Of all values files together: each is kept, to show its lines.
const ALLOWANCE: usize = 64 * 1024 * 1024;

impl Default for ValuesReader {
    fn default() -> ValuesReader {
        ValuesReader {
            seen: HashSet::new(),
            left: Some(ALLOWANCE),
        }
    }
}

impl ValuesReader {
    /// Files and inline maps in order; a single one needs no list. With `look` the files
    /// have to be there and be YAML maps.
    pub(super) fn read(&mut self, entry: &Entry, look: bool, report: &mut Report) -> Vec<Values> {
        let layers = match &entry.value.content {
            Content::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        let layers = layers.iter();
        layers
            .filter_map(|layer| self.layer(layer, look, report))
            .collect()
    }

    fn layer(&mut self, node: &Node, look: bool, report: &mut Report) -> Option<Values> {
        match &node.content {
            Content::Map(entries) => Some(Values::Inline(inline::map(entries, report))),
            Content::Scalar(scalar) if node.kind() == "text" && !scalar.text.is_empty() => {
                let path = report.sources.folder(node.place.source).join(&scalar.text);
                if look {
                    self.look(&scalar.text, &path, node.place, report);
                }
                Some(Values::File(path))
            }
            _ => {
                let kind = match &node.content {
                    Content::Scalar(scalar) if scalar.text.is_empty() => "empty",
                    _ => node.kind(),
                };
                let message = format!("values must be a file or a map, this is {kind}");
                report.error(node.place, message);
                None
            }
        }
    }

    fn look(&mut self, written: &str, path: &Path, place: Place, report: &mut Report) {
        if !path.is_file() {
            missing(written, path, place, report);
            return;
        }
        if !self.seen.insert(path.to_owned()) || links::lead_out(path, written, place, report) {
            return;
        }
        let Some(left) = self.left else { return };
        match file::read_values(path) {
            Err(trouble) => {
                report.error(place, format!("values file {}: {trouble}", quoted(written)));
            }
            Ok(bytes) if bytes.len() > left => {
                self.left = None;
                let message = "the values files up to here have more than 64 MiB in all";
                report.error(place, message);
            }
            Ok(bytes) => {
                self.left = Some(left - bytes.len());
                match decode(path, &bytes, report) {
                    Ok(source) => values_file::check(source, place, report),
                    Err(diagnostic) => {
                        diagnostic.hint(values_file::named_at(place));
                    }
                }
            }
        }
    }
}

fn missing(written: &str, path: &Path, place: Place, report: &mut Report) {
    let quoted = quoted(written);
    if path.is_dir() {
        report.error(place, format!("{quoted} is a folder, not a values file"));
    } else if written.contains("://") {
        let message = format!("{quoted} is an address, and values are read from files only");
        report.error(place, message);
    } else if path.exists() {
        let trouble = file::read_values(path).err().unwrap_or_default();
        report.error(place, format!("values file {quoted}: {trouble}"));
    } else {
        let start = starting_folder(place, report);
        let diagnostic = report.error(place, format!("there is no values file at {quoted}"));
        diagnostic.hint(match similar(written, path, Path::is_file) {
            Some(found) => format!("did you mean `{found}`?"),
            None => start,
        });
    }
}
