use saphyr_parser::{Event, Parser, ScalarStyle};

use super::place::{Place, SourceId};
use super::report::Report;
use super::syntax;

/// Checks that a values file is YAML with a map at the top, or empty. Nothing of it is
/// kept: helm reads the file itself, by its own rules. `named` is where the profile names it.
pub(super) fn check(source: SourceId, named: Place, report: &mut Report) {
    let text = report.sources.text(source);
    let named = named_at(named);
    let mut documents = 0;
    let mut at_the_top = false;
    for event in Parser::new_from_str(&text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let (message, hint) = syntax::explain(error.info());
                let diagnostic = report.error(syntax::place(source, &error), message);
                hint.map(|hint| diagnostic.hint(hint));
                diagnostic.hint(named);
                return;
            }
        };
        let place = Place::spanning(source, span.start.line(), span.start.col() + 1, 1);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            at_the_top = documents == 1;
            if documents == 2 {
                let message = "helm reads only the first document of a values file";
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
