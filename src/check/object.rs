//! Objects of a rendered manifest, whole.

use std::path::PathBuf;

use serde_json::Value;

use super::pod::PodSpec;
use crate::manifest::{self, ManifestError, Whole};

/// Kinds whose objects are in no namespace.
const CLUSTER_WIDE: [&str; 12] = [
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "PersistentVolume",
    "StorageClass",
    "PriorityClass",
    "IngressClass",
    "RuntimeClass",
    "GatewayClass",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
];

#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    /// Empty where the kind has none.
    pub namespace: String,
    pub value: Value,
    /// As helm names it: `CHART/templates/deployment.yaml`; empty where it does not.
    pub template: PathBuf,
    pub hook: Option<Hook>,
}

/// An object that helm makes at a certain moment, beside the ordinary ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `pre-install`, ...
    pub events: Vec<String>,
    /// As it is written; none stands for 0.
    pub weight: Option<String>,
    pub policies: Vec<String>,
}

impl Hook {
    /// helm takes what is no number for 0 (helm `pkg/release/util/manifest_sorter.go`).
    pub fn order(&self) -> i64 {
        let weight = self
            .weight
            .as_ref()
            .and_then(|text| text.trim().parse().ok());
        weight.unwrap_or(0)
    }

    /// It runs before the ordinary objects of its release are made or changed.
    pub fn is_before(&self) -> bool {
        self.is_on(&["pre-install", "pre-upgrade"])
    }

    pub fn is_on(&self, events: &[&str]) -> bool {
        self.events
            .iter()
            .any(|event| events.contains(&event.as_str()))
    }

    /// helm's default where none is given.
    pub fn is_deleted_before_creation(&self) -> bool {
        let policy = "before-hook-creation";
        self.policies.is_empty() || self.policies.iter().any(|it| it == policy)
    }
}

impl Object {
    /// The objects of a manifest that helm rendered for this namespace. What has no kind is left out.
    ///
    /// # Errors
    /// A document that is no YAML.
    pub fn all(manifest: &str, namespace: &str) -> Result<Vec<Object>, ManifestError> {
        let wholes = manifest::wholes(manifest)?.into_iter();
        let objects = wholes.filter_map(|Whole { value, source }| {
            let template = PathBuf::from(source.unwrap_or_default());
            Object::new(value, template, namespace)
        });
        Ok(objects.collect())
    }

    fn new(value: Value, template: PathBuf, namespace: &str) -> Option<Object> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind")?.to_owned();
        let own = text("/metadata/namespace").unwrap_or(namespace);
        let own = if CLUSTER_WIDE.contains(&kind.as_str()) {
            ""
        } else {
            own
        };
        let name = text("/metadata/name").or_else(|| text("/metadata/generateName"));
        Some(Object {
            api_version: text("/apiVersion")?.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            namespace: own.to_owned(),
            hook: hook(&value),
            template,
            kind,
            value,
        })
    }

    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// `deployment/web`
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }

    /// ``Deployment `web` ``
    pub fn title(&self) -> String {
        format!("{} `{}`", self.kind, self.name)
    }

    /// Null where there is nothing.
    pub fn at(&self, pointer: &str) -> &Value {
        self.value.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).as_str()
    }

    /// The pod that it is or makes.
    pub fn pod(&self) -> Option<PodSpec<'_>> {
        let spec = match self.kind.as_str() {
            "Pod" => "/spec",
            "CronJob" => "/spec/jobTemplate/spec/template/spec",
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
                "/spec/template/spec"
            }
            _ => return None,
        };
        self.value.pointer(spec).map(PodSpec)
    }

    /// Labels of the pods that it makes.
    pub fn pod_labels(&self) -> &Value {
        self.at(match self.kind.as_str() {
            "Pod" => "/metadata/labels",
            "CronJob" => "/spec/jobTemplate/spec/template/metadata/labels",
            _ => "/spec/template/metadata/labels",
        })
    }

    /// It is a Service that sends requests to the pods of `other`.
    pub fn selects(&self, other: &Object) -> bool {
        let labels = other.pod_labels();
        let selector = self.at("/spec/selector").as_object();
        self.is("Service")
            && other.pod().is_some()
            && other.namespace == self.namespace
            && selector.is_some_and(|selector| {
                let has = |(key, value): (&String, &Value)| labels.get(key) == Some(value);
                !selector.is_empty() && selector.iter().all(has)
            })
    }

    /// It keeps pods running.
    pub fn is_service_like(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet"
        )
    }

    pub fn replicas(&self) -> u64 {
        match self.kind.as_str() {
            "DaemonSet" => 2,
            _ => self.at("/spec/replicas").as_u64().unwrap_or(1),
        }
    }
}

fn hook(value: &Value) -> Option<Hook> {
    let annotation = |key: &str| {
        let annotations = value.pointer("/metadata/annotations")?;
        match annotations.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    };
    let list = |text: String| -> Vec<String> {
        let words = text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    Some(Hook {
        events: list(annotation("helm.sh/hook")?),
        weight: annotation("helm.sh/hook-weight"),
        policies: annotation("helm.sh/hook-delete-policy")
            .map(list)
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_know_where_they_are_from() {
        let yaml = "---\n# Source: shop/templates/job.yaml\napiVersion: batch/v1\nkind: Job\nmetadata:\n  \
            name: seed\n  annotations:\n    helm.sh/hook: pre-install, pre-upgrade\n    \
            helm.sh/hook-weight: \"-5\"\n---\n# nothing\n---\n# Source: shop/templates/role.yaml\n\
            apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n";
        let objects = Object::all(yaml, "shop").unwrap();
        assert_eq!(objects[0].short(), "job/seed");
        assert_eq!(objects[0].namespace, "shop");
        assert_eq!(
            objects[0].template,
            PathBuf::from("shop/templates/job.yaml")
        );
        let hook = objects[0].hook.as_ref().unwrap();
        assert_eq!((hook.order(), hook.is_before()), (-5, true));
        assert!(hook.is_deleted_before_creation());
        assert_eq!(
            (objects[1].namespace.as_str(), &objects[1].hook),
            ("", &None)
        );
    }

    #[test]
    fn what_is_no_yaml_is_told_by_its_line() {
        let yaml = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n'no end\n";
        assert_eq!(Object::all(yaml, "shop"), Err(ManifestError { line: 4 }));
    }
}
