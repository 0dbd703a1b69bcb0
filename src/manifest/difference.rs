//! What differs between two states of an object.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

/// What the API server looks after, and what it says of its own.
const IGNORED: [&str; 8] = [
    "metadata.managedFields",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.annotations.deployment.kubernetes.io/revision",
    "metadata.annotations.deprecated.daemonset.template.generation",
    "status",
];

/// A field that differs; where it is not there, it has no value.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// `spec.template.spec.containers[web].image`
    pub path: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// The fields in which two objects differ, in the order of the first one. Items of a list are
/// compared by their names where each has one of its own, else by their places.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    compare("", Some(before), Some(after), &mut differences);
    differences
}

/// The same between two states of an object in a cluster, without what the API server looks after.
pub fn changes(before: &Value, after: &Value) -> Vec<Difference> {
    let all = differences(before, after).into_iter();
    all.filter(|it| !IGNORED.iter().any(|ignored| is_in(&it.path, ignored)))
        .collect()
}

/// What others have changed in an object that was applied: the fields to which an apply of its
/// manifest would give back another value. What the manifest leaves empty for others to fill in, as
/// the `caBundle` of a webhook, is none of them.
pub fn drift(manifest: &Value, live: &Value, applied: &Value) -> Vec<Difference> {
    let mut empty = HashSet::new();
    find_empty("", manifest, &mut empty);
    let mut drift = changes(live, applied);
    drift.retain(|it| it.before.is_none() || !empty.contains(&it.path));
    drift
}

/// The paths of what is empty.
fn find_empty(path: &str, value: &Value, found: &mut HashSet<String>) {
    match value {
        _ if is_empty(value) => {
            found.insert(path.to_owned());
        }
        Value::Object(map) => {
            for (key, value) in map {
                find_empty(&below(path, key), value, found);
            }
        }
        Value::Array(list) => {
            let names = named(list);
            for (at, value) in list.iter().enumerate() {
                let path = match &names {
                    Some(named) => format!("{path}[{}]", named[at].0),
                    None => format!("{path}[{at}]"),
                };
                find_empty(&path, value, found);
            }
        }
        _ => {}
    }
}

pub(super) fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        // `Cg==`: where a field must not be empty, charts put a line break.
        Value::String(text) => BASE64
            .decode(text)
            .is_ok_and(|bytes| bytes.iter().all(u8::is_ascii_whitespace)),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The field at `path` is this part of the object, or inside it.
fn is_in(path: &str, part: &str) -> bool {
    let rest = path.strip_prefix(part);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn compare(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    differences: &mut Vec<Difference>,
) {
    if before == after {
        return;
    }
    let empty = Value::Null;
    match (before.unwrap_or(&empty), after.unwrap_or(&empty)) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                compare(&below(path, key), Some(value), new.get(key), differences);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                compare(&below(path, key), None, Some(value), differences);
            }
        }
        (Value::Array(old), Value::Array(new)) => match (named(old), named(new)) {
            (Some(old), Some(new)) => {
                for (name, value) in &old {
                    let after = new.iter().find(|(other, _)| other == name).map(|it| it.1);
                    compare(&format!("{path}[{name}]"), Some(value), after, differences);
                }
                for (name, value) in &new {
                    if !old.iter().any(|(other, _)| other == name) {
                        compare(&format!("{path}[{name}]"), None, Some(value), differences);
                    }
                }
            }
            _ => {
                for at in 0..old.len().max(new.len()) {
                    let (old, new) = (old.get(at), new.get(at));
                    compare(&format!("{path}[{at}]"), old, new, differences);
                }
            }
        },
        _ => differences.push(Difference {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_fill_in_is_no_drift() {
        let webhook = |bundle: Value, policy: &str| json!({"webhooks": [{"name": "a", "clientConfig": {"caBundle": bundle}, "failurePolicy": policy}]});
        let paths = |manifest: &Value, live: &Value, applied: &Value| -> Vec<String> {
            let drift = drift(manifest, live, applied).into_iter();
            drift.map(|it| it.path).collect()
        };
        let live = webhook(json!("YWJj"), "Ignore");
        for empty in [json!(""), json!("Cg=="), Value::Null] {
            let manifest = webhook(empty, "Ignore");
            assert_eq!(paths(&manifest, &live, &manifest), [""; 0]);
        }
        // The API server leaves out what is empty.
        let applied =
            json!({"webhooks": [{"name": "a", "clientConfig": {}, "failurePolicy": "Fail"}]});
        let policy = ["webhooks[a].failurePolicy"];
        assert_eq!(paths(&webhook(json!(""), "Fail"), &live, &applied), policy);
        let manifest = webhook(json!("eHl6"), "Ignore");
        let bundle = ["webhooks[a].clientConfig.caBundle"];
        assert_eq!(paths(&manifest, &live, &manifest), bundle);
        // Somebody has taken it away, or added to what is one whole.
        let manifest = json!({"spec": {"a": {}, "selector": {"app": "a"}}});
        let live = json!({"spec": {"selector": {"app": "a", "b": "c"}}});
        assert_eq!(
            paths(&manifest, &live, &manifest),
            ["spec.selector.b", "spec.a"]
        );
        let of = |number: u32| json!({"metadata": {"generation": number}, "status": number});
        assert_eq!(paths(&of(1), &of(1), &of(2)), [""; 0]);
    }
}
