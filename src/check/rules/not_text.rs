use serde_json::Value;

use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::Object;
use crate::check::pod::PodSpec;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "not-text",
    severity: Severity::Error,
    summary: "What must be text is none, or an object has no name",
    why: "helm and the API server refuse the object: YAML reads `8080`, `true`, `y` and `off` without quotes as a number or a boolean, and helm makes nothing by `generateName`",
    remedy: "put it in quotes, in a template with `| quote`; write a `name`",
    check,
};

/// Something of an object: where it stands, its key, and what it is.
type Found<'a> = (&'static str, &'a str, &'a Value);

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        // A list without items.
        if object.kind.ends_with("List") && object.at("/metadata/name").is_null() {
            continue;
        }
        let mut tell = |what: &str, near: &str| {
            let message = format!("{} has {what}", object.title());
            findings.at(release, object, message).near(near);
        };
        match object.at("/metadata/name") {
            Value::String(name) if !name.is_empty() => {}
            Value::Null | Value::String(_) => match object.text("/metadata/generateName") {
                Some(_) => tell("a `generateName` and no `name`", "generateName"),
                None => tell("no `name`", "metadata:"),
            },
            other => tell(&format!("{} for its `name`", told(other)), "name:"),
        }
        for (place, key, value) in texts(object) {
            tell(&format!("{} for `{key}` in its {place}", told(value)), key);
        }
    }
}

/// `the number 5`
fn told(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("the number {number}"),
        Value::Bool(is) => format!("the boolean {is}"),
        Value::Array(_) => "a list".to_owned(),
        _ => "a map".to_owned(),
    }
}

/// What is no text and must be.
fn texts(object: &Object) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut of_map = |place: &'static str, value| found.extend(entries(place, value));
    of_map("labels", object.at("/metadata/labels"));
    of_map("annotations", object.at("/metadata/annotations"));
    match object.kind.as_str() {
        "ConfigMap" => of_map("data", object.at("/data")),
        "Secret" => of_map("stringData", object.at("/stringData")),
        "Service" => of_map("selector", object.at("/spec/selector")),
        _ => {}
    }
    if let Some(pod) = object.pod() {
        of_map("selector", object.at("/spec/selector/matchLabels"));
        of_map("pods' labels", object.pod_labels());
        of_map("nodeSelector", &pod.0["nodeSelector"]);
    }
    for container in object.pod().into_iter().flat_map(PodSpec::containers) {
        for list in ["command", "args"] {
            let words = container.0[list].as_array().into_iter().flatten();
            found.extend(words.map(|word| ("containers", list, word)));
        }
        let variables = container.0["env"].as_array().into_iter().flatten();
        found.extend(variables.map(|it| {
            let name = it["name"].as_str().unwrap_or("name");
            ("variables", name, &it["value"])
        }));
    }
    found.retain(|(_, _, value)| !value.is_string() && !value.is_null());
    found
}

fn entries<'a>(place: &'static str, map: &'a Value) -> impl Iterator<Item = Found<'a>> {
    let entries = map.as_object().into_iter().flatten();
    entries.map(move |(key, value)| (place, key.as_str(), value))
}
