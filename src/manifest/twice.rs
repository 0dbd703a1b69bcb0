//! Two renderings of one chart with the same values: what a chart makes up each time (a random
//! password, a certificate, the time) differs in them, and nothing else does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::{Map, Value};

use super::difference::{below, differences};
use super::{Whole, readable_wholes};

/// Letters of a word that tells something; a shorter one is as likely a part of something random.
const WORD: usize = 4;
/// Characters of a line that nobody writes by hand.
const CODE: usize = 40;

/// An object that is rendered differently each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Varying {
    /// `secret/db`, by its name in the first of the renderings.
    pub object: String,
    /// `data.password`; none where it is not even there each time.
    pub fields: Vec<String>,
    /// An upgrade recreates the pods that it is the controller of.
    pub restarts: bool,
}

/// Two renderings of one chart, compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Twice {
    pub varying: Vec<Varying>,
    /// Every field, by its object and path. What is in a Secret is one field, for nobody is to try the
    /// values one by one.
    pub fields: BTreeMap<String, Field>,
}

/// A field in two renderings.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    Same(Value),
    /// Another one each time; this is what both have in common.
    Varies(String),
}

/// Compares two renderings of one chart, as far as they can be read.
pub fn twice(one: &str, other: &str) -> Twice {
    let mut twice = Twice::default();
    let all = pairs(readable_wholes(one).read, readable_wholes(other).read);
    for (number, (one, other)) in all.into_iter().enumerate() {
        twice.compare(number, one, other);
    }
    twice
}

impl Twice {
    fn compare(&mut self, number: usize, one: Whole, other: Option<Whole>) {
        let source = one.source.unwrap_or_default();
        let mut one = one.value;
        let Some(mut other) = other.map(|it| it.value) else {
            let nothing = Field::Varies(String::new());
            self.fields.insert(identity(&one).join(" "), nothing);
            self.varying.push(Varying {
                object: short(&one),
                fields: Vec::new(),
                restarts: false,
            });
            return;
        };
        let fields = differences(&one, &other).into_iter().map(|it| it.path);
        let fields: Vec<String> = fields.collect();
        if !fields.is_empty() {
            self.varying.push(Varying {
                object: short(&one),
                restarts: has_pods(&one) && fields.iter().any(|it| it.starts_with("spec.template")),
                fields,
            });
        }
        let id = match identity(&one) == identity(&other) {
            true => identity(&one).join(" "),
            false => format!("{source} {number}"),
        };
        let mut found = BTreeMap::new();
        if one["kind"] == "Secret" {
            let (mut same, mut varies) = (Map::new(), Vec::new());
            for part in ["data", "stringData"] {
                let (one, other) = (take(&mut one, part), take(&mut other, part));
                let mut values = BTreeMap::new();
                leaves(part.to_owned(), Some(&one), Some(&other), &mut values);
                for (path, field) in values {
                    match field {
                        Field::Same(value) => drop(same.insert(path, value)),
                        Field::Varies(common) => varies.push(common),
                    }
                }
            }
            found.insert("data".to_owned(), Field::Same(Value::Object(same)));
            found.insert("random".to_owned(), Field::Varies(varies.join("\n")));
        }
        leaves(String::new(), Some(&one), Some(&other), &mut found);
        let found = found.into_iter();
        self.fields
            .extend(found.map(|(path, field)| (format!("{id} {path}"), field)));
    }
}

/// A part of a Secret, its values as text where they are some.
fn take(secret: &mut Value, part: &str) -> Value {
    let mut values = match secret.get_mut(part) {
        Some(values) => values.take(),
        None => Value::Null,
    };
    let all = values.as_object_mut().filter(|_| part == "data");
    for value in all.into_iter().flat_map(Map::values_mut) {
        let bytes = value.as_str().and_then(|text| BASE64.decode(text).ok());
        if let Some(text) = bytes.and_then(|it| String::from_utf8(it).ok()) {
            *value = text.into();
        }
    }
    values
}

/// All that is no map and no list, by its path.
fn leaves(
    path: String,
    one: Option<&Value>,
    other: Option<&Value>,
    found: &mut BTreeMap<String, Field>,
) {
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) if !one.is_empty() => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                leaves(below(&path, key), one.get(key), other.get(key), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) if !one.is_empty() => {
            for at in 0..one.len().max(other.len()) {
                leaves(format!("{path}[{at}]"), one.get(at), other.get(at), found);
            }
        }
        (Some(one), Some(other)) if one == other => {
            found.insert(path, Field::Same(one.clone()));
        }
        (Some(Value::String(one)), Some(Value::String(other))) => {
            found.insert(path, Field::Varies(common_text(one, other)));
        }
        _ => {
            found.insert(path, Field::Varies(String::new()));
        }
    }
}

/// Each object of the first rendering with the one of the second that it is: the same by kind and
/// name, else, as names may be made up too, one of the same kind from the same template.
fn pairs(one: Vec<Whole>, other: Vec<Whole>) -> Vec<(Whole, Option<Whole>)> {
    let mut by_name: HashMap<[String; 4], VecDeque<Whole>> = HashMap::new();
    for whole in other {
        by_name
            .entry(identity(&whole.value))
            .or_default()
            .push_back(whole);
    }
    let mut pairs: Vec<(Whole, Option<Whole>)> = Vec::new();
    for whole in one {
        let same = by_name.get_mut(&identity(&whole.value));
        let same = same.and_then(VecDeque::pop_front);
        pairs.push((whole, same));
    }
    let mut left: Vec<Whole> = by_name.into_values().flatten().collect();
    left.sort_by_key(|it| identity(&it.value));
    let mut paired = Vec::new();
    for (whole, same) in pairs {
        let alike =
            |it: &Whole| it.source == whole.source && it.value["kind"] == whole.value["kind"];
        let same = same.or_else(|| {
            let at = left.iter().position(alike)?;
            Some(left.remove(at))
        });
        paired.push((whole, same));
    }
    // Of the second alone.
    paired.extend(left.into_iter().map(|it| (it, None)));
    paired
}

fn identity(object: &Value) -> [String; 4] {
    let pointers = [
        "/apiVersion",
        "/kind",
        "/metadata/namespace",
        "/metadata/name",
    ];
    pointers.map(|it| {
        object
            .pointer(it)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    })
}

fn short(object: &Value) -> String {
    let metadata = &object["metadata"];
    let name = metadata["name"]
        .as_str()
        .or(metadata["generateName"].as_str());
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    format!("{kind}/{}", name.unwrap_or_default())
}

fn has_pods(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    ["Deployment", "StatefulSet", "DaemonSet"].contains(&kind)
}

/// The lines that two texts have in common, and of the others the words. What may be the same by
/// chance does not count: what is short, words with a digit in them (of keys and times), and lines of
/// a key or a certificate, parts of which are always the same and not always in the same place.
fn common_text(one: &str, other: &str) -> String {
    let lines: HashSet<&str> = other.lines().collect();
    let known: HashSet<&str> = words(other).collect();
    let mut common = Vec::new();
    for line in one.lines() {
        if lines.contains(line) {
            common.extend(Some(line).filter(|it| it.trim().len() >= WORD && !is_code(it)));
        } else {
            common.extend(words(line).filter(|word| known.contains(word)));
        }
    }
    common.join("\n")
}

/// One long word of base64.
fn is_code(line: &str) -> bool {
    let line = line.trim();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    line.len() >= CODE && line.bytes().all(is_base64)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.filter(|part| part.chars().count() >= WORD && part.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(password: &str, more: &str) -> String {
        let url = BASE64.encode(format!(
            "postgres://user:{password}@{more}/shop\nsslmode=disable\n"
        ));
        format!(
            "---\n# Source: shop/templates/secret.yaml\napiVersion: v1\nkind: Secret\n\
             metadata: {{name: db}}\ndata: {{url: {url}, user: c2hvcA==}}\n---\n\
             # Source: shop/templates/web.yaml\napiVersion: apps/v1\nkind: Deployment\n\
             metadata: {{name: web}}\nspec: {{template: {{metadata: {{annotations: {{sum: {password}}}}}}}}}\n"
        )
    }

    fn job(name: &str, image: &str) -> String {
        format!(
            "# Source: shop/templates/job.yaml\napiVersion: batch/v1\nkind: Job\n\
             metadata: {{name: {name}}}\nspec: {{image: {image}}}\n"
        )
    }

    fn agreed(one: &str, other: &str) -> BTreeMap<String, Field> {
        twice(one, other).fields
    }

    #[test]
    fn what_is_made_up_is_named_by_its_fields() {
        let found = twice(&secret("Xa81kd", "pg"), &secret("p0Lm2q", "pg"));
        let table: Vec<_> = found
            .varying
            .iter()
            .map(|it| (it.object.as_str(), it.fields.join(" "), it.restarts))
            .collect();
        let expected = [
            ("secret/db", "data.url".to_owned(), false),
            (
                "deployment/web",
                "spec.template.metadata.annotations.sum".to_owned(),
                true,
            ),
        ];
        assert_eq!(table, expected);
        let same = twice(&secret("a", "pg"), &secret("a", "pg"));
        assert_eq!(same.varying, []);
    }

    #[test]
    fn an_object_with_a_made_up_name_is_still_the_same_one() {
        let found = twice(&job("seed-x1", "a"), &job("seed-y2", "a"));
        assert_eq!(found.varying[0].object, "job/seed-x1");
        assert_eq!(found.varying[0].fields, ["metadata.name"]);
        let found = twice(&job("seed", "a"), "");
        assert_eq!(found.varying[0].fields, [""; 0]);
        assert_eq!(found, twice("", &job("seed", "a")));
    }

    #[test]
    fn any_two_renderings_agree_on_the_same_and_a_change_shows() {
        let of = |passwords: [&str; 2], host: &str| {
            agreed(&secret(passwords[0], host), &secret(passwords[1], host))
        };
        let then = of(["Xa81kd", "p0Lm2q"], "database");
        assert_eq!(then, of(["kk32aZ", "9sGGs1"], "database"));
        assert_ne!(
            then,
            of(["kk32aZ", "9sGGs1"], "standby"),
            "beside what is made up"
        );
        let jobs = |image: &str| agreed(&job("seed-x1", image), &job("seed-y2", image));
        assert_eq!(jobs("a"), agreed(&job("seed-z", "a"), &job("seed-a", "a")));
        assert_ne!(jobs("a"), jobs("b"));
    }

    #[test]
    fn values_of_a_secret_are_one_field() {
        let fields = agreed(&secret("Xa81kd", "pg"), &secret("p0Lm2q", "pg"));
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert!(names.contains(&"v1 Secret  db data"), "{names:?}");
        assert!(!names.iter().any(|it| it.contains("user")), "{names:?}");
    }

    #[test]
    fn lines_of_a_certificate_say_nothing() {
        let line = "MBAxDjAMBgNVBAMTBW15LWNhMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC";
        let of = |first: &str| format!("-----BEGIN CERTIFICATE-----\n{first}\n{line}\n");
        let common = common_text(&of("YWJj"), &of("eHl6"));
        assert_eq!(common, "-----BEGIN CERTIFICATE-----");
    }

    #[test]
    fn a_time_is_no_word() {
        let at = |time: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{at: \"{time}\"}}\n"
            )
        };
        let then = agreed(&at("2026-11-26T14:59:58Z"), &at("2026-11-26T14:59:59Z"));
        let now = agreed(&at("2026-12-01T08:00:01Z"), &at("2026-12-01T08:00:02Z"));
        assert_eq!(then, now);
    }
}
