//! Templates that can't be parsed or rendered. helm 3 prints one line, helm 4 a frame of three
//! lines for each template on the way down; on one line both read alike.

use super::parse::{Said, brief};
use super::{About, Cause, Failure, SENTENCE_LIMIT};

/// One template on the way down: where it stands and what it was rendering there.
#[derive(Debug)]
struct Frame {
    place: String,
    expression: String,
}

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let text = said.text.as_str();
    if let Some((place, why)) = enclosed(text, "parse error at (") {
        let why = brief(why, SENTENCE_LIMIT);
        return Some(
            Failure::new(Cause::Template, format!("`{place}` can't be parsed: {why}"))
                .through(place)
                .hint(format!("`helm lint {}` shows it too", about.chart)),
        );
    }
    if let Some((place, why)) = enclosed(text, "execution error at (") {
        let why = brief(why, SENTENCE_LIMIT);
        return Some(
            Failure::new(
                Cause::Template,
                format!("the chart refuses these values: {why}"),
            )
            .through(place)
            .hint("set what it asks for in this release's `values` or `set`"),
        );
    }
    let (frames, why) = frames(text)?;
    let last = frames.last()?;
    let mut failure = told(last, why, &scope(&frames[0]));
    failure.chain = frames.iter().map(|frame| frame.place.clone()).collect();
    Some(failure)
}

/// What `.Values` is below the release's own, `db.`: a template of a subchart sees its part alone,
/// and so does all that it includes.
fn scope(first: &Frame) -> String {
    let mut scope = String::new();
    let mut rest = first.place.as_str();
    while let Some((chart, inside)) = rest
        .strip_prefix("charts/")
        .and_then(|rest| rest.split_once('/'))
    {
        scope.push_str(chart);
        scope.push('.');
        rest = inside;
    }
    scope
}

fn told(frame: &Frame, why: &str, scope: &str) -> Failure {
    let Frame { place, expression } = frame;
    let template = |sentence| Failure::new(Cause::Template, sentence);
    if let Some(unset) = unset(expression, why) {
        let failure = template(format!(
            "`{unset}` is not set, and `{place}` reads `{expression}`"
        ));
        return match expression.strip_prefix(".Values.") {
            Some(value) => failure.hint(format!(
                "set `{scope}{value}` in this release's `values` or `set`"
            )),
            None => failure,
        };
    }
    if let Some(rest) = why.split_once("no template \"") {
        let name = rest.1.split('"').next().unwrap_or_default();
        return template(format!(
            "`{place}` includes `{name}`, which no template defines"
        ))
        .hint(format!(
            "define `{name}` in one of the chart's `.tpl` files, or add the library chart that does \
             to its dependencies"
        ));
    }
    let why = brief(why, SENTENCE_LIMIT);
    template(format!(
        "`{place}` can't be rendered at `{expression}`: {why}"
    ))
}

/// The part of `.Values.a.b.c` that has no value where Go says `nil pointer evaluating
/// interface {}.b`: `.Values.a`.
fn unset<'a>(expression: &'a str, why: &str) -> Option<&'a str> {
    let rest = why.split_once("nil pointer evaluating ")?.1;
    let field = rest.rsplit('.').next()?.trim();
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '$';
    if !expression.starts_with(['.', '$']) || !expression.chars().all(plain) {
        return None;
    }
    let mut from = 0;
    while let Some(at) = expression[from..].find(&format!(".{field}")) {
        let (start, end) = (from + at, from + at + 1 + field.len());
        let whole = expression[end..].is_empty() || expression[end..].starts_with('.');
        if whole && start > 0 {
            return Some(&expression[..start]);
        }
        from = end;
    }
    None
}

/// `PLACE` and what follows `): ` in `MARK PLACE): ...`.
fn enclosed<'a>(text: &'a str, mark: &str) -> Option<(String, &'a str)> {
    let rest = text.strip_prefix(mark)?;
    let (place, why) = rest.split_once("): ")?;
    Some((in_chart(place), why))
}

/// Every `PLACE executing "NAME" at <EXPRESSION>: `, and what follows the last one.
fn frames(text: &str) -> Option<(Vec<Frame>, &str)> {
    const EXECUTING: &str = " executing \"";
    let mut frames = Vec::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(EXECUTING) {
        let place = before.rsplit(' ').next()?.trim_end_matches(':');
        if frames.is_empty() && (!place.contains("/templates/") || !is_start(before, place)) {
            return None;
        }
        let (_, inside) = inside.split_once(" at <")?;
        let (expression, why) = inside.split_once(">: ")?;
        frames.push(Frame {
            place: in_chart(place),
            expression: expression.to_owned(),
        });
        rest = why;
    }
    if frames.is_empty() {
        return None;
    }
    Some((frames, rest))
}

/// The error begins with the place: another error that only quotes one is another family's.
fn is_start(before: &str, place: &str) -> bool {
    let before = before.trim_end_matches(':');
    before == place || before == format!("template: {place}")
}

/// helm puts the chart's name before the path: `web/templates/app.yaml:5:15`.
pub fn in_chart(place: &str) -> String {
    match place.split_once('/') {
        Some((_, inside)) => inside.to_owned(),
        None => place.to_owned(),
    }
}
