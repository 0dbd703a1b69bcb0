use std::collections::HashMap;
use std::fmt;

use super::place::Place;
use super::quote::{quoted, quoted_list};
use super::read::text;
use super::report::Report;
use super::suggest::nearest;
use super::tree::{Content, Entry, Node};
use crate::names::ReleaseId;

/// An edge: the release this one waits for, until when, and where the profile says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub id: ReleaseId,
    pub until: Until,
    pub place: Place,
}

/// When a need is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// All of the release is ready.
    Ready,
    /// Helm has returned well.
    Deployed,
    /// This one object of the release is ready.
    Object {
        /// In lower case, singular or plural: `service`, `statefulsets`.
        kind: String,
        name: String,
    },
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Until::Ready => f.write_str("ready"),
            Until::Deployed => f.write_str("deployed"),
            Until::Object { kind, name } => write!(f, "{kind}/{name}"),
        }
    }
}

impl Until {
    /// Why it is never met: this release has nothing of the kind.
    pub fn of_none(&self, release: &str) -> String {
        format!("it needs {self} of release `{release}`, which has no such object")
    }
}

/// How kubectl lets people write the kinds that a need may wait for, besides their own name
/// (`kubectl api-resources`).
const SHORT: [(&str, &str); 23] = [
    ("cj", "cronjob"),
    ("cm", "configmap"),
    ("crd", "customresourcedefinition"),
    ("deploy", "deployment"),
    ("ds", "daemonset"),
    ("ep", "endpoints"),
    ("hpa", "horizontalpodautoscaler"),
    ("ing", "ingress"),
    ("limits", "limitrange"),
    ("netpol", "networkpolicy"),
    ("ns", "namespace"),
    ("pc", "priorityclass"),
    ("pdb", "poddisruptionbudget"),
    ("po", "pod"),
    ("pv", "persistentvolume"),
    ("pvc", "persistentvolumeclaim"),
    ("quota", "resourcequota"),
    ("rc", "replicationcontroller"),
    ("rs", "replicaset"),
    ("sa", "serviceaccount"),
    ("sc", "storageclass"),
    ("sts", "statefulset"),
    ("svc", "service"),
];

impl Until {
    /// Reads what stands behind the colon. `None` if it is nothing that can be waited for.
    fn parse(written: &str) -> Option<Until> {
        match written {
            "ready" => return Some(Until::Ready),
            "deployed" => return Some(Until::Deployed),
            _ => {}
        }
        let (kind, name) = written.split_once('/')?;
        let is_word = |text: &str, more: &[char]| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
        };
        if !is_word(kind, &[]) || !is_word(name, &['-', '.']) {
            return None;
        }
        let kind = kind.to_ascii_lowercase();
        let short = SHORT.iter().find(|(short, _)| *short == kind);
        Some(Until::Object {
            kind: short.map_or(kind, |(_, kind)| (*kind).to_owned()),
            name: name.to_owned(),
        })
    }
}

/// A need as it was written, before it is known which releases there are.
#[derive(Debug)]
pub(super) struct WrittenNeed<'a> {
    id: &'a str,
    until: Until,
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
        if let Some(meant) = with_colon(item) {
            let diagnostic = report.error(item.place, "a need must be text, this is a map");
            diagnostic.hint(format!(
                "did you mean `{meant}`? a blank behind the `:` makes a map"
            ));
            continue;
        }
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
        let (id, until) = match text.split_once(':') {
            None => (text, Some(Until::Ready)),
            Some((id, until)) => (id, Until::parse(until)),
        };
        match until {
            _ if id.is_empty() => {
                let diagnostic = report.error(place, format!("{} names no release", quoted(text)));
                diagnostic.hint("write a release's id before the `:`");
            }
            Some(until) => needs.push(WrittenNeed { id, until, place }),
            None => {
                let message = format!(
                    "{} names nothing of {} to wait for",
                    quoted(text),
                    quoted(id)
                );
                let diagnostic = report.error(place, message);
                diagnostic.hint(format!(
                    "write `{id}` until it is ready, `{id}:deployed` until helm is through, or `{id}:service/NAME` for one object"
                ));
            }
        }
    }
    needs
}

/// `ID:UNTIL`, where a blank behind the colon has made a map of it.
fn with_colon(item: &Node) -> Option<String> {
    let Content::Map(entries) = &item.content else {
        return None;
    };
    let [Entry { key, value, .. }] = entries.as_slice() else {
        return None;
    };
    let Content::Scalar(until) = &value.content else {
        return None;
    };
    Until::parse(&until.text).map(|_| format!("{key}:{}", until.text))
}

/// What a profile's ids are, as written, and where each is disabled.
pub(super) type Ids<'a> = HashMap<&'a str, Option<Place>>;

/// Which releases there are, and where a profile above has taken others away.
pub(super) struct Known<'a> {
    pub(super) ids: Ids<'a>,
    pub(super) all: &'a Node,
}

/// The needs of release `owner` that lead to enabled releases. One on a disabled release is
/// dropped, with a warning if the owner is enabled; one that leads nowhere or to the release itself is an error.
pub(super) fn resolve(
    owner: &str,
    written: Vec<WrittenNeed<'_>>,
    known: &Known<'_>,
    report: &mut Report,
) -> Vec<Need> {
    let ids = &known.ids;
    let active = ids.get(owner).is_some_and(Option::is_none);
    let mut needs = Vec::new();
    for WrittenNeed { id, until, place } in written {
        match ids.get(id) {
            _ if id == owner => {
                report.error(place, format!("release {} needs itself", quoted(owner)));
            }
            Some(None) => needs.extend(id.parse().ok().map(|id| Need { id, until, place })),
            Some(Some(_)) if !active => {}
            Some(Some(disabled)) => dropped(id, *disabled, owner, place, report),
            None => match known.all.removal(id) {
                Some(removal) => removed(id, removal, owner, place, report),
                None => unknown(id, place, owner, ids, report),
            },
        }
    }
    needs
}

/// Told where the profile says so that lies above: that one leaves the need without its release.
fn dropped(id: &str, disabled: Place, owner: &str, need: Place, report: &mut Report) {
    let place = need.or_above(disabled);
    let message = format!(
        "release {} needs {}, which is disabled: the need is dropped",
        quoted(owner),
        quoted(id)
    );
    let needed = (place != need).then(|| report.sources.beside(need, disabled));
    let diagnostic = report.warn(place, message);
    if let Some(needed) = needed {
        diagnostic.hint(format!("the need is at {needed}"));
    }
}

/// Who has taken it away is the one to mend that.
fn removed(id: &str, removal: Place, owner: &str, need: Place, report: &mut Report) {
    let needed = report.sources.beside(need, removal);
    let message = format!(
        "{} is taken away here, and {} needs it",
        quoted(id),
        quoted(owner)
    );
    let diagnostic = report.error(removal, message);
    diagnostic.hint(format!("the need is at {needed}"));
    diagnostic.hint("`enabled: false` leaves a release out, and drops the needs on it");
}

/// Beyond that many releases nobody is asked what was meant: each guess looks at all ids.
const GUESSABLE: usize = 1000;

fn unknown(id: &str, place: Place, owner: &str, ids: &Ids<'_>, report: &mut Report) {
    if ids.len() > GUESSABLE {
        report.error(place, format!("there is no release {}", quoted(id)));
        return;
    }
    let mut others: Vec<&str> = ids.keys().copied().filter(|&id| id != owner).collect();
    others.sort_unstable();
    let diagnostic = report.error(place, format!("there is no release {}", quoted(id)));
    if let Some(id) = nearest(id, others.iter().copied()) {
        diagnostic.hint(format!("did you mean `{id}`?"));
    } else if others.is_empty() {
        diagnostic.hint("it is the only release of this profile");
    } else if others.len() <= 12 {
        diagnostic.hint(format!("the other releases are {}", quoted_list(others)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_written_as_kubectl_has_it() {
        let table = [
            ("ready", Some("ready")),
            ("deployed", Some("deployed")),
            ("service/php-fpm", Some("service/php-fpm")),
            ("StatefulSet/database", Some("statefulset/database")),
            ("svc/web", Some("service/web")),
            (
                "crd/caches.example.org",
                Some("customresourcedefinition/caches.example.org"),
            ),
            ("Ready", None),
            ("service", None),
            ("service/", None),
            ("/web", None),
            ("a/b/c", None),
            ("", None),
        ];
        for (written, expected) in table {
            let until = Until::parse(written).map(|until| until.to_string());
            assert_eq!(until.as_deref(), expected, "`{written}`");
        }
    }
}
