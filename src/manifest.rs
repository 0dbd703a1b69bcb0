//! Rendered YAML becomes object references: kind, namespace and name are read, everything else
//! is dropped unread, because manifests carry secrets.

use serde::Deserialize;
use serde_json::Value;

use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Options};

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

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
struct Annotations {
    #[serde(rename = "helm.sh/resource-policy")]
    policy: Option<String>,
}

/// `items` is read only where the kind says that it is a list: another kind may use the key for
/// something else.
#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Option<Document>>,
}

#[derive(Deserialize)]
struct StatefulSet {
    spec: Option<SetSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetSpec {
    volume_claim_templates: Option<Vec<Document>>,
}

fn claims(text: &str) -> Result<Vec<String>, serde_saphyr::Error> {
    let set: Option<StatefulSet> = read(text)?;
    let templates = set.and_then(|set| set.spec?.volume_claim_templates);
    let names = templates.into_iter().flatten();
    Ok(names.filter_map(|it| it.metadata?.name).collect())
}

/// The objects of a manifest in their order, those of a `List` in its place. Documents that are
/// empty or only comments are left out, and so are objects without a name (`generateName`): the
/// cluster names them.
///
/// # Errors
/// A document that is no YAML or no object. Duplicate keys are let through, as the last one wins
/// for helm too.
pub fn objects(yaml: &str) -> Result<Vec<Rendered>, ManifestError> {
    let mut objects = Vec::new();
    for (line, text) in documents(yaml) {
        let unreadable = |_| ManifestError { line };
        let Some(document): Option<Document> = read(text).map_err(unreadable)? else {
            continue;
        };
        if is_list(&document) {
            let list: Option<List> = read(text).map_err(unreadable)?;
            let items = list.map(|list| list.items).unwrap_or_default();
            objects.extend(items.into_iter().flatten().filter_map(rendered));
        } else if document.kind.is_none() || document.api_version.is_none() {
            return Err(ManifestError { line });
        } else {
            let is_set = document.kind.as_deref() == Some("StatefulSet");
            let mut object = rendered(document);
            if let Some(object) = object.as_mut().filter(|_| is_set) {
                object.claims = claims(text).map_err(unreadable)?;
            }
            objects.extend(object);
        }
    }
    Ok(objects)
}

/// `v1/List`, and the `PodList`s that some tools print.
fn is_list(document: &Document) -> bool {
    let named = document.metadata.as_ref().is_some_and(|m| m.name.is_some());
    document
        .kind
        .as_ref()
        .is_some_and(|kind| kind.ends_with("List") && !named)
}

fn rendered(document: Document) -> Option<Rendered> {
    let metadata = document.metadata?;
    let policy = metadata.annotations.and_then(|a| a.policy);
    Some(Rendered {
        object: ObjectRef {
            api_version: document.api_version?,
            kind: document.kind?,
            namespace: metadata.namespace.filter(|namespace| !namespace.is_empty()),
            name: metadata.name?,
        },
        // helm compares without regard to case (`pkg/action/resource_policy.go`).
        kept: policy.is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep")),
        claims: Vec::new(),
    })
}

/// An object of a manifest with all that is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    pub value: Value,
    /// The template that helm rendered it from, as a comment of helm's says: `CHART/templates/FILE`.
    pub source: Option<String>,
}

/// The objects of a manifest whole, those of a `List` in its place.
///
/// # Errors
/// A document that is no YAML.
pub fn wholes(yaml: &str) -> Result<Vec<Whole>, ManifestError> {
    let mut wholes = Vec::new();
    for (line, text) in documents(yaml) {
        let source = text
            .lines()
            .find_map(|line| line.strip_prefix("# Source: "));
        let source = source.map(|source| source.trim().to_owned());
        let value: Option<Value> = read(text).map_err(|_| ManifestError { line })?;
        let Some(value) = value.filter(|value| !value.is_null()) else {
            continue;
        };
        let is_list = value["kind"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("List"));
        let values = match value["items"].as_array().filter(|_| is_list) {
            Some(items) => items.clone(),
            None => vec![value],
        };
        wholes.extend(values.into_iter().map(|value| Whole {
            value,
            source: source.clone(),
        }));
    }
    Ok(wholes)
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

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Option<T>, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, options())
}

/// Helm has accepted the text already, so sizes are not ours to limit; aliases still are.
fn options() -> Options {
    serde_saphyr::options! {
        budget: None,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
    }
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
        objects(yaml).unwrap().into_iter().map(full).collect()
    }

    #[test]
    fn what_its_chart_keeps_is_told() {
        let kept = |annotations: &str| {
            let yaml = format!(
                "apiVersion: v1\nkind: PersistentVolumeClaim\n\
                 metadata: {{name: data, annotations: {annotations}}}\n"
            );
            objects(&yaml).unwrap()[0].kept
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
    fn nothing_has_no_objects() {
        for yaml in [
            "",
            "\n",
            "---",
            "---\n---\n",
            "# nothing\n",
            "---\n# nothing\n---\n",
        ] {
            assert_eq!(objects(yaml), Ok(vec![]), "{yaml:?}");
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
    fn a_kind_may_use_items_for_itself() {
        let yaml = "apiVersion: example.com/v1\nkind: Shelf\nmetadata: {name: s}\nitems: {a: 1}\n";
        assert_eq!(names(yaml), ["example.com/v1 Shelf  s"]);
        let yaml = "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: s}\nitems: 3\n";
        assert_eq!(names(yaml), ["example.com/v1 AllowList  s"]);
    }

    #[test]
    fn what_helm_lets_through_is_read() {
        let yaml = "apiVersion: v1\nkind: Pod\nkind: Service\nmetadata:\n  name: web\n  labels: &l\n    \
            a: !custom b\n    mode: 0440\n  annotations: *l\nspec: {x: ~, y: !!binary aGk=, z: .nan}\n";
        assert_eq!(names(yaml), ["v1 Service  web"]);
    }

    #[test]
    fn nameless_objects_are_left_out() {
        let yaml = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: load-}\n";
        assert_eq!(names(yaml), [""; 0]);
    }

    #[test]
    fn errors_name_the_line_and_no_content() {
        let yaml = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\npassword: 'never\n";
        let error = objects(yaml).unwrap_err();
        assert_eq!(error, ManifestError { line: 4 });
        assert!(!error.to_string().contains("never"));
        assert_eq!(objects("just text"), Err(ManifestError { line: 1 }));
        assert_eq!(objects("a: b\n"), Err(ManifestError { line: 1 }));
    }
}
