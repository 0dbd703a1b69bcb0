use serde_json::{Map, Value};

use super::ambiguity;
use super::place::Place;
use super::quote::quoted;
use super::report::Report;
use super::scalar::{Scalar, Typed};
use super::tree::{Content, Entry, Node};

/// The entries of an inline map as JSON, typed by the YAML 1.2 core schema, in order.
/// What JSON can't hold is reported and left out.
pub(super) fn map(entries: &[Entry], report: &mut Report) -> Map<String, Value> {
    let mut map = Map::new();
    for entry in entries {
        if let Some(value) = value(&entry.value, &entry.key, report) {
            map.insert(entry.key.clone(), value);
        }
    }
    map
}

/// One value; `key` is the nearest key above it.
fn value(node: &Node, key: &str, report: &mut Report) -> Option<Value> {
    match &node.content {
        Content::Scalar(it) => scalar(it, node.place, key, report),
        Content::List(items) => {
            let items = items.iter().filter_map(|item| value(item, key, report));
            Some(Value::Array(items.collect()))
        }
        Content::Map(entries) => Some(Value::Object(map(entries, report))),
    }
}

/// A typed scalar; says so when another reader would take it differently.
pub(super) fn scalar(
    scalar: &Scalar,
    place: Place,
    key: &str,
    report: &mut Report,
) -> Option<Value> {
    if let Some(doubt) = ambiguity::of(key, scalar) {
        report.warn(place, doubt.message).hint(doubt.hint);
    }
    match scalar.typed() {
        Typed::Null => Some(Value::Null),
        Typed::Bool(value) => Some(Value::Bool(value)),
        Typed::Number(number) => Some(Value::Number(number)),
        Typed::Text => Some(Value::String(scalar.text.clone())),
        Typed::Unheld => {
            let written = quoted(&scalar.text);
            let message = format!("the number {written} can't be passed on exactly");
            let diagnostic = report.error(place, message);
            diagnostic.hint("quote it to pass it on as text");
            None
        }
    }
}
