//! What is stored of a stack, as another version of stackctl may have written it. What this one
//! can't read stays as it is: it is left out of what is known, and is there again in what is written.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{SCHEMA, StackRecord};

/// By which two entries of a list are the same one.
const IDENTITY: [&str; 8] = [
    "id",
    "run",
    "release",
    "revision",
    "apiVersion",
    "kind",
    "namespace",
    "name",
];

/// A stored record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document(Value);

/// Why a stored record tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it was written by a newer stackctl (schema {0}; this one knows {SCHEMA})")]
    Newer(u64),
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl Document {
    /// # Errors
    /// Its shape is a newer one, or it is no record at all.
    pub fn read(text: &[u8]) -> Result<(Document, StackRecord), Unreadable> {
        let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
        let stored: Value = serde_json::from_slice(text).map_err(damaged)?;
        match stored.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema > u64::from(SCHEMA) => return Err(Unreadable::Newer(schema)),
            _ => {}
        }
        let record = StackRecord::deserialize(&stored).map_err(damaged)?;
        Ok((Document(stored), record))
    }

    /// What to store in its place, now that the record is this one.
    ///
    /// # Errors
    /// The record is none that JSON can hold.
    pub fn with(&self, record: &StackRecord) -> Result<Document, serde_json::Error> {
        let new = serde_json::to_value(record)?;
        let known = StackRecord::deserialize(&self.0).ok();
        let known = known.map(serde_json::to_value).transpose()?;
        Ok(Document(merged(&self.0, known.as_ref(), new)))
    }

    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

/// The entries of a list that can be read.
///
/// # Errors
/// It is no list.
pub fn readable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let all = Vec::<Value>::deserialize(deserializer)?;
    let read = all.into_iter().map(serde_json::from_value);
    Ok(read.filter_map(Result::ok).collect())
}

/// `new`, with all of `stored` that is not in what was `known` of it.
fn merged(stored: &Value, known: Option<&Value>, new: Value) -> Value {
    match (stored, known, new) {
        (Value::Object(stored), Some(Value::Object(known)), Value::Object(new))
            if identity(known) == identity(&new) =>
        {
            Value::Object(merged_maps(stored, known, new))
        }
        (Value::Array(stored), Some(Value::Array(known)), Value::Array(new)) => {
            Value::Array(merged_lists(stored, known, &new))
        }
        (_, _, new) => new,
    }
}

fn merged_maps(
    stored: &Map<String, Value>,
    known: &Map<String, Value>,
    new: Map<String, Value>,
) -> Map<String, Value> {
    let unknown = stored.iter().filter(|(key, _)| !known.contains_key(*key));
    let unknown: Vec<_> = unknown
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let entry = |(key, value): (String, Value)| {
        let value = match stored.get(&key) {
            Some(stored) => merged(stored, known.get(&key), value),
            None => value,
        };
        (key, value)
    };
    let mut all: Map<String, Value> = new.into_iter().map(entry).collect();
    for (key, value) in unknown {
        all.entry(key).or_insert(value);
    }
    all
}

/// Entries that could not be read come first: most of them are older than what is added.
fn merged_lists(stored: &[Value], known: &[Value], new: &[Value]) -> Vec<Value> {
    let by_identity = |all: &[Value]| -> HashMap<String, Value> {
        let named = all
            .iter()
            .filter_map(|it| Some((identity(it.as_object()?)?, it.clone())));
        named.collect()
    };
    let (stored_by, known_by) = (by_identity(stored), by_identity(known));
    let is_unread = |it: &&Value| {
        let name = it.as_object().and_then(identity);
        name.is_some_and(|name| !known_by.contains_key(&name))
    };
    let is_new = |it: &Value| {
        let name = it.as_object().and_then(identity);
        !new.iter()
            .any(|new| new.as_object().and_then(identity) == name)
    };
    let unread = stored.iter().filter(is_unread).filter(|it| is_new(it));
    let mut all: Vec<Value> = unread.cloned().collect();
    all.extend(new.iter().map(|it| {
        let name = it.as_object().and_then(identity);
        let before = name.and_then(|name| Some((stored_by.get(&name)?, known_by.get(&name))));
        match before {
            Some((stored, known)) => merged(stored, known, it.clone()),
            None => it.clone(),
        }
    }));
    all
}

fn identity(entry: &Map<String, Value>) -> Option<String> {
    let by = entry.get("by").and_then(|by| by.get("run"));
    let own = IDENTITY.iter().filter_map(|key| entry.get(*key));
    let all: Vec<String> = by.into_iter().chain(own).map(Value::to_string).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::event::{Holder, Outcome};
    use crate::memory::RunEnd;
    use crate::names::RunId;

    /// As a later version may write it, of the same schema.
    fn stored() -> Value {
        json!({
            "schema": 1,
            "stack": "shop",
            "namespace": "shop",
            "profile": "shop.yaml",
            "key": "00",
            "colour": "blue",
            "releases": [
                {"id": "web", "release": "web", "namespace": "shop", "chart": "web-1", "needs": [],
                 "canary": {"weight": 5},
                 "verified": {"revision": 3, "objects": [], "signature": "s"}},
                {"id": "odd", "release": "odd", "namespace": "shop", "chart": 7, "needs": []},
            ],
            "sets": [{"run": "r1", "at": "2026-01-02T03:04:05Z", "releases": {"web": 3}, "note": "good"}],
            "runs": [
                {"by": {"run": "r1", "verb": "up", "host": "h", "pid": 1, "since": "2026-01-02T03:04:05Z",
                        "cloud": "c"}},
                {"by": {"run": "r2", "verb": "import", "host": "h", "pid": 1, "since": "2026-01-02T03:04:05Z"}},
            ],
        })
    }

    fn read(value: &Value) -> (Document, StackRecord) {
        Document::read(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_is_not_changed_is_written_as_it_was() {
        let (document, record) = read(&stored());
        assert_eq!((record.releases.len(), record.runs.len()), (1, 1));
        let Document(written) = document.with(&record).unwrap();
        let all = |value: &Value, key: &str| value[key].as_array().unwrap().len();
        for list in ["releases", "runs"] {
            assert_eq!(all(&written, list), 2, "{list}");
            for entry in stored()[list].as_array().unwrap() {
                assert!(written[list].as_array().unwrap().contains(entry), "{entry}");
            }
        }
        for key in ["schema", "key", "colour", "sets"] {
            assert_eq!(written[key], stored()[key], "{key}");
        }
    }

    #[test]
    fn what_this_version_changes_goes_beside_what_it_does_not_know() {
        let (document, mut record) = read(&stored());
        let run = RunId::foreign("r3");
        record.begin(Holder::unknown(run.clone(), Timestamp::UNIX_EPOCH));
        let end = RunEnd {
            at: Timestamp::UNIX_EPOCH,
            outcome: Outcome::Failed,
            releases: Vec::new(),
            together: false,
            back: None,
        };
        record.end(&run, end, Vec::new());
        record.releases[0].verified.as_mut().unwrap().revision = 4;
        let Document(written) = document.with(&record).unwrap();
        let runs = written["runs"].as_array().unwrap();
        let names: Vec<&str> = runs
            .iter()
            .map(|run| run["by"]["run"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["r2", "r1", "r3"]);
        assert_eq!(runs[1]["by"]["cloud"], "c");
        let web = &written["releases"][1];
        assert_eq!(web["canary"], json!({"weight": 5}));
        assert_eq!(
            web["verified"],
            json!({"revision": 4, "objects": []}),
            "what was said of revision 3 is not true of 4"
        );
        // What is taken away is gone, with all that was said of it.
        record.releases.clear();
        let Document(written) = document.with(&record).unwrap();
        assert_eq!(written["releases"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_newer_shape_and_a_damaged_one_are_told_apart() {
        let newer = Document::read(br#"{"schema": 2}"#).unwrap_err();
        assert_eq!(newer, Unreadable::Newer(2));
        for text in [&b"{"[..], b"{}", br#"{"schema": "1"}"#, b"null"] {
            let error = Document::read(text).unwrap_err();
            assert!(matches!(error, Unreadable::Damaged(_)), "{error}");
        }
    }
}
