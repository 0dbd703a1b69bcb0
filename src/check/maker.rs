//! Who of the stack may make or change objects while it runs: where there is somebody, that no
//! release renders an object says little.

use serde_json::Value;

use super::object::Object;
use super::stack::Stack;
use crate::manifest;

/// Groups that Kubernetes itself serves and whose names have no `.k8s.io` at the end.
const BUILT_IN: [&str; 6] = ["", "apps", "autoscaling", "batch", "extensions", "policy"];

impl Object {
    /// `apps` of `apps/v1`, nothing of `v1`.
    pub fn group(&self) -> &str {
        let parts = self.api_version.split_once('/');
        parts.map_or("", |(group, _)| group)
    }

    /// An operator looks at it, and may make anything of it.
    pub fn is_custom(&self) -> bool {
        !BUILT_IN.contains(&self.group()) && !self.group().ends_with(".k8s.io")
    }

    fn speaks_of(&self, text: &str) -> bool {
        manifest::speaks_of(&self.value, text)
    }
}

/// What may bring objects that no release renders.
#[derive(Debug, Clone, Copy)]
pub enum Maker<'a> {
    /// Through its operator.
    Custom(&'a Object),
    /// Its holder has the right to.
    Role(&'a Object),
}

impl Maker<'_> {
    /// ``; Kafka `orders` may bring it``
    pub fn may(self, what: &str) -> String {
        match self {
            Maker::Custom(object) => format!("; {} may bring {what}", object.title()),
            Maker::Role(role) => format!("; the holder of {} may bring {what}", role.title()),
        }
    }
}

impl Stack {
    /// The custom resource that this name may come of: it has the name, or begins it, as `orders`
    /// does for `orders-kafka-bootstrap`, or holds it.
    pub(super) fn custom(&self, name: &str, namespace: &str) -> Option<&Object> {
        let customs = self.objects().map(|(_, _, object)| object);
        let near = |object: &&Object| {
            let rest = name.strip_prefix(&object.name)?;
            let begins = rest.is_empty() || rest.starts_with('-');
            let is_here = object.namespace == namespace && !object.name.is_empty();
            match begins && is_here {
                true => Some(object.name.len()),
                false => None,
            }
        };
        let customs: Vec<&Object> = customs.filter(|object| object.is_custom()).collect();
        let mut named = customs.iter().copied().filter(|it| near(it).is_some());
        let first = named.next();
        let longest = first.map(|first| {
            named.fold(first, |best, it| match near(&it) > near(&best) {
                true => it,
                false => best,
            })
        });
        longest.or_else(|| customs.into_iter().find(|it| it.speaks_of(name)))
    }

    /// A role of the stack whose holders may do one of this to one of these resources.
    pub(super) fn role(&self, verbs: &[&str], resources: &[&str]) -> Option<&Object> {
        let mut roles = self
            .objects()
            .map(|(_, _, object)| object)
            .filter(|object| object.is("Role") || object.is("ClusterRole"));
        roles.find(|role| {
            let mut rules = role.at("/rules").as_array().into_iter().flatten();
            rules.any(|rule| has(rule, "verbs", verbs) && has(rule, "resources", resources))
        })
    }

    /// Whose holder may make objects of this kind.
    pub(super) fn role_for(&self, kind: &str) -> Option<&Object> {
        let resource = format!("{}s", kind.to_lowercase());
        self.role(&["create", "patch"], &[&resource])
    }

    /// What may bring an object of this kind and name while the stack runs.
    pub(super) fn maker(&self, kind: &str, name: &str, namespace: &str) -> Option<Maker<'_>> {
        let custom = self.custom(name, namespace).map(Maker::Custom);
        custom.or_else(|| self.role_for(kind).map(Maker::Role))
    }

    /// What may bring pods that this selects, or give labels to those that are there.
    pub(super) fn pod_maker(&self, service: &Object) -> Option<Maker<'_>> {
        let selector = service.at("/spec/selector").as_object();
        let values = selector.into_iter().flat_map(|selector| selector.values());
        let mut customs = values
            .filter_map(Value::as_str)
            .filter_map(|value| self.custom(value, &service.namespace));
        let made = [
            "pods",
            "deployments",
            "statefulsets",
            "daemonsets",
            "replicasets",
            "jobs",
        ];
        let role = || self.role(&["create", "patch", "update"], &made);
        customs
            .next()
            .map(Maker::Custom)
            .or_else(|| role().map(Maker::Role))
    }
}

/// A list of a rule has one of these, or all that there are.
pub fn has(rule: &Value, key: &str, wanted: &[&str]) -> bool {
    let all = rule[key].as_array().into_iter().flatten();
    all.filter_map(Value::as_str)
        .any(|it| it == "*" || wanted.contains(&it))
}
