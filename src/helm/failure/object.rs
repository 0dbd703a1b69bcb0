//! Objects that the API server does not take: fields that can't be changed any more, fields that
//! it doesn't know, values of the wrong type.

use super::parse::{Named, Said, after, between, brief};
use super::{About, Cause, Failure, SENTENCE_LIMIT};
use crate::wording;

/// Which words of the API server say that a field is fixed once the object is there
/// (`k8s.io/apimachinery/pkg/api/validation` and the validation of each kind).
const FIXED: [&str; 7] = [
    "field is immutable",
    "is immutable after creation",
    "updates to statefulset spec",
    "may not change once set",
    "cannot change roleRef",
    "updates to parameters are forbidden",
    "updates to provisioner are forbidden",
];

/// One object and what is wrong with it.
#[derive(Debug)]
struct Invalid {
    object: Named,
    field: String,
    why: String,
}

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let text = said.text.as_str();
    let invalid = invalid(text);
    let fixed: Vec<&Invalid> = invalid.iter().filter(|i| i.is_fixed()).collect();
    if let Some(first) = fixed.first() {
        return Some(immutable(about, first, &fixed));
    }
    if let Some(first) = invalid.first() {
        let short = first.object.short();
        let why = brief(&first.why, SENTENCE_LIMIT);
        let sentence = format!("{short} is not valid: `{}`: {why}", first.field);
        return Some(in_chart(about, sentence).through(short));
    }
    unknown_field(about, text)
        .or_else(|| decoding(about, text))
        .or_else(|| typed_patch(about, text))
        .or_else(|| conversion(about, text))
}

/// Every `KIND "NAME" is invalid: ...` of the text, with its first problem.
fn invalid(text: &str) -> Vec<Invalid> {
    const MARK: &str = "\" is invalid: ";
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        rest = after;
        let Some((kind, name)) = before.rsplit_once(" \"") else {
            continue;
        };
        let kind = kind.rsplit([' ', ',', '[']).next().unwrap_or(kind);
        let problem = after.trim_start_matches('[');
        let (Some(object), Some((field, why))) = (Named::new(kind, name), problem.split_once(": "))
        else {
            continue;
        };
        found.push(Invalid {
            object,
            field: field.trim_matches('"').to_owned(),
            why: why_of(why).to_owned(),
        });
    }
    found
}

/// Without what belongs to the next object, and without the class and the value that was left out.
fn why_of(why: &str) -> &str {
    let why = why.split(" && ").next().unwrap_or(why);
    let why = why.trim_end_matches(']');
    let why = why
        .strip_prefix("Invalid value: (left out): ")
        .unwrap_or(why);
    why.strip_prefix("Forbidden: ").unwrap_or(why)
}

impl Invalid {
    fn is_fixed(&self) -> bool {
        FIXED.iter().any(|mark| self.why.contains(mark))
    }

    /// The field as a chart's author knows it. A StatefulSet names none but those that may change.
    fn field(&self) -> String {
        if self.why.contains("updates to statefulset spec") {
            return "a field in the `spec`".to_owned();
        }
        format!("`{}`", self.field)
    }
}

fn immutable(about: &About<'_>, first: &Invalid, all: &[&Invalid]) -> Failure {
    let short = first.object.short();
    let others = all.len() - 1;
    let more = match others {
        0 => String::new(),
        _ => format!(", nor of {}", wording::count(others, "other object")),
    };
    let sentence = format!(
        "{} of {short} can't be changed once it is there{more}",
        first.field()
    );
    // Of one kind, because what is right for one is wrong for another.
    let alike = all.iter().filter(|i| i.object.kind == first.object.kind);
    let mut objects: Vec<String> = alike.map(|i| i.object.short()).collect();
    objects.dedup();
    let orphan = match first.object.kind.as_str() {
        "statefulset" => " --cascade=orphan",
        _ => "",
    };
    let delete = about.kubectl(
        Some(about.namespace.as_str()),
        &format!("delete {}{orphan}", objects.join(" ")),
    );
    Failure::new(Cause::Immutable, sentence)
        .through(short)
        .through(format!("field {}", first.field))
        .hint(format!(
            "`{delete}`, then run this again: {}",
            risk(&first.object.kind)
        ))
        .hint("or put the field back as it was, or give the object a new name in the chart")
}

/// What is lost when an object of this kind is deleted and made anew.
fn risk(kind: &str) -> &'static str {
    match kind {
        "deployment" | "daemonset" | "replicaset" => "the pods are gone until the new ones are up",
        "statefulset" => {
            "the pods and volumes stay, and the new one takes them over; where its claims have another \
             name now, these begin empty, and its pods have to be deleted for that"
        }
        "job" => "the pods of the old one go, and their logs",
        "persistentvolumeclaim" => "what it holds is lost, unless its volume is kept",
        "service" => "nobody reaches it in between, and its addresses may change",
        "rolebinding" | "clusterrolebinding" => "its rights are gone in between",
        _ => "what uses it does without in between",
    }
}

/// `error validating "": error validating data: [ValidationError(Deployment.spec): unknown field
/// "replica" in io.k8s.api.apps.v1.DeploymentSpec, ...]` of helm 3.
fn unknown_field(about: &About<'_>, text: &str) -> Option<Failure> {
    let rest = after(text, "error validating data: ")?;
    let rest = rest.trim_start_matches('[');
    let sentence = match after(rest, "ValidationError(") {
        Some(rest) => {
            let (place, why) = rest.split_once("): ")?;
            let why = why.split(", ValidationError(").next().unwrap_or(why);
            let why = why.split(" in io.").next().unwrap_or(why);
            let why = why.trim_end_matches([']', ';']).replace('"', "`");
            let (kind, path) = place.split_once('.').unwrap_or((place, ""));
            match path {
                "" => format!("a {kind} of the chart is not valid: {why}"),
                path => format!("a {kind} of the chart is not valid: `{path}`: {why}"),
            }
        }
        None => format!(
            "an object of the chart is not valid: {}",
            brief(rest, SENTENCE_LIMIT)
        ),
    };
    Some(in_chart(about, sentence))
}

/// `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown
/// field "spec.replica"`
fn decoding(about: &About<'_>, text: &str) -> Option<Failure> {
    let (before, rest) = text.split_once("\" cannot be handled as a ")?;
    let kind = before
        .split_once(" in version")
        .map_or(before, |(kind, _)| kind);
    let kind = kind.rsplit([' ', '\t']).next().unwrap_or(kind);
    let (_, why) = rest.split_once(": ")?;
    let why = why.trim_start_matches("strict decoding error: ");
    let why = why.split(", error found in #").next().unwrap_or(why);
    let why = after(why, "decode base64: ").unwrap_or(why);
    let why = brief(&why.replace('"', "`"), SENTENCE_LIMIT);
    let object = applied_object(text);
    let which = object
        .as_ref()
        .map_or_else(|| format!("a {kind} of the chart"), Named::short);
    let mut failure = in_chart(about, format!("{which} is not valid: {why}"));
    failure.chain = object.iter().map(Named::short).collect();
    Some(failure)
}

/// `failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replica: field
/// not declared in schema`
fn typed_patch(about: &About<'_>, text: &str) -> Option<Failure> {
    let rest = after(text, "failed to create typed patch object (")?;
    let (place, why) = rest.split_once("): ")?;
    let object = typed_object(place)?;
    let why = why.trim_start_matches("errors: ");
    let (field, why) = why.split_once(": ")?;
    let why = match why.starts_with("field not declared in schema") {
        true => "there is no such field".to_owned(),
        false => brief(why.split(", got &").next().unwrap_or(why), SENTENCE_LIMIT),
    };
    let field = field.trim_start_matches('.');
    let sentence = format!("{} is not valid: `{field}`: {why}", object.short());
    Some(in_chart(about, sentence).through(object.short()))
}

/// `failed to convert new object (shop/web; /v1, Kind=Secret) to proper version: ...: error decoding
/// from json: illegal base64 data at input byte 7`
fn conversion(about: &About<'_>, text: &str) -> Option<Failure> {
    let rest = after(text, "failed to convert new object (")?;
    let (place, why) = rest.split_once(") to proper version: ")?;
    let object = typed_object(place)?;
    let why = after(why, "error decoding from json: ").unwrap_or(why);
    let why = brief(why, SENTENCE_LIMIT);
    let sentence = format!("{} is not valid: {why}", object.short());
    Some(in_chart(about, sentence).through(object.short()))
}

fn in_chart(about: &About<'_>, sentence: String) -> Failure {
    let command = format!(
        "helm template {} {} --namespace {}",
        about.release, about.chart, about.namespace
    );
    Failure::new(Cause::Invalid, sentence).hint(format!(
        "`{command}`, with this release's values, prints the object as it is sent"
    ))
}

/// The object in `... object shop/web apps/v1, Kind=Deployment: ...`, or in
/// `cannot patch "web" with kind Deployment: ...` of helm 3.
pub fn applied_object(text: &str) -> Option<Named> {
    let applying = after(text, "while applying object ")
        .or_else(|| after(text, "server-side apply failed for object "));
    if let Some(rest) = applying {
        let (place, kind) = rest.split_once(", Kind=")?;
        let name = place.split(' ').next()?.rsplit('/').next()?;
        let kind = kind.split([':', ' ']).next()?;
        return Named::new(kind, name);
    }
    if let Some(place) = between(text, "failed to create typed patch object (", "): ") {
        return typed_object(place);
    }
    let rest = after(text, "cannot patch \"")?;
    let (name, rest) = rest.split_once("\" with kind ")?;
    Named::new(rest.split(':').next()?, name)
}

/// `shop/web; apps/v1, Kind=Deployment`
fn typed_object(place: &str) -> Option<Named> {
    let (name, kind) = place.split_once(';')?;
    let kind = kind.rsplit("Kind=").next()?;
    Named::new(kind, name.rsplit('/').next()?)
}
