//! stackctl's events, as far as they are looked at here. docs/design.md has all of them.

use serde_json::Value;

use crate::process::Line;

/// Returns the event that a line of `--progress json` is, if it is one.
pub fn of(line: &Line) -> Option<Value> {
    // What helm and others print is no event, and most of it is no JSON either.
    serde_json::from_str(&line.text)
        .ok()
        .filter(|event: &Value| event["type"].is_string())
}

/// Returns the event if the line is one of this type.
pub fn of_type(line: &Line, kind: &str) -> Option<Value> {
    of(line).filter(|event| event["type"] == kind)
}
