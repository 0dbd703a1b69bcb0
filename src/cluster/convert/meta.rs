use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use crate::redact::redacted;
use crate::snapshot::{Condition, Meta, Owner, Uid};

const TEMPLATE_HASH: &str = "pod-template-hash";
const REVISION_HASH: &str = "controller-revision-hash";
const HOOK: &str = "helm.sh/hook";

pub(super) fn meta(meta: ObjectMeta) -> Meta {
    let revision_hash = label(&meta, TEMPLATE_HASH)
        .or_else(|| label(&meta, REVISION_HASH))
        .map(str::to_owned);
    let hook = annotation(&meta, HOOK).is_some();
    let owner = meta
        .owner_references
        .unwrap_or_default()
        .into_iter()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| Owner {
            uid: Uid::from(owner.uid.as_str()),
            kind: owner.kind,
            name: owner.name,
        });
    Meta {
        uid: Uid::from(meta.uid.as_deref().unwrap_or_default()),
        namespace: meta.namespace.unwrap_or_default(),
        name: meta.name.unwrap_or_default(),
        generation: meta.generation.unwrap_or(0),
        created: time(meta.creation_timestamp).unwrap_or(Timestamp::UNIX_EPOCH),
        deleting: meta.deletion_timestamp.is_some(),
        owner,
        revision_hash,
        hook,
    }
}

pub(super) fn label<'a>(meta: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    meta.labels.as_ref()?.get(key).map(String::as_str)
}

pub(super) fn annotation<'a>(meta: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    meta.annotations.as_ref()?.get(key).map(String::as_str)
}

pub(super) fn time(time: Option<Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

/// Every kind has a condition type of its own in k8s-openapi, with the same fields; whether
/// `type` and `status` may be missing differs.
macro_rules! conditions {
    ($conditions:expr) => {
        $conditions
            .unwrap_or_default()
            .into_iter()
            .map(|c| $crate::snapshot::Condition {
                kind: Option::<String>::from(c.type_).unwrap_or_default(),
                status: Option::<String>::from(c.status).unwrap_or_default(),
                reason: c.reason.unwrap_or_default(),
                message: $crate::redact::redacted(&c.message.unwrap_or_default()),
                since: $crate::cluster::convert::meta::time(c.last_transition_time),
                observed_generation: None,
            })
            .collect()
    };
}
pub(super) use conditions;

/// Conditions of a kind that has no type of its own; entries that are none are left out.
pub(super) fn conditions_of(status: &serde_json::Value) -> Vec<Condition> {
    let Some(list) = status.get("conditions").and_then(|c| c.as_array()) else {
        return Vec::new();
    };
    let text = |entry: &serde_json::Value, key: &str| {
        entry.get(key).and_then(|v| v.as_str()).map(str::to_owned)
    };
    list.iter()
        .filter_map(|entry| {
            Some(Condition {
                kind: text(entry, "type")?,
                status: text(entry, "status")?,
                reason: text(entry, "reason").unwrap_or_default(),
                message: redacted(&text(entry, "message").unwrap_or_default()),
                since: text(entry, "lastTransitionTime").and_then(|t| t.parse().ok()),
                observed_generation: (entry.get("observedGeneration"))
                    .and_then(serde_json::Value::as_i64)
                    .filter(|seen| *seen > 0),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::DeploymentCondition;

    use super::*;

    const MESSAGE: &str = "spec.containers[0].env[0]: Invalid value: \
        core.EnvVar{Name:\"KEY\", Value:\"hunter2\"}: may not be specified";

    #[test]
    fn a_message_quotes_no_values_of_objects() {
        let typed = DeploymentCondition {
            type_: Some("ReplicaFailure".to_owned()),
            status: Some("True".to_owned()),
            message: Some(MESSAGE.to_owned()),
            ..DeploymentCondition::default()
        };
        let untyped = serde_json::json!({"conditions": [
            {"type": "Ready", "status": "False", "message": MESSAGE}]});
        let typed: Vec<Condition> = conditions!(Some(vec![typed]));
        for condition in typed.iter().chain(&conditions_of(&untyped)) {
            assert!(
                !condition.message.contains("hunter2"),
                "{}",
                condition.message
            );
            assert!(condition.message.ends_with(": may not be specified"));
        }
    }
}
