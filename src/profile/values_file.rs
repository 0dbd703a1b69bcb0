use granit_parser::{Event, Parser, ScalarStyle};

use super::place::{Place, SourceId};
use super::report::Report;
use super::syntax;
use crate::yaml::lenient;

/// Checks that a values file is YAML with a map at the top, or empty. Nothing of it is
/// kept: helm reads the file itself, by its own rules. `named` is where the profile names it.
pub(super) fn check(source: SourceId, named: Place, report: &mut Report) {
    let text = report.sources.text(source);
    let named = named_at(named);
    let mut documents = 0;
    let mut keys = Keys::default();
    let mut at_the_top = false;
    for event in Parser::new_from_str(&lenient(&text)) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let (message, hint) = syntax::explain(&error.info());
                let marker = error.marker();
                let place = syntax::place(source, marker.line(), marker.col());
                let is_template = template_at(place, report);
                let diagnostic = report.error(place, message);
                let hint = if is_template { Some(TEMPLATE) } else { hint };
                hint.map(|hint| diagnostic.hint(hint));
                diagnostic.hint(named);
                return;
            }
        };
        let place = Place::spanning(source, span.start.line(), span.start.col() + 1, 1);
        if let Some(kind) = keys.take(&event) {
            let is_template = template_at(place, report);
            let diagnostic = report.error(place, format!("a key must be text, this is {kind}"));
            if is_template {
                diagnostic.hint(TEMPLATE);
            }
            diagnostic.hint(named);
            return;
        }
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            at_the_top = documents == 1;
            if documents == 2 {
                let message = "a values file should be one document: helm 3 reads only the first, helm 4 merges them";
                report.warn(place, message).hint(&named);
            }
        } else if at_the_top {
            at_the_top = false;
            if let Some(kind) = no_map(&event) {
                let message = format!("a values file must be a map, this is {kind}");
                report.error(place, message).hint(named);
                return;
            }
        }
    }
}

/// Charts are templates, and what looks like one is YAML of an odd kind.
const TEMPLATE: &str =
    "helm renders no values: what stands between `{{` and `}}` is for the templates of a chart";

/// Whether what stands there is meant for helm's templates.
fn template_at(place: Place, report: &Report) -> bool {
    let line = report.sources.excerpt(place);
    line.is_some_and(|line| line.text.contains("{{"))
}

/// Which of the nodes that come by are keys.
#[derive(Default)]
pub(super) struct Keys {
    /// For each collection around: of a map, whether the next node is a key.
    around: Vec<Option<bool>>,
}

impl Keys {
    /// Takes the next event, and says so if a key begins that is a list or a map.
    pub(super) fn take(&mut self, event: &Event<'_>) -> Option<&'static str> {
        let (begins, kind) = match event {
            Event::MappingStart(..) => (Some(Some(true)), "a map"),
            Event::SequenceStart(..) => (Some(None), "a list"),
            Event::Scalar(..) | Event::Alias(..) => (None, ""),
            Event::MappingEnd | Event::SequenceEnd => {
                self.around.pop();
                return None;
            }
            _ => return None,
        };
        let is_key = match self.around.last_mut() {
            Some(Some(key)) => std::mem::replace(key, !*key),
            _ => false,
        };
        self.around.extend(begins);
        (is_key && begins.is_some()).then_some(kind)
    }
}

fn no_map(event: &Event<'_>) -> Option<&'static str> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(text) => None,
        Event::Scalar(..) => Some("a scalar"),
        Event::SequenceStart(..) => Some("a list"),
        _ => None,
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The hint that leads from an error in a values file back to the profile.
pub(super) fn named_at(place: Place) -> String {
    format!("the profile names this file on line {}", place.line())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::super::diagnostic::Diagnostic;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let mut report = Report::default();
        let source = report.sources.add(Path::new("values.yaml"), text);
        check(source, Place::at(1, 1), &mut report);
        let shown = report.conclude(Some(())).err().map(|errors| errors.shown);
        let shown = shown.into_iter().flatten();
        let said = |it: Diagnostic| it.message;
        shown.map(said).collect()
    }

    #[test]
    fn what_helm_takes_is_taken() {
        for text in [
            "a:\tb\n",
            "a: [\n]\n",
            "a: [\nb\n]\n",
            "a: [\n\tb\n]\n",
            "a: {\nb: c\n}\n",
            "a: \"b\nc\"\n",
            "a: 'b\n\nc'\n",
            "{\na: b\n}\n",
        ] {
            assert_eq!(told(text), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn what_go_reads_as_a_map_is_taken() {
        let table = include_str!("../../tests/fixtures/manifest/go_yaml.json");
        let table: Vec<Value> = serde_json::from_str(table).unwrap();
        let maps = table.iter().filter(|row| row["json"].is_object());
        let texts: Vec<&str> = maps.filter_map(|row| row["yaml"].as_str()).collect();
        assert!(texts.len() > 100);
        let wrong: Vec<(&str, Vec<String>)> = texts
            .into_iter()
            .map(|it| (it, told(it)))
            .filter(|it| !it.1.is_empty())
            .collect();
        assert_eq!(wrong, []);
    }

    #[test]
    fn what_is_wrong_is_said_in_plain_words() {
        for (text, message) in [
            ("a: [b\n", "this bracket is not closed"),
            ("a: [b}\n", "this bracket is closed by one of another kind"),
            ("a: ]\n", "this bracket closes none"),
            ("a: 'b\n", "the file ends inside a quoted text"),
            ("a: \"b\" c\n", "nothing can follow a quoted text here"),
            ("a: b: c\n", "a `:` can't stand here"),
            ("a: [b, c\nd: e\n", "a `:` can't stand here"),
            ("a: *b\n", "this alias refers to no anchor before it"),
            ("a:\n\tb: c\n", "a tab can't be used for indentation"),
            ("a: \"\\q\"\n", "this escape is unknown in double quotes"),
            ("a: @b\n", "text can't begin with this character"),
            ("a: b\nc\n", "a `:` is missing before this"),
            ("a:\n  b: c\n d: e\n", "a key was expected here"),
            ("a: !x!y b\n", "this tag means nothing here"),
            (
                "a: \"b\n---\nc: d\n",
                "a document marker stands inside a quoted text",
            ),
        ] {
            assert_eq!(told(text), [message], "{text:?}");
        }
    }
}
