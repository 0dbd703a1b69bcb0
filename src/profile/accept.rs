use super::fields::Fields;
use super::place::Place;
use super::quote::quoted;
use super::read::text;
use super::report::Report;
use super::suggest::nearest;
use super::tree::{Content, Entry, Node};

/// A finding of `stackctl check` that is known and stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The rule's id. Which rules there are, others know.
    pub rule: String,
    /// Only in this release.
    pub release: Option<String>,
    /// Only of this object, `deployment/web`.
    pub object: Option<String>,
    pub reason: String,
    pub place: Place,
}

/// Reads `accept`, a list of maps. `releases` is what stands under `releases`: one that a profile above has
/// taken away may still be named.
pub(super) fn read(entry: &Entry, releases: &Node, report: &mut Report) -> Vec<Accepted> {
    let Content::List(items) = &entry.value.content else {
        let kind = entry.value.kind();
        let message = format!("`accept` must be a list, this is {kind}");
        let diagnostic = report.error(entry.value.place, message);
        diagnostic.hint("write for example `accept: [{rule: image-floating, reason: WHY}]`");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| accepted(item, releases, report))
        .collect()
}

fn accepted(item: &Node, releases: &Node, report: &mut Report) -> Option<Accepted> {
    let mut fields = Fields::of(item, "`accept`".to_owned(), item.place, report)?;
    let rule = fields.require("rule", "rule: image-floating");
    let reason = fields.require("reason", "reason: upstream publishes no other tag");
    let (release, object) = (fields.take("release"), fields.take("object"));
    fields.finish(report);
    let mut written = |entry: &Entry| {
        let what = format!("`{}`", entry.key);
        text(&entry.value, &what, report).map(str::to_owned)
    };
    let named = release;
    let release = release.map(&mut written);
    let object = object.map(&mut written);
    let rule = rule.and_then(&mut written);
    let reason = reason.and_then(&mut written);
    if let (Some(entry), Some(Some(id))) = (named, &release) {
        insist(id, entry.value.place, releases, report);
    }
    Some(Accepted {
        rule: rule?,
        reason: reason?,
        release: release.flatten(),
        object: object.flatten().map(|object| object.to_lowercase()),
        place: item.place,
    })
}

/// A finding of a release that is not there is never found.
fn insist(id: &str, place: Place, releases: &Node, report: &mut Report) {
    let Content::Map(entries) = &releases.content else {
        return;
    };
    let ids = entries.iter().map(|entry| entry.key.as_str());
    if ids.clone().any(|it| it == id) || releases.removal(id).is_some() {
        return;
    }
    let diagnostic = report.error(place, format!("there is no release {}", quoted(id)));
    if let Some(meant) = nearest(id, ids) {
        diagnostic.hint(format!("did you mean `{meant}`?"));
    }
}
