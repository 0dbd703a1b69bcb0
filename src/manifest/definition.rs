//! Kinds that come with an object.

use serde_json::Value;

use super::{Whole, is_of_crds};

/// A kind that a CustomResourceDefinition brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub group: String,
    pub kind: String,
    /// Those that are served.
    pub versions: Vec<String>,
    /// It is of a chart's folder `crds`.
    pub of_crds: bool,
}

impl Definition {
    /// None for another object.
    pub fn of(whole: &Whole) -> Option<Definition> {
        let Whole { value, source } = whole;
        if value["kind"] != "CustomResourceDefinition" {
            return None;
        }
        let spec = &value["spec"];
        let versions = spec["versions"].as_array().into_iter().flatten();
        let served = versions.filter(|it| it["served"] == true);
        let names = served.filter_map(|it| it["name"].as_str());
        Some(Definition {
            group: spec["group"].as_str()?.to_owned(),
            kind: spec["names"]["kind"].as_str()?.to_owned(),
            versions: names.map(str::to_owned).collect(),
            of_crds: source.as_deref().is_some_and(is_of_crds),
        })
    }

    pub fn brings(&self, api_version: &str, kind: &str) -> bool {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.kind == kind && self.group == group && self.versions.iter().any(|it| it == version)
    }
}

/// Whether a kind may come with an object that is no definition of it, once the object's release is
/// through: an APIService of its version, a custom resource that names it, for whose sake an operator
/// makes definitions, or what runs to its end, a Job or a hook's pod.
pub fn may_bring(object: &Value, api_version: &str, kind: &str) -> bool {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    match object["kind"].as_str() {
        Some("APIService") => {
            object["spec"]["group"] == group && object["spec"]["version"] == version
        }
        Some("Job" | "Pod") => true,
        _ => is_custom(object) && speaks_of(&object["spec"], kind),
    }
}

/// Kubernetes' own groups have no dot, or end in `.k8s.io`.
fn is_custom(object: &Value) -> bool {
    let group = object["apiVersion"]
        .as_str()
        .and_then(|it| it.split_once('/'));
    group.is_some_and(|(group, _)| group.contains('.') && !group.ends_with(".k8s.io"))
}

/// The text stands somewhere in it as a whole value.
pub fn speaks_of(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(all) => all.iter().any(|it| speaks_of(it, text)),
        Value::Object(all) => all.values().any(|it| speaks_of(it, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_bring_a_kind() {
        let brings = |object: &Value| may_bring(object, "example.com/v1", "Widget");
        let service = |version: &str| json!({"kind": "APIService", "spec": {"group": "example.com", "version": version}});
        assert!(brings(&service("v1")));
        assert!(!brings(&service("v2")));
        let template = |kind: &str| {
            json!({"apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
                "spec": {"crd": {"spec": {"names": {"kind": kind}}}}})
        };
        assert!(brings(&template("Widget")));
        assert!(!brings(&template("Gadget")));
        assert!(brings(&json!({"apiVersion": "batch/v1", "kind": "Job"})));
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "spec": {"a": "Widget"}});
        assert!(!brings(&map));
    }
}
