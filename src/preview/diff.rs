//! What differs between two states of an object.

use serde::Serialize;
use serde_json::Value;

/// What the API server looks after, and what it says of its own.
const IGNORED: [&str; 7] = [
    "metadata.managedFields",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.annotations.deployment.kubernetes.io/revision",
    "status",
];

/// A field with its value before and after; one that is not there has none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// `spec.template.spec.containers[web].image`
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

pub fn fields(before: &Value, after: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    compare("", Some(before), Some(after), &mut fields);
    fields
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, fields: &mut Vec<Field>) {
    if before == after || IGNORED.contains(&path) {
        return;
    }
    let empty = Value::Null;
    match (before.unwrap_or(&empty), after.unwrap_or(&empty)) {
        (Value::Object(old), Value::Object(new)) => {
            let join = |key: &str| match path {
                "" => key.to_owned(),
                path => format!("{path}.{key}"),
            };
            for (key, value) in old {
                compare(&join(key), Some(value), new.get(key), fields);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                compare(&join(key), None, Some(value), fields);
            }
        }
        (Value::Array(old), Value::Array(new)) => match (named(old), named(new)) {
            (Some(old), Some(new)) => {
                for (name, value) in &old {
                    let after = new.iter().find(|(other, _)| other == name).map(|it| it.1);
                    compare(&format!("{path}[{name}]"), Some(value), after, fields);
                }
                for (name, value) in &new {
                    if !old.iter().any(|(other, _)| other == name) {
                        compare(&format!("{path}[{name}]"), None, Some(value), fields);
                    }
                }
            }
            _ => {
                for at in 0..old.len().max(new.len()) {
                    compare(&format!("{path}[{at}]"), old.get(at), new.get(at), fields);
                }
            }
        },
        _ => fields.push(Field {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

/// The items of a list by their names, where each has one of its own.
fn named(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Vec<(&str, &Value)> = list
        .iter()
        .map(|item| Some((item["name"].as_str()?, item)))
        .collect::<Option<_>>()?;
    let mut names: Vec<&str> = named.iter().map(|it| it.0).collect();
    names.sort_unstable();
    names.dedup();
    (names.len() == named.len()).then_some(named)
}
