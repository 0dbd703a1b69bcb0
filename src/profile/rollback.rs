use super::quote::quoted;
use super::report::Report;
use super::suggest::nearest;
use super::tree::{Content, Entry};

/// Whether a release can go back to an earlier revision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rollback {
    #[default]
    Allowed,
    /// What it did can't be undone by older code, as a migration of data can't.
    ForwardOnly,
}

const NAMES: [(&str, Rollback); 2] = [
    ("allowed", Rollback::Allowed),
    ("forward-only", Rollback::ForwardOnly),
];

/// Reads `rollback`, one of two words.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Option<Rollback> {
    let written = match &entry.value.content {
        Content::Scalar(scalar) => scalar.text.as_str(),
        _ => entry.value.kind(),
    };
    let found = NAMES.iter().find(|(name, _)| *name == written);
    if let Some((_, rollback)) = found {
        return Some(*rollback);
    }
    let message = format!(
        "`rollback` must be `allowed` or `forward-only`, this is {}",
        quoted(written)
    );
    let diagnostic = report.error(entry.value.place, message);
    if let Some(name) = nearest(written, NAMES.map(|(name, _)| name)) {
        diagnostic.hint(format!("did you mean `{name}`?"));
    }
    None
}
