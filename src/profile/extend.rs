use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::decode::decode;
use super::file;
use super::links;
use super::nearby::{similar, starting_folder};
use super::parse::parse;
use super::place::Place;
use super::quote::quoted;
use super::read::text;
use super::report::Report;
use super::tree::{Content, Entry, Node, Removed};

/// The key that names the profile below.
pub(super) const KEY: &str = "extends";

/// So many profiles may lie on one another. Nobody finds their way through more.
const HIGHEST: usize = 16;

/// The tree of a profile laid over the tree of the one that it extends, if it does, and so on.
/// `None` after an error, which is then in the report.
pub(super) fn whole(root: Node, file: &Path, report: &mut Report) -> Option<Node> {
    lay_over(root, &mut vec![identity(file)], report)
}

/// `stack` are the files on the way here, the topmost first.
fn lay_over(mut top: Node, stack: &mut Vec<PathBuf>, report: &mut Report) -> Option<Node> {
    let Content::Map(entries) = &mut top.content else {
        return Some(top);
    };
    let Some(at) = entries.iter().position(|entry| entry.key == KEY) else {
        return Some(top);
    };
    let extends = entries.remove(at);
    if extends.value.is_null() {
        return Some(top);
    }
    let base = base(&extends, stack, report)?;
    let base = lay_over(base, stack, report)?;
    Some(merged(base, top))
}

fn base(extends: &Entry, stack: &mut Vec<PathBuf>, report: &mut Report) -> Option<Node> {
    let place = extends.value.place;
    let written = text(&extends.value, "`extends`", report)?;
    let path = report.sources.folder(place.source).join(written);
    let identity = identity(&path);
    if let Some(at) = stack.iter().position(|it| *it == identity) {
        report.error(place, cycle(&stack[at..]));
        return None;
    }
    if links::lead_out(&path, written, place, report) {
        return None;
    }
    stack.push(identity);
    if stack.len() > HIGHEST {
        let message = format!("more than {HIGHEST} profiles extend one another");
        report.error(place, message);
        return None;
    }
    let bytes = match file::read(&path) {
        Ok(bytes) => bytes,
        Err(trouble) => {
            missing(written, &path, &trouble, place, report);
            return None;
        }
    };
    let source = decode(&path, &bytes, report).ok()?;
    let root = parse(source, report)?;
    if !matches!(root.content, Content::Map(_)) {
        let message = format!("a profile must be a map, this is {}", root.kind());
        report.error(root.place, message);
        return None;
    }
    Some(root)
}

/// The profiles on the way back to the first of them.
fn cycle(profiles: &[PathBuf]) -> String {
    if let [_itself] = profiles {
        return "the profile extends itself".to_owned();
    }
    let names = profiles.iter().chain(profiles.first());
    let names: Vec<_> = names
        .filter_map(|it| Some(it.file_name()?.to_string_lossy()))
        .collect();
    format!(
        "these profiles extend each other in a cycle: {}",
        names.join(" -> ")
    )
}

fn missing(written: &str, path: &Path, trouble: &str, place: Place, report: &mut Report) {
    let start = starting_folder(place, report);
    if path.exists() {
        report.error(place, format!("{}: {trouble}", quoted(written)));
        return;
    }
    let diagnostic = report.error(place, format!("there is no profile at {}", quoted(written)));
    diagnostic.hint(match similar(written, path, Path::is_file) {
        Some(found) => format!("did you mean `{found}`?"),
        None => start,
    });
}

/// The same for all ways to name a file.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Maps are merged deeply, a null takes away, everything else replaces.
fn merged(base: Node, over: Node) -> Node {
    match (base.content, over.content) {
        (Content::Map(entries), Content::Map(over_entries)) => {
            let (entries, removed) = merged_entries(entries, over_entries, base.removed);
            Node {
                place: over.place,
                content: Content::Map(entries),
                removed,
            }
        }
        (_, content) => Node::new(over.place, content),
    }
}

/// The base's entries in their order, then the new ones; and what is not there any more.
fn merged_entries(
    base: Vec<Entry>,
    over: Vec<Entry>,
    mut removed: Vec<Removed>,
) -> (Vec<Entry>, Vec<Removed>) {
    let index: HashMap<String, usize> = base
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry.key.clone(), at))
        .collect();
    let mut entries: Vec<Option<Entry>> = base.into_iter().map(Some).collect();
    for entry in over {
        let Some(&at) = index.get(&entry.key) else {
            removed.retain(|it| it.key != entry.key);
            entries.push(Some(entry));
            continue;
        };
        let below = entries[at].take();
        if entry.value.is_null() {
            removed.push(Removed {
                key: entry.key,
                place: entry.key_place,
            });
            continue;
        }
        entries[at] = below.map(|below| Entry {
            key: entry.key,
            key_place: entry.key_place,
            value: merged(below.value, entry.value),
        });
    }
    (entries.into_iter().flatten().collect(), removed)
}
