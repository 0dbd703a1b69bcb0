//! YAML as helm reads it: one document becomes the JSON that `sigs.k8s.io/yaml` makes of it. The
//! table of `tests/fixtures/manifest` is Go's own answer.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use super::scalar::Scalar;
use crate::yaml::lenient;

/// How deep lists and maps may be nested: what walks and drops the tree recurses.
const DEEPEST: usize = 250;
/// How many nodes aliases may add: a few lines of aliases to aliases would otherwise fill the memory.
const ALIASED: usize = 1_000_000;

/// The document, null where it is empty. None where it is no YAML, or more than a document may be.
/// Of duplicate keys the last one wins, as for helm.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(&lenient(text)) {
        let (event, _) = event.ok()?;
        builder.take(event)?;
    }
    Some(builder.root.unwrap_or_default().value)
}

/// A node with how many it is, those inside included, and how deep it goes.
#[derive(Debug, Clone, Default)]
struct Node {
    value: Value,
    /// What it is as a key of a map, None where it can't be one.
    key: Option<String>,
    nodes: usize,
    height: usize,
}

#[derive(Default)]
struct Builder {
    /// The collections that have begun and not ended, outermost first.
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    root: Option<Node>,
}

struct Open {
    anchor: usize,
    node: Node,
    /// The key in a map whose value comes next.
    key: Option<Key>,
}

enum Key {
    Named(String),
    /// `<<`: the entries of the maps that follow become those of this map.
    Merge,
}

impl Builder {
    /// None when there is no use in going on.
    fn take(&mut self, event: Event<'_>) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                let tag = tag.as_deref().map(name);
                let merges = is_plain && tag.is_none() && text == "<<";
                if merges && self.takes_key() {
                    let open = self.open.last_mut()?;
                    open.key = Some(Key::Merge);
                    return Some(());
                }
                let quoted = (!is_plain).then_some("str");
                let scalar = Scalar::new(&text, tag.as_deref().or(quoted))?;
                let key = scalar.clone().key();
                // A number that JSON lacks may be a key all the same.
                let value = match scalar.value() {
                    Some(value) => value,
                    None if self.takes_key() => Value::Null,
                    None => return None,
                };
                let node = Node {
                    value,
                    key,
                    nodes: 1,
                    height: 0,
                };
                self.add(node, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, Value::Array(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.begin(anchor, Value::Object(Map::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { anchor, node, .. } = self.open.pop()?;
                self.add(node, anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor)?.clone();
                self.aliased += node.nodes;
                let fits = self.aliased <= ALIASED && self.open.len() + node.height <= DEEPEST;
                if fits { self.add(node, 0) } else { None }
            }
            _ => Some(()),
        }
    }

    fn takes_key(&self) -> bool {
        let open = self.open.last();
        open.is_some_and(|open| open.node.value.is_object() && open.key.is_none())
    }

    fn begin(&mut self, anchor: usize, value: Value) -> Option<()> {
        let node = Node {
            value,
            key: None,
            nodes: 1,
            height: 1,
        };
        self.open.push(Open {
            anchor,
            node,
            key: None,
        });
        (self.open.len() <= DEEPEST).then_some(())
    }

    /// Puts a finished node where it belongs: under its anchor, and into its parent.
    fn add(&mut self, node: Node, anchor: usize) -> Option<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        parent.node.nodes += node.nodes;
        parent.node.height = parent.node.height.max(node.height + 1);
        match (&mut parent.node.value, parent.key.take()) {
            (Value::Array(items), _) => items.push(node.value),
            (Value::Object(_), None) => parent.key = Some(Key::Named(node.key?)),
            (Value::Object(map), Some(Key::Named(key))) => {
                map.insert(key, node.value);
            }
            (Value::Object(map), Some(Key::Merge)) => merge(map, node.value)?,
            _ => return None,
        }
        Some(())
    }
}

/// As go-yaml does: what is merged in replaces what stood before it, of several maps the first wins.
fn merge(map: &mut Map<String, Value>, value: Value) -> Option<()> {
    let maps = match value {
        Value::Array(maps) => maps,
        one => vec![one],
    };
    for one in maps.into_iter().rev() {
        let Value::Object(entries) = one else {
            return None;
        };
        map.extend(entries);
    }
    Some(())
}

/// The name of one of YAML's own tags. Another makes text of a scalar.
fn name(tag: &Tag) -> Cow<'_, str> {
    let own = tag.suffix_in_namespace("tag:yaml.org,2002:");
    own.unwrap_or(Cow::Borrowed("str"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_read_as_go_reads_it() {
        let table = include_str!("../../tests/fixtures/manifest/go_yaml.json");
        let table: Vec<Value> = serde_json::from_str(table).unwrap();
        let mut wrong = Vec::new();
        for row in &table {
            let yaml = row["yaml"].as_str().unwrap();
            // What Go refuses, helm never hands on.
            if row["refused"] == true {
                continue;
            }
            let ours = read(yaml);
            if ours.as_ref() != Some(&row["json"]) {
                wrong.push(format!("{yaml:?}: {ours:?}, Go: {}", row["json"]));
            }
        }
        assert!(table.len() > 300);
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn numbers_that_json_lacks_are_refused() {
        for yaml in ["a: .nan", "a: .inf", "a: !!int x", "a: *none", "~: x"] {
            assert_eq!(read(yaml), None, "{yaml}");
        }
    }

    #[test]
    fn aliases_and_depth_have_a_limit() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            bomb += &format!(
                "a{level}: &a{level} [{}]\n",
                [alias.as_str(); 10].join(", ")
            );
        }
        assert_eq!(read(&bomb), None);
        assert_eq!(read(&"[".repeat(100_000)), None);
        let fits = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(read(&fits).is_some());
    }
}
