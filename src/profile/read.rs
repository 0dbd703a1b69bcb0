use std::str::FromStr;

use super::quote::quoted;
use super::report::Report;
use super::scalar::Typed;
use super::tree::{Content, Entry, Node};
use crate::names::InvalidName;

/// The text of a scalar that has to be text. `what` begins the sentence of the error.
pub(super) fn text<'a>(node: &'a Node, what: &str, report: &mut Report) -> Option<&'a str> {
    if let Content::Scalar(scalar) = &node.content {
        if !scalar.plain && scalar.text.is_empty() {
            report.error(node.place, format!("{what} is empty"));
            return None;
        }
        if scalar.typed() == Typed::Text {
            return Some(&scalar.text);
        }
        if !node.is_null() {
            let message = format!(
                "{what} must be text, {} is {}",
                quoted(&scalar.text),
                node.kind()
            );
            let diagnostic = report.error(node.place, message);
            diagnostic.hint(format!("quote it: `\"{}\"`", scalar.text));
            return None;
        }
    }
    let message = format!("{what} must be text, this is {}", node.kind());
    let diagnostic = report.error(node.place, message);
    if matches!(node.content, Content::Map(_)) {
        diagnostic.hint("text that begins with `{` needs quotes");
    }
    None
}

/// `true` or `false`.
pub(super) fn boolean(entry: &Entry, report: &mut Report) -> Option<bool> {
    let node = &entry.value;
    if let Content::Scalar(scalar) = &node.content {
        if let Typed::Bool(value) = scalar.typed() {
            return Some(value);
        }
        let message = format!(
            "`{}` must be `true` or `false`, {} is {}",
            entry.key,
            quoted(&scalar.text),
            node.kind()
        );
        let diagnostic = report.error(node.place, message);
        match scalar.text.to_lowercase().as_str() {
            word @ ("true" | "false") => {
                diagnostic.hint(format!("write `{word}` without quotes, in lower case"));
            }
            "yes" | "on" => {
                diagnostic.hint("write `true`");
            }
            "no" | "off" => {
                diagnostic.hint("write `false`");
            }
            _ => {}
        }
    } else {
        let message = format!(
            "`{}` must be `true` or `false`, this is {}",
            entry.key,
            node.kind()
        );
        report.error(node.place, message);
    }
    None
}

/// A name of the kind that `what` says ("release id", "namespace").
pub(super) fn name<T>(entry: &Entry, what: &str, report: &mut Report) -> Option<T>
where
    T: FromStr<Err = InvalidName>,
{
    let written = text(&entry.value, &format!("`{}`", entry.key), report)?;
    match written.parse() {
        Ok(name) => Some(name),
        Err(reason) => {
            let message = format!("{} is not a valid {what}: {reason}", quoted(written));
            let diagnostic = report.error(entry.value.place, message);
            put_right::<T>(written).map(|name| diagnostic.hint(format!("did you mean `{name}`?")));
            None
        }
    }
}

/// The name with the usual slips repaired, if that makes it valid.
pub(super) fn put_right<T: FromStr>(written: &str) -> Option<String> {
    let lower = written.trim().to_lowercase();
    let repaired = lower.replace(['_', '.', ' ', '/'], "-");
    repaired.parse::<T>().is_ok().then_some(repaired)
}
