use kube::api::DynamicObject;
use serde_json::Value;

use super::meta::{conditions_of, meta};
use crate::snapshot::{Custom, ObjectRef};

/// None where the object doesn't say its kind or its name.
pub fn custom(object: DynamicObject) -> Option<Custom> {
    let types = object.types?;
    let status = object.data.get("status").unwrap_or(&Value::Null);
    let observed_generation = status.get("observedGeneration").and_then(Value::as_i64);
    let conditions = conditions_of(status);
    Some(Custom {
        object: ObjectRef {
            api_version: types.api_version,
            kind: types.kind,
            namespace: object.metadata.namespace.clone(),
            name: object.metadata.name.clone()?,
        },
        observed_generation,
        conditions,
        meta: meta(object.metadata),
    })
}
