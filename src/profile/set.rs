use serde_json::{Map, Value};

use super::inline;
use super::place::Place;
use super::quote::quoted;
use super::report::Report;
use super::tree::{Content, Entry};

/// Reads `set`: dotted keys with scalars, made into the nested map they stand for.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Map<String, Value> {
    let Content::Map(entries) = &entry.value.content else {
        let message = format!("`set` must be a map, this is {}", entry.value.kind());
        let diagnostic = report.error(entry.value.place, message);
        diagnostic.hint("write for example `set: {image.tag: \"1.4.0\"}`");
        return Map::new();
    };
    let mut nested = Map::new();
    for entry in entries {
        let path = segments(entry.key_place, &entry.key, report);
        let value = scalar(entry, report);
        if let (Some(path), Some(value)) = (path, value)
            && !insert(&mut nested, &path, value)
        {
            let message = format!("{} is set by another key too", quoted(&entry.key));
            let diagnostic = report.error(entry.key_place, message);
            diagnostic.hint("a key and a key below it can't both be set");
        }
    }
    nested
}

/// Lays `over` on `base`: maps are merged deeply, anything else is replaced.
pub(super) fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The segments of a dotted key. `\.` is a dot that separates nothing, as for helm's `--set`.
pub(super) fn segments(place: Place, key: &str, report: &mut Report) -> Option<Vec<String>> {
    let mut segments = Vec::new();
    let mut last = String::new();
    let mut characters = key.chars();
    while let Some(character) = characters.next() {
        match character {
            '.' => segments.push(std::mem::take(&mut last)),
            '[' | ']' => {
                let message = format!("{} points into a list", quoted(key));
                let diagnostic = report.error(place, message);
                diagnostic
                    .hint("a dotted key can't; write the whole list as an inline map in `values`");
                return None;
            }
            '\\' => last.extend(characters.next()),
            other => last.push(other),
        }
    }
    segments.push(last);
    if segments.iter().any(String::is_empty) {
        let message = format!("{} has an empty part", quoted(key));
        let diagnostic = report.error(place, message);
        diagnostic.hint("parts are separated by one `.`; a dot inside a part is written `\\.`");
        return None;
    }
    Some(segments)
}

fn scalar(entry: &Entry, report: &mut Report) -> Option<Value> {
    let Content::Scalar(scalar) = &entry.value.content else {
        let key = quoted(&entry.key);
        let kind = entry.value.kind();
        let message = format!("{key} must be set to a scalar, this is {kind}");
        let diagnostic = report.error(entry.value.place, message);
        diagnostic.hint("lists and maps go into `values`, which takes inline maps too");
        return None;
    };
    let last = entry.key.rsplit('.').next().unwrap_or_default();
    inline::scalar(scalar, entry.value.place, last, report)
}

/// Whether there was room for the value.
pub(super) fn insert(map: &mut Map<String, Value>, path: &[String], value: Value) -> bool {
    match path {
        [] => false,
        [last] if map.contains_key(last) => false,
        [last] => {
            map.insert(last.clone(), value);
            true
        }
        [first, rest @ ..] => {
            let below = map
                .entry(first.as_str())
                .or_insert_with(|| Value::Object(Map::new()));
            below
                .as_object_mut()
                .is_some_and(|below| insert(below, rest, value))
        }
    }
}
