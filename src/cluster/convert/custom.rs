use kube::api::DynamicObject;
use serde_json::Value;

use super::meta::{conditions_of, meta};
use crate::snapshot::{Custom, Definition, ObjectRef};

/// None where the object doesn't say its kind or its name.
pub fn custom(object: DynamicObject) -> Option<Custom> {
    let types = object.types?;
    let status = object.data.get("status").unwrap_or(&Value::Null);
    let observed_generation = status.get("observedGeneration").and_then(Value::as_i64);
    let conditions = conditions_of(status);
    let definition = match types.kind.as_str() {
        "CustomResourceDefinition" => definition(&object.data),
        _ => None,
    };
    Some(Custom {
        object: ObjectRef {
            api_version: types.api_version,
            kind: types.kind,
            namespace: object.metadata.namespace.clone(),
            name: object.metadata.name.clone()?,
        },
        observed_generation,
        conditions,
        definition,
        meta: meta(object.metadata),
    })
}

fn definition(object: &Value) -> Option<Definition> {
    let spec = object.get("spec")?;
    let columns = (spec.get("versions")?.as_array()?.iter())
        .filter(|version| version.pointer("/subresources/status").is_some())
        .filter_map(|version| version.get("additionalPrinterColumns")?.as_array())
        .flatten();
    Some(Definition {
        group: spec.get("group")?.as_str()?.to_owned(),
        kind: spec.pointer("/names/kind")?.as_str()?.to_owned(),
        promises_ready: columns
            .filter_map(|column| column.get("jsonPath")?.as_str())
            .any(shows_ready),
    })
}

/// `.status.conditions[?(@.type=="Ready")].status`, with whichever quotes and blanks.
fn shows_ready(path: &str) -> bool {
    let path: String = path.chars().filter(|c| !c.is_whitespace()).collect();
    let path = path.replace('\'', "\"");
    path.starts_with(".status.conditions[?(@.type==\"Ready\")]")
}
