use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::mapping::OpenMap;
use super::place::{Place, SourceId};
use super::quote::quoted;
use super::report::Report;
use super::scalar::Scalar;
use super::syntax;
use super::tree::{Content, Node};
use crate::yaml::lenient;

/// How deep lists and maps may be nested. Real profiles stay below ten; everything that
/// walks the tree recurses, so this bounds the stack.
const DEEPEST: usize = 64;

/// How much aliases may add: bytes of text and [`NODE_WEIGHT`] for each node. A few lines of
/// aliases to aliases would otherwise fill the memory ("billion laughs").
const ALIAS_ALLOWANCE: usize = 8 * 1024 * 1024;
const NODE_WEIGHT: usize = 64;

/// Builds the tree of a file's one document. An empty file is a null.
/// `None` after a syntax error, which is then in the report.
pub(super) fn parse(source: SourceId, report: &mut Report) -> Option<Node> {
    let text = report.sources.text(source);
    let mut builder = Builder {
        source,
        report,
        open: Vec::new(),
        anchors: HashMap::new(),
        alias_weight: 0,
        root: None,
    };
    let mut documents = 0;
    for event in Parser::new_from_str(&lenient(&text)) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let marker = error.marker();
                let place = syntax::place(source, marker.line(), marker.col());
                let (message, hint) = syntax::explain(&error.info());
                let diagnostic = builder.report.error(place, message);
                hint.map(|hint| diagnostic.hint(hint));
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let place = builder.place(span);
                let diagnostic = builder.report.error(place, "a second document begins here");
                diagnostic.hint("a profile is one document; put the other into a file of its own");
                return None;
            }
        }
        builder.take(event, span)?;
    }
    let empty = || Node::new(Place::spanning(source, 1, 1, 1), scalar("", true));
    Some(builder.root.unwrap_or_else(empty))
}

struct Builder<'a> {
    source: SourceId,
    report: &'a mut Report,
    /// The collections that have begun and not ended, outermost first.
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    alias_weight: usize,
    root: Option<Node>,
}

struct Open {
    place: Place,
    anchor: usize,
    measure: Measure,
    collection: Collection,
}

enum Collection {
    List(Vec<Node>),
    Map(OpenMap),
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    measure: Measure,
}

/// How much a node is, whatever is inside included.
#[derive(Clone, Copy, Default)]
struct Measure {
    height: usize,
    weight: usize,
}

impl Builder<'_> {
    /// `None` when there is no use in going on.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.check_tag(place, tag.as_deref(), "str");
                // The tags that are accepted, `!!str` and the lone `!`, both make text.
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let measure = Measure {
                    height: 0,
                    weight: NODE_WEIGHT + text.len(),
                };
                let content = scalar(&text, plain);
                self.add(Node::new(place, content), anchor, measure);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(place, tag.as_deref(), "seq");
                self.open(place, anchor, Collection::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(place, tag.as_deref(), "map");
                self.open(place, anchor, Collection::Map(OpenMap::default()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(place, anchor)?,
            _ => {}
        }
        Some(())
    }

    fn open(&mut self, place: Place, anchor: usize, collection: Collection) -> Option<()> {
        let inside = Measure {
            height: 1,
            weight: NODE_WEIGHT,
        };
        self.open.push(Open {
            place,
            anchor,
            measure: inside,
            collection,
        });
        self.check_depth(place, 0)
    }

    fn check_depth(&mut self, place: Place, height: usize) -> Option<()> {
        if self.open.len() + height <= DEEPEST {
            return Some(());
        }
        let message = format!("lists and maps are nested deeper than {DEEPEST} levels here");
        self.report.error(place, message);
        None
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let content = match open.collection {
            Collection::List(items) => Content::List(items),
            Collection::Map(map) => Content::Map(map.finish(self.report)),
        };
        let place = open.place;
        self.add(Node::new(place, content), open.anchor, open.measure);
    }

    fn alias(&mut self, place: Place, anchor: usize) -> Option<()> {
        let Some(Anchored { node, measure }) = self.anchors.get(&anchor).cloned() else {
            let message = "this alias stands inside the very node it refers to";
            self.report.error(place, message);
            return None;
        };
        self.alias_weight += measure.weight;
        if self.alias_weight > ALIAS_ALLOWANCE {
            let message = "the aliases up to here make more than 8 MiB of this file";
            self.report.error(place, message);
            return None;
        }
        self.check_depth(place, measure.height)?;
        self.add(node, 0, measure);
        Some(())
    }

    /// Puts a finished node where it belongs: under its anchor, and into its parent.
    fn add(&mut self, node: Node, anchor: usize, measure: Measure) {
        if anchor > 0 {
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, measure });
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        parent.measure.weight += measure.weight;
        parent.measure.height = parent.measure.height.max(measure.height + 1);
        match &mut parent.collection {
            Collection::List(items) => items.push(node),
            Collection::Map(map) => map.take(node, self.report),
        }
    }

    fn check_tag(&mut self, place: Place, tag: Option<&Tag>, accepted: &str) {
        let Some(tag) = tag else { return };
        let lone = tag.suffix() == "!" && tag.handle().is_empty();
        if lone || (tag.is_yaml_core_schema() && tag.suffix() == accepted) {
            return;
        }
        let written = if tag.is_yaml_core_schema() {
            format!("!!{}", tag.suffix())
        } else {
            format!("{}{}", tag.handle(), tag.suffix())
        };
        let message = format!("the tag {} means nothing here", quoted(&written));
        self.report.error(place, message).hint("remove it");
    }

    fn place(&self, span: Span) -> Place {
        let (start, length) = (span.start, span.len().max(1));
        Place::spanning(self.source, start.line(), start.col() + 1, length)
    }
}

fn scalar(text: &str, plain: bool) -> Content {
    Content::Scalar(Scalar {
        text: text.to_owned(),
        plain,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Inline values are taken as a file of them is.
    #[test]
    fn odd_tabs_are_taken_as_in_a_values_file() {
        for text in [
            "a:\tb\n",
            "a: {b:\tc}\n",
            "a:\n  b:\t \tc\n",
            "a: [\tb,\tc\t]\t\n",
            "a: {\n\tb: c,\n\t\td: e\n}\n",
            "a: [\n\tb\n]\n",
            "a: {\nb: c\n}\n",
            "a: \"b\nc\"\n",
            "a: [b]#c\n",
            "a: |# c\n  text\n",
        ] {
            let mut report = Report::default();
            let source = report.sources.add(Path::new("profile.yaml"), text);
            let node = parse(source, &mut report);
            assert!(node.is_some_and(|it| it.kind() == "a map"), "{text:?}");
            assert!(report.conclude(Some(())).is_ok(), "{text:?}");
        }
    }
}
