//! Rendered YAML becomes objects and their references. It is read as helm and the API server's
//! clients read it, in Go: YAML 1.1 with `0755` an octal and `yes` a boolean. What is not asked for
//! is dropped at once, because manifests carry secrets.

mod definition;
mod difference;
mod scalar;
mod twice;
mod yaml;

pub use definition::{Definition, may_bring, speaks_of};
pub use difference::{Difference, changes, differences, drift};
pub use twice::{Field, Twice, Varying, twice};

use serde_json::{Value, json};

use crate::snapshot::ObjectRef;

/// A document that can't be read. Tells where, never what stands there: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the document that starts at line {line} of the manifest is not a Kubernetes object")]
pub struct ManifestError {
    /// Counted from 1.
    pub line: usize,
}

/// An object of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub object: ObjectRef,
    /// It stays when its release goes: `helm.sh/resource-policy: keep`.
    pub kept: bool,
    /// The names of a StatefulSet's templates of claims: each of its pods claims a volume by each.
    pub claims: Vec<String>,
}

/// The objects of a manifest in their order, those of a list in its place. Documents that are
/// empty or only comments are left out, and so are objects without a name (`generateName`): the
/// cluster names them. Of duplicate keys the last one wins, as for helm. A document that is no YAML or
/// no object to us is no reason to forget the others: helm has read it.
pub fn readable_objects(yaml: &str) -> Readable<Rendered> {
    Readable::of(yaml, |line, text| {
        let values = values(line, text)?;
        let is_object =
            |value: &Value| value["kind"].is_string() && value["apiVersion"].is_string();
        match values.iter().all(is_object) {
            true => Ok(values.iter().filter_map(rendered).collect()),
            false => Err(ManifestError { line }),
        }
    })
}

/// What can be read of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable<T> {
    pub read: Vec<T>,
    /// The lines at which the documents begin that can't be read.
    pub unread: Vec<usize>,
}

impl<T> Readable<T> {
    fn of(yaml: &str, read: impl Fn(usize, &str) -> Result<Vec<T>, ManifestError>) -> Readable<T> {
        let mut readable = Readable {
            read: Vec::new(),
            unread: Vec::new(),
        };
        for (line, text) in documents(yaml) {
            match read(line, text) {
                Ok(found) => readable.read.extend(found),
                Err(error) => readable.unread.push(error.line),
            }
        }
        readable
    }

    fn all(self) -> Result<Vec<T>, ManifestError> {
        match self.unread.first() {
            Some(&line) => Err(ManifestError { line }),
            None => Ok(self.read),
        }
    }
}

fn rendered(value: &Value) -> Option<Rendered> {
    let object = reference(value)?;
    let policy = value["metadata"]["annotations"]["helm.sh/resource-policy"].as_str();
    let templates = value["spec"]["volumeClaimTemplates"].as_array();
    let templates = templates.filter(|_| object.kind == "StatefulSet");
    let claim = |template: &Value| Some(template["metadata"]["name"].as_str()?.to_owned());
    Some(Rendered {
        // helm compares without regard to case (`pkg/action/resource_policy.go`).
        kept: policy.is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep")),
        claims: templates.into_iter().flatten().filter_map(claim).collect(),
        object,
    })
}

/// An object of a manifest with all that is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    pub value: Value,
    /// The template that helm rendered it from, as a comment of helm's says: `CHART/templates/FILE`.
    pub source: Option<String>,
}

/// The objects of a manifest whole, those of a list in its place.
///
/// # Errors
/// A document that is no YAML.
pub fn wholes(yaml: &str) -> Result<Vec<Whole>, ManifestError> {
    readable_wholes(yaml).all()
}

/// As [`wholes`], as far as they can be read.
pub fn readable_wholes(yaml: &str) -> Readable<Whole> {
    Readable::of(yaml, |line, text| {
        let source = text
            .lines()
            .find_map(|line| line.strip_prefix("# Source: "));
        let source = source.map(|source| source.trim().to_owned());
        let whole = |value| Whole {
            value,
            source: source.clone(),
        };
        Ok(values(line, text)?.into_iter().map(whole).collect())
    })
}

/// What one document holds: nothing, an object, or those of a list, lists inside it opened too.
fn values(line: usize, text: &str) -> Result<Vec<Value>, ManifestError> {
    let value = yaml::read(text).ok_or(ManifestError { line })?;
    let mut values = Vec::new();
    open(value, &mut values);
    Ok(values)
}

/// Whatever has a list of `items` is a list to helm, of whatever kind and name; its items take over
/// kind and version where they have none
/// (`k8s.io/apimachinery`, `unstructured/helpers.go`, `decodeToList`).
fn open(mut value: Value, values: &mut Vec<Value>) {
    if value.is_null() {
        return;
    }
    let items = value.get_mut("items").and_then(Value::as_array_mut);
    let Some(items) = items.map(std::mem::take) else {
        values.push(value);
        return;
    };
    for mut item in items {
        if item.is_object() && item["kind"].is_null() && item["apiVersion"].is_null() {
            let kind = value["kind"].as_str().unwrap_or_default();
            item["kind"] = kind.strip_suffix("List").unwrap_or(kind).into();
            item["apiVersion"] = value["apiVersion"].clone();
        }
        open(item, values);
    }
}

/// A template of this name, as a comment of helm's says, is of a chart's folder `crds`: helm makes
/// what is in it where it is not there, and owns it never.
pub fn is_of_crds(source: &str) -> bool {
    let has = |folder: &str| source.split('/').any(|it| it == folder);
    has("crds") && !has("templates")
}

/// Puts the marks on an object that helm puts on all that it applies
/// (`pkg/action/validate.go`, `setMetadataVisitor`).
pub fn own(object: &mut Value, release: &str, namespace: &str) {
    let metadata = &mut object["metadata"];
    for (part, key, value) in [
        ("labels", "app.kubernetes.io/managed-by", "Helm"),
        ("annotations", "meta.helm.sh/release-name", release),
        ("annotations", "meta.helm.sh/release-namespace", namespace),
    ] {
        if !metadata[part].is_object() {
            metadata[part] = json!({});
        }
        metadata[part][key] = value.into();
    }
}

/// The reference of an object, None where it has no name.
pub fn reference(object: &Value) -> Option<ObjectRef> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    Some(ObjectRef {
        api_version: text("/apiVersion")?.to_owned(),
        kind: text("/kind")?.to_owned(),
        namespace: text("/metadata/namespace")
            .filter(|it| !it.is_empty())
            .map(str::to_owned),
        name: text("/metadata/name")?.to_owned(),
    })
}

/// The documents with the number of the line that each begins at, their `---` left out. YAML
/// forbids `---` at the start of a line anywhere inside a document, block scalars included
/// (YAML 1.2, `c-forbidden`), so lines are enough to tell them apart.
fn documents(yaml: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut from, mut from_line, mut offset) = (0, 1, 0);
    for (number, line) in (1..).zip(yaml.split_inclusive('\n')) {
        let end = offset + line.len();
        let rest = line.strip_prefix("---");
        if let Some(rest) = rest.filter(|r| r.is_empty() || r.starts_with([' ', '\t', '\r', '\n']))
        {
            documents.push((from_line, &yaml[from..offset]));
            (from, from_line) = (end - rest.len(), number);
        }
        offset = end;
    }
    documents.push((from_line, &yaml[from..]));
    documents.retain(|(_, text)| !text.trim().is_empty());
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(yaml: &str) -> Vec<String> {
        let full = |rendered: Rendered| {
            let object = rendered.object;
            let namespace = object.namespace.unwrap_or_default();
            format!(
                "{} {} {namespace} {}",
                object.api_version, object.kind, object.name
            )
        };
        readable_objects(yaml).read.into_iter().map(full).collect()
    }

    #[test]
    fn what_its_chart_keeps_is_told() {
        let kept = |annotations: &str| {
            let yaml = format!(
                "apiVersion: v1\nkind: PersistentVolumeClaim\n\
                 metadata: {{name: data, annotations: {annotations}}}\n"
            );
            readable_objects(&yaml).read[0].kept
        };
        assert!(kept("{helm.sh/resource-policy: keep}"));
        assert!(kept("{helm.sh/resource-policy: \" Keep \"}"));
        assert!(!kept("{helm.sh/resource-policy: delete}"));
        assert!(!kept("{}"));
    }

    #[test]
    fn documents_are_told_apart() {
        let yaml = "---\n# Source: shop/templates/a.yaml\napiVersion: v1\nkind: Service\n\
            metadata:\n  name: web\n  namespace: shop\n--- # only a comment\n\n---\n\
            apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n";
        assert_eq!(
            names(yaml),
            ["v1 Service shop web", "apps/v1 Deployment  web"]
        );
    }

    #[test]
    fn a_definition_brings_the_versions_that_it_serves() {
        let yaml = |source: &str| {
            format!(
                "# Source: {source}\nkind: CustomResourceDefinition\nspec: {{group: example.com, names: {{kind: Widget}}, \
                 versions: [{{name: v1, served: true}}, {{name: v2, served: false}}]}}\n"
            )
        };
        let definition = |source: &str| Definition::of(&wholes(&yaml(source)).unwrap()[0]).unwrap();
        let of_crds = definition("a/charts/b/crds/w.yaml");
        assert!(of_crds.of_crds && !definition("a/templates/crds/w.yaml").of_crds);
        assert!(of_crds.brings("example.com/v1", "Widget"));
        for (api_version, kind) in [
            ("example.com/v2", "Widget"),
            ("example.com/v1", "Gadget"),
            ("v1", "Widget"),
        ] {
            assert!(!of_crds.brings(api_version, kind), "{api_version} {kind}");
        }
    }

    #[test]
    fn nothing_has_no_objects() {
        for yaml in [
            "",
            "\n",
            "---",
            "---\n---\n",
            "# nothing\n",
            "---\n# nothing\n---\n",
        ] {
            assert_eq!(
                readable_objects(yaml),
                Readable {
                    read: vec![],
                    unread: vec![]
                },
                "{yaml:?}"
            );
        }
    }

    #[test]
    fn carriage_returns_are_no_matter() {
        let yaml = "---\r\napiVersion: v1\r\nkind: Service\r\nmetadata:\r\n  name: web\r\n\
            ---\r\napiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: key\r\n";
        assert_eq!(names(yaml), ["v1 Service  web", "v1 Secret  key"]);
    }

    #[test]
    fn separators_inside_block_scalars_are_text() {
        let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\ndata:\n  a: |\n    \
            ---\n    kind: Pod\n  b: \"x\\n---\\n\"\n---\napiVersion: v1\nkind: Service\n\
            metadata: {name: web}\n";
        assert_eq!(names(yaml), ["v1 ConfigMap  cm", "v1 Service  web"]);
    }

    #[test]
    fn lists_are_opened() {
        let yaml = "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Service\n  \
            metadata: {name: a}\n- {apiVersion: batch/v1, kind: Job, metadata: {name: b}}\n";
        assert_eq!(names(yaml), ["v1 Service  a", "batch/v1 Job  b"]);
        assert_eq!(names("{apiVersion: v1, kind: List, metadata: {}}"), [""; 0]);
    }

    #[test]
    fn whatever_has_items_is_a_list_as_for_helm() {
        let both = |yaml: &str| {
            let whole = |whole: Whole| reference(&whole.value).unwrap().short();
            let short: Vec<String> = wholes(yaml).unwrap().into_iter().map(whole).collect();
            let objects = readable_objects(yaml).read.into_iter();
            let names: Vec<String> = objects.map(|it| it.object.short()).collect();
            assert_eq!(names, short);
            names
        };
        let named = "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: s}\n";
        assert_eq!(both(&format!("{named}spec: 3\n")), ["allowlist/s"]);
        assert_eq!(both(&format!("{named}items: {{a: 1}}\n")), ["allowlist/s"]);
        let items = "items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]\n";
        assert_eq!(both(&format!("{named}{items}")), ["pod/a"]);
        let typed = "apiVersion: v1\nkind: SecretList\nitems: [{metadata: {name: a}}, ~]\n";
        assert_eq!(both(typed), ["secret/a"]);
        let inner = "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]}";
        let outer = format!("apiVersion: v1\nkind: List\nitems: [{inner}]\n");
        assert_eq!(both(&outer), ["pod/b"]);
    }

    #[test]
    fn what_helm_lets_through_is_read() {
        let yaml = "apiVersion: v1\nkind: Pod\nkind: Service\nmetadata:\n  name: web\n  labels: &l\n    \
            a: !custom b\n    mode: 0440\n  annotations: *l\nspec: {x: ~, y: !!binary aGk=}\n";
        assert_eq!(names(yaml), ["v1 Service  web"]);
    }

    #[test]
    fn nameless_objects_are_left_out() {
        let yaml = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: load-}\n";
        assert_eq!(names(yaml), [""; 0]);
    }

    #[test]
    fn what_can_be_read_is_read_beside_what_can_not() {
        let yaml = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n\
            apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {c: \"it\\'s\"}\n---\n\
            apiVersion: v1\nkind: Service\nmetadata: {name: d}\n";
        let objects = readable_objects(yaml);
        let names: Vec<&str> = objects
            .read
            .iter()
            .map(|it| it.object.name.as_str())
            .collect();
        assert_eq!(
            (names.as_slice(), objects.unread.as_slice()),
            (["a", "d"].as_slice(), [4].as_slice())
        );
        let wholes = readable_wholes(yaml);
        assert_eq!((wholes.read.len(), wholes.unread), (2, vec![4]));
    }

    #[test]
    fn what_can_not_be_read_is_told_by_its_line() {
        let yaml = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\npassword: 'never\n";
        assert_eq!(readable_objects(yaml).unread, [4]);
        assert_eq!(readable_objects("just text").unread, [1]);
        assert_eq!(readable_objects("a: b\n").unread, [1]);
        let error = wholes(yaml).unwrap_err().to_string();
        assert!(!error.contains("never"), "{error}");
    }
}
