use super::place::Place;
use super::quote::{quoted, quoted_list};
use super::report::Report;
use super::suggest::nearest;
use super::tree::{Content, Entry, Node};

/// The entries of a map that has a fixed set of keys. Taking a key makes it a known one;
/// [`Fields::finish`] reports those that were never asked for.
pub(super) struct Fields<'a> {
    /// What has the fields, as in "unknown key in ...".
    owner: String,
    /// Where to point when something is missing.
    place: Place,
    entries: &'a [Entry],
    node: &'a Node,
    known: Vec<&'static str>,
    /// What was required and not found, with an example.
    missing: Vec<(&'static str, &'static str)>,
    extensible: bool,
}

impl<'a> Fields<'a> {
    /// The fields of `node`; a null has none. Reports what is no map.
    pub(super) fn of(
        node: &'a Node,
        owner: String,
        place: Place,
        report: &mut Report,
    ) -> Option<Fields<'a>> {
        let entries: &[Entry] = match &node.content {
            Content::Map(entries) => entries,
            _ if node.is_null() => &[],
            _ => {
                let message = format!("{owner} must be a map, this is {}", node.kind());
                report.error(node.place, message);
                return None;
            }
        };
        Some(Fields {
            owner,
            place,
            entries,
            node,
            known: Vec::new(),
            missing: Vec::new(),
            extensible: false,
        })
    }

    /// Takes keys that begin with `x-` for places to keep anchors, as Compose does.
    pub(super) fn ignore_extensions(&mut self) {
        self.extensible = true;
    }

    /// The entry of `key`. A null counts as not given.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (!entry.value.is_null()).then_some(entry)
    }

    /// The entry of `key`, which has to be there; `example` shows how to write it.
    pub(super) fn require(
        &mut self,
        key: &'static str,
        example: &'static str,
    ) -> Option<&'a Entry> {
        let found = self.take(key);
        if found.is_none() {
            self.missing.push((key, example));
        }
        found
    }

    /// Reports every key that nobody took, then what is missing and isn't there under a
    /// misspelled key either.
    pub(super) fn finish(mut self, report: &mut Report) {
        for entry in self.entries {
            let ignored = self.extensible && entry.key.starts_with("x-");
            if ignored || self.known.contains(&entry.key.as_str()) {
                continue;
            }
            let message = format!("unknown key {} in {}", quoted(&entry.key), self.owner);
            let hint = match nearest(&entry.key, self.known.iter().copied()) {
                _ if entry.key == "<<" => "without quotes it merges a map: `<<: *name`".to_owned(),
                Some(key) => {
                    self.missing.retain(|&(missing, _)| missing != key);
                    format!("did you mean `{key}`?")
                }
                None => format!("known keys are {}", quoted_list(self.known.iter().copied())),
            };
            report.error(entry.key_place, message).hint(hint);
        }
        for (key, example) in self.missing {
            let empty = self.entries.iter().find(|entry| entry.key == key);
            let removed = self.node.removal(key);
            let place = empty.map(|entry| entry.key_place).or(removed);
            let message = match removed {
                Some(_) => format!("`{key}` is taken away here, and {} needs it", self.owner),
                None => format!("{} has no `{key}`", self.owner),
            };
            let diagnostic = report.error(place.unwrap_or(self.place), message);
            diagnostic.hint(format!("write for example `{example}`"));
        }
    }
}
