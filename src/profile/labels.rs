use std::collections::BTreeMap;

use super::quote::quoted;
use super::read::text;
use super::report::Report;
use super::tree::{Content, Entry};

/// Labels that helm writes on its record of a release.
pub type Labels = BTreeMap<String, String>;

/// Keys that helm keeps for itself (`pkg/storage/driver/labels.go`).
const HELMS: [&str; 6] = [
    "name",
    "owner",
    "status",
    "version",
    "createdAt",
    "modifiedAt",
];
/// The prefix of our own marks.
const OURS: &str = "stackctl.dev/";
/// Of a label's name and of its value (Kubernetes `apimachinery/pkg/util/validation`).
const LONGEST: usize = 63;
const LONGEST_PREFIX: usize = 253;

/// Reads `labels`, a map from key to text.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Labels {
    let Content::Map(entries) = &entry.value.content else {
        let kind = entry.value.kind();
        let message = format!("`labels` must be a map from key to text, this is {kind}");
        let diagnostic = report.error(entry.value.place, message);
        diagnostic.hint("write for example `labels: {team: shop}`");
        return Labels::new();
    };
    let mut labels = Labels::new();
    for entry in entries {
        if let Err(why) = check_key(&entry.key) {
            let message = format!("{} is no key of a label: {why}", quoted(&entry.key));
            report.error(entry.key_place, message);
            continue;
        }
        let what = format!("label {}", quoted(&entry.key));
        let Some(value) = text(&entry.value, &what, report) else {
            continue;
        };
        if let Err(why) = check_part(value) {
            let message = format!("{} is no value of a label: {why}", quoted(value));
            report.error(entry.value.place, message);
            continue;
        }
        labels.insert(entry.key.clone(), value.to_owned());
    }
    labels
}

fn check_key(key: &str) -> Result<(), String> {
    if HELMS.contains(&key) {
        return Err("helm keeps it for itself".to_owned());
    }
    if key.starts_with(OURS) {
        return Err(format!("`{OURS}` is stackctl's own"));
    }
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let is_domain = |prefix: &str| {
        let label = |part: &str| {
            let edges = part.starts_with('-') || part.ends_with('-');
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !part.is_empty() && !edges && part.chars().all(allowed)
        };
        prefix.len() <= LONGEST_PREFIX && prefix.split('.').all(label)
    };
    if prefix.is_some_and(|prefix| !is_domain(prefix)) {
        return Err("before the `/` stands a domain, as in `example.com/team`".to_owned());
    }
    check_part(name)
}

/// Letters, digits, `-`, `_` and `.`, a letter or digit at both ends.
fn check_part(part: &str) -> Result<(), String> {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(odd) = part.chars().find(|&c| !inside(c)) {
        return Err(format!(
            "`{odd}` is not allowed: letters, digits, `-`, `_` and `.` only"
        ));
    }
    let ends = [part.chars().next(), part.chars().last()];
    if !ends
        .iter()
        .all(|end| end.is_some_and(|c| c.is_ascii_alphanumeric()))
    {
        return Err("it must start and end with a letter or a digit".to_owned());
    }
    if part.len() > LONGEST {
        return Err(format!(
            "it has {} characters, {LONGEST} at most are allowed",
            part.len()
        ));
    }
    Ok(())
}
