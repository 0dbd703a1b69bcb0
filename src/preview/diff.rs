//! What differs between two states of an object.

use serde::Serialize;
use serde_json::Value;

use crate::manifest::{self, Difference};

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

/// The fields that differ, without those that the API server looks after.
pub fn fields(before: &Value, after: &Value) -> Vec<Field> {
    let field = |it: Difference| Field {
        path: it.path,
        before: it.before,
        after: it.after,
    };
    let changes = manifest::changes(before, after);
    changes.into_iter().map(field).collect()
}
