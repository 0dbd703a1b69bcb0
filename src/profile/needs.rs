use std::collections::HashMap;

use super::place::Place;
use super::quote::{quoted, quoted_list};
use super::read::text;
use super::report::Report;
use super::suggest::nearest;
use super::tree::{Content, Entry};
use crate::names::ReleaseId;

/// An edge: the release this one waits for, and where the profile says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub id: ReleaseId,
    pub place: Place,
}

/// A need as it was written, before it is known which releases there are.
#[derive(Debug)]
pub(super) struct WrittenNeed<'a> {
    text: &'a str,
    place: Place,
}

/// Reads the list under `needs`.
pub(super) fn read<'a>(entry: &'a Entry, report: &mut Report) -> Vec<WrittenNeed<'a>> {
    let Content::List(items) = &entry.value.content else {
        let kind = entry.value.kind();
        let diagnostic = report.error(
            entry.value.place,
            format!("`needs` must be a list of release ids, this is {kind}"),
        );
        if let Content::Scalar(scalar) = &entry.value.content {
            diagnostic.hint(format!("write `needs: [{}]`", scalar.text));
        }
        return Vec::new();
    };
    let mut needs: Vec<WrittenNeed> = Vec::new();
    let mut lines: HashMap<&str, usize> = HashMap::new();
    for item in items {
        let Some(text) = text(item, "a need", report) else {
            continue;
        };
        let place = item.place;
        if let Some(line) = lines.get(text) {
            let diagnostic = report.error(place, format!("{} is needed twice", quoted(text)));
            diagnostic.hint(format!("it is already named on line {line}; remove one"));
            continue;
        }
        lines.insert(text, place.line());
        needs.push(WrittenNeed { text, place });
    }
    needs
}

/// What a profile's ids are, as written, and whether each is enabled.
pub(super) type Ids<'a> = HashMap<&'a str, bool>;

/// The needs of release `owner` that lead to enabled releases. One on a disabled release is
/// dropped, with a warning if the owner is enabled; one that leads nowhere or to the release itself is an error.
pub(super) fn resolve(
    owner: &str,
    written: Vec<WrittenNeed<'_>>,
    ids: &Ids<'_>,
    report: &mut Report,
) -> Vec<Need> {
    let active = ids.get(owner).is_some_and(|&enabled| enabled);
    let mut needs = Vec::new();
    for WrittenNeed { text, place } in written {
        match ids.get(text) {
            _ if text == owner => {
                report.error(place, format!("release {} needs itself", quoted(owner)));
            }
            Some(true) => needs.extend(text.parse().ok().map(|id| Need { id, place })),
            Some(false) if !active => {}
            Some(false) => {
                let message = format!(
                    "release {} needs {}, which is disabled: the need is dropped",
                    quoted(owner),
                    quoted(text)
                );
                report.warn(place, message);
            }
            None => unknown(text, place, owner, ids, report),
        }
    }
    needs
}

/// Beyond that many releases nobody is asked what was meant: each guess looks at all ids.
const GUESSABLE: usize = 1000;

fn unknown(text: &str, place: Place, owner: &str, ids: &Ids<'_>, report: &mut Report) {
    if ids.len() > GUESSABLE {
        report.error(place, format!("there is no release {}", quoted(text)));
        return;
    }
    let mut others: Vec<&str> = ids.keys().copied().filter(|&id| id != owner).collect();
    others.sort_unstable();
    let diagnostic = report.error(place, format!("there is no release {}", quoted(text)));
    let id = text.split(':').next().unwrap_or(text);
    if let Some(id) = nearest(id, others.iter().copied()) {
        diagnostic.hint(format!("did you mean `{id}`?"));
    } else if others.is_empty() {
        diagnostic.hint("it is the only release of this profile");
    } else if others.len() <= 12 {
        diagnostic.hint(format!("the other releases are {}", quoted_list(others)));
    }
}
