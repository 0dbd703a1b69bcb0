use std::collections::HashMap;

use super::place::Place;
use super::quote::quoted;
use super::report::Report;
use super::tree::{Content, Entry, Node};

/// A map whose keys and values are still coming in.
#[derive(Default)]
pub(super) struct OpenMap {
    entries: Vec<Entry>,
    /// Which entry has a key.
    index: HashMap<String, usize>,
    key: Option<Key>,
    /// The values of `<<`, in order.
    merged: Vec<Node>,
}

struct Key {
    text: String,
    place: Place,
    /// A plain `<<`, which takes up the entries of its value.
    merges: bool,
}

impl OpenMap {
    /// Takes up the next node: a key and a value in turn.
    pub(super) fn take(&mut self, node: Node, report: &mut Report) {
        match self.key.take() {
            None => self.key = Some(key(node, report)),
            Some(key) => self.add(key, node, report),
        }
    }

    fn add(&mut self, key: Key, value: Node, report: &mut Report) {
        if key.merges {
            if !self.merged.is_empty() {
                let diagnostic = report.error(key.place, "the key `<<` is given twice");
                diagnostic.hint("several maps are merged with one `<<: [*a, *b]`");
            }
            self.merged.push(value);
            return;
        }
        if let Some(&first) = self.index.get(&key.text) {
            let line = self.entries[first].key_place.line();
            let message = format!("the key {} is given twice", quoted(&key.text));
            let diagnostic = report.error(key.place, message);
            diagnostic.hint(format!("it is already given on line {line}"));
            return;
        }
        self.append(Entry {
            key: key.text,
            key_place: key.place,
            value,
        });
    }

    fn append(&mut self, entry: Entry) {
        self.index.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// The map's own entries, then those that `<<` brings and the map doesn't have itself.
    pub(super) fn finish(mut self, report: &mut Report) -> Vec<Entry> {
        for Node { place, content, .. } in std::mem::take(&mut self.merged) {
            let maps = match content {
                Content::List(items) => items,
                content => vec![Node::new(place, content)],
            };
            for Node { place, content, .. } in maps {
                let Content::Map(offered) = content else {
                    let message = "only a map, or a list of maps, can be merged with `<<`";
                    let diagnostic = report.error(place, message);
                    diagnostic.hint("a map with the anchor `&name` is merged with `<<: *name`");
                    continue;
                };
                for entry in offered {
                    if !self.index.contains_key(&entry.key) {
                        self.append(entry);
                    }
                }
            }
        }
        self.entries
    }
}

/// Reads a node as a key. Anything but text is an error and makes the best key it can, so
/// that what stands under it is looked at too.
fn key(node: Node, report: &mut Report) -> Key {
    let kind = node.kind();
    let place = node.place;
    match node.content {
        Content::Scalar(scalar) => {
            if kind != "text" {
                let message = format!("a key must be text, {} is {kind}", quoted(&scalar.text));
                let diagnostic = report.error(place, message);
                diagnostic.hint(format!("quote it: `\"{}\"`", scalar.text));
            }
            Key {
                merges: scalar.plain && scalar.text == "<<",
                text: scalar.text,
                place,
            }
        }
        Content::List(_) | Content::Map(_) => {
            let diagnostic = report.error(place, format!("a key must be text, this is {kind}"));
            diagnostic.hint(
                "text that begins with `{` or `[` needs quotes; variables are written `${NAME}`",
            );
            Key {
                text: String::new(),
                place,
                merges: false,
            }
        }
    }
}
