//! Objects of a rendered manifest, whole.

use std::path::PathBuf;

use serde_json::Value;

use super::hook::Hook;
use super::pod::PodSpec;
use crate::manifest::{self, Whole};
use crate::snapshot::{self, ObjectRef};

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

impl Object {
    /// The objects of a manifest that helm rendered for this namespace. What has no kind is left out.
    pub fn all(manifest: Vec<Whole>, namespace: &str) -> Vec<Object> {
        let wholes = manifest.into_iter();
        let objects = wholes.filter_map(|Whole { value, source }| {
            let template = PathBuf::from(source.unwrap_or_default());
            Object::new(value, template, namespace)
        });
        objects.collect()
    }

    fn new(value: Value, template: PathBuf, namespace: &str) -> Option<Object> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind")?.to_owned();
        let own = text("/metadata/namespace").filter(|own| !own.is_empty());
        let own = own.unwrap_or(namespace);
        let own = if CLUSTER_WIDE.contains(&kind.as_str()) {
            ""
        } else {
            own
        };
        let name = match value.pointer("/metadata/name") {
            Some(Value::String(name)) => name.clone(),
            None | Some(Value::Null) => text("/metadata/generateName").unwrap_or_default().into(),
            // Told by a rule.
            Some(other) => other.to_string(),
        };
        Some(Object {
            api_version: text("/apiVersion")?.to_owned(),
            name,
            namespace: own.to_owned(),
            hook: Hook::of(&value),
            template,
            kind,
            value,
        })
    }

    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            namespace: Some(self.namespace.clone()).filter(|it| !it.is_empty()),
            name: self.name.clone(),
        }
    }

    /// As helm's record has it, of a hook that has yet to run.
    pub fn recorded_hook(&self) -> Option<snapshot::Hook> {
        let hook = self.hook.as_ref()?;
        Some(snapshot::Hook {
            object: self.reference(),
            events: hook.events.clone(),
            weight: hook.order(),
            ran: false,
            succeeded: false,
            stays: !hook.is_deleted_once_through(),
        })
    }

    /// It is of a chart's folder `crds`: helm makes it where it is not there, and owns it never.
    pub fn is_of_crds(&self) -> bool {
        manifest::is_of_crds(&self.template.to_string_lossy())
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
                let has = |(key, value): (&String, &Value)| {
                    labels.get(key) == Some(value) || other.sets(key, value)
                };
                !selector.is_empty() && selector.iter().all(has)
            })
    }

    /// Its controller gives its pods this label, which is in no template.
    fn sets(&self, key: &str, value: &Value) -> bool {
        let value = value.as_str().unwrap_or_default();
        match (self.kind.as_str(), key) {
            ("StatefulSet", "statefulset.kubernetes.io/pod-name") => {
                let number = value
                    .strip_prefix(&self.name)
                    .and_then(|it| it.strip_prefix('-'));
                number.is_some_and(|number| number.parse::<u32>().is_ok())
            }
            ("StatefulSet", "apps.kubernetes.io/pod-index") => value.parse::<u32>().is_ok(),
            ("Job", "job-name" | "batch.kubernetes.io/job-name") => value == self.name,
            _ => false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::readable_wholes;

    #[test]
    fn objects_know_where_they_are_from() {
        let yaml = "---\n# Source: shop/templates/job.yaml\napiVersion: batch/v1\nkind: Job\nmetadata:\n  \
            name: seed\n  annotations:\n    helm.sh/hook: pre-install, pre-upgrade\n    \
            helm.sh/hook-weight: \"-5\"\n---\n# nothing\n---\n# Source: shop/templates/role.yaml\n\
            apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n";
        let objects = Object::all(readable_wholes(yaml).read, "shop");
        assert_eq!(objects[0].short(), "job/seed");
        assert_eq!(objects[0].namespace, "shop");
        assert_eq!(
            objects[0].template,
            PathBuf::from("shop/templates/job.yaml")
        );
        let hook = objects[0].hook.as_ref().unwrap();
        assert_eq!((hook.order(), hook.is_on(&["pre-upgrade"])), (-5, true));
        assert!(hook.is_deleted_before_creation());
        assert_eq!(
            (objects[1].namespace.as_str(), &objects[1].hook),
            ("", &None)
        );
    }
}
