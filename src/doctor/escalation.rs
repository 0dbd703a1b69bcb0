//! Rights that a stack gives away. The API server lets nobody write a role with rights that they do
//! not have themselves, nor bind one to somebody, unless they have the verb `escalate` on the role or
//! `bind` on what is bound (Kubernetes `pkg/registry/rbac/escalation_check.go` and
//! `role/policybased/storage.go`; "Using RBAC Authorization", privilege escalation prevention).

use std::collections::BTreeMap;

use serde_json::Value;

use super::Check;
use crate::cluster::{Resource, Right};
use crate::wording;

const GROUP: &str = "rbac.authorization.k8s.io";
/// Kinds of objects of which a sentence names rights.
const TOLD: usize = 4;

/// An object that gives rights away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `role/web`
    pub object: RoleRef,
    /// With this, it does not matter which they are.
    pub waiver: Right,
    pub source: Source,
}

/// Where it is written which rights are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the stack. Each of them has to be held.
    Rules(Vec<Right>),
    /// In a role that the stack does not bring; its rights count here.
    Role(RoleRef),
}

/// A role or a binding by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRef {
    /// `ClusterRole`
    pub kind: String,
    pub name: String,
    /// None where it lives in none.
    pub namespace: Option<String>,
}

impl RoleRef {
    pub const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

    fn told(&self) -> String {
        let object = format!("{}/{}", self.kind.to_lowercase(), self.name);
        match &self.namespace {
            Some(namespace) => format!("{object} in namespace `{namespace}`"),
            None => object,
        }
    }

    /// What rights call it.
    fn resource(&self) -> Resource {
        Resource {
            group: GROUP.to_owned(),
            plural: format!("{}s", self.kind.to_lowercase()),
        }
    }
}

/// What a stack gives away. `objects` are those that helm renders, each with its release's namespace.
pub fn grants(objects: &[(&str, Value)]) -> Vec<Grant> {
    let ours = objects.iter().filter(|(_, object)| {
        let group = object["apiVersion"].as_str().unwrap_or_default();
        group.split('/').next() == Some(GROUP)
    });
    let ours: Vec<(RoleRef, &Value)> = ours
        .filter_map(|(namespace, object)| Some((named(object, namespace)?, object)))
        .collect();
    let grant = |(object, value): &(RoleRef, &Value)| grant(object, value, &ours);
    ours.iter().filter_map(grant).collect()
}

fn named(object: &Value, own: &str) -> Option<RoleRef> {
    let kind = object["kind"].as_str()?;
    let metadata = &object["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or(own);
    Some(RoleRef {
        kind: kind.to_owned(),
        name: metadata["name"].as_str()?.to_owned(),
        namespace: (!kind.starts_with("Cluster")).then(|| namespace.to_owned()),
    })
}

fn grant(object: &RoleRef, value: &Value, all: &[(RoleRef, &Value)]) -> Option<Grant> {
    let place = &object.namespace;
    let (verb, subject, source) = match object.kind.as_str() {
        "Role" | "ClusterRole" => {
            let mut rights = held(&value["rules"], place.as_deref());
            if value["aggregationRule"].is_object() {
                // Whose rules are not known before has to be allowed all.
                rights = everything();
            }
            ("escalate", object.clone(), Source::Rules(rights))
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            let kind = value["roleRef"]["kind"].as_str()?;
            let role = RoleRef {
                kind: kind.to_owned(),
                name: value["roleRef"]["name"].as_str()?.to_owned(),
                namespace: place.clone().filter(|_| kind == "Role"),
            };
            let source = match all.iter().find(|(other, _)| *other == role) {
                Some((_, of_stack)) => Source::Rules(held(&of_stack["rules"], place.as_deref())),
                None => Source::Role(role.clone()),
            };
            ("bind", role, source)
        }
        _ => return None,
    };
    let waiver = Right::Object {
        verb: verb.to_owned(),
        resource: subject.resource(),
        subresource: String::new(),
        name: Some(subject.name),
        // A ClusterRole that is bound in a namespace is asked for there.
        namespace: place.clone(),
    };
    Some(Grant {
        object: object.clone(),
        waiver,
        source,
    })
}

/// The rights of the rules of a role, one by one, where they count: in a namespace, or everywhere.
pub fn held(rules: &Value, namespace: Option<&str>) -> Vec<Right> {
    let mut rights = Vec::new();
    for rule in rules.as_array().into_iter().flatten() {
        let texts = |key: &str| -> Vec<&str> {
            let list = rule[key].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).collect()
        };
        let names: Vec<Option<String>> = match texts("resourceNames").as_slice() {
            [] => vec![None],
            names => names.iter().map(|name| Some((*name).to_owned())).collect(),
        };
        for verb in texts("verbs") {
            let paths = texts("nonResourceURLs").into_iter();
            rights.extend(paths.map(|path| Right::Path {
                verb: verb.to_owned(),
                path: path.to_owned(),
            }));
            for group in texts("apiGroups") {
                for resource in texts("resources") {
                    let (plural, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                    rights.extend(names.iter().map(|name| Right::Object {
                        verb: verb.to_owned(),
                        resource: Resource {
                            group: group.to_owned(),
                            plural: plural.to_owned(),
                        },
                        subresource: subresource.to_owned(),
                        name: name.clone(),
                        namespace: namespace.map(str::to_owned),
                    }));
                }
            }
        }
    }
    rights
}

fn everything() -> Vec<Right> {
    let all = || "*".to_owned();
    let resource = Resource {
        group: all(),
        plural: all(),
    };
    vec![
        Right::Object {
            verb: all(),
            resource,
            subresource: String::new(),
            name: None,
            namespace: None,
        },
        Right::Path {
            verb: all(),
            path: all(),
        },
    ]
}

impl Grant {
    /// The API server would refuse it for want of these. `is_there`: it is in the cluster already, with
    /// the same rights, so that only a change would be refused.
    pub fn lacks(&self, missing: &[&Right], is_there: bool) -> Check {
        let mut verbs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for right in missing {
            let verbs = verbs.entry(right.what()).or_default();
            if !verbs.contains(&right.verb()) {
                verbs.push(right.verb());
            }
        }
        let more = verbs.len().saturating_sub(TOLD);
        let tell = |(what, verbs): (&String, &Vec<&str>)| match verbs.as_slice() {
            ["*"] => format!("do anything to {what}"),
            verbs => format!("{} {what}", wording::list(verbs)),
        };
        let mut rights: Vec<String> = verbs.iter().take(TOLD).map(tell).collect();
        if more > 0 {
            rights.push(wording::count(more, "more right"));
        }
        let (object, rights) = (self.object.told(), rights.join("; "));
        let says = match is_there {
            true => format!(
                "may not change {object}, which gives rights that these credentials don't have: {rights}"
            ),
            false => format!(
                "may not create {object}: it gives rights that these credentials don't have: {rights}"
            ),
        };
        self.hinted(match is_there {
            true => Check::warning("rights", says),
            false => Check::problem("rights", says),
        })
    }

    /// The role that it binds does not exist.
    pub fn binds_nothing(&self, role: &RoleRef) -> Check {
        let (object, role) = (self.object.told(), role.told());
        let says = format!("may not create {object}: {role}, which it binds, does not exist");
        self.hinted(Check::problem("rights", says))
    }

    /// It could not be found out which rights it gives, or whether they are held.
    pub fn unknown(&self, why: &str) -> Check {
        let object = self.object.told();
        let says = format!("it is not known whether {object} may be created: {why}");
        self.hinted(Check::warning("rights", says))
    }

    fn hinted(&self, check: Check) -> Check {
        let (verb, what) = (self.waiver.verb(), self.waiver.what());
        let place = self.waiver.place();
        check.hint(format!(
            "let these credentials {verb} {what} {place}, or give them these rights first"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, name: &str, more: &Value) -> Value {
        let mut object =
            json!({"apiVersion": RoleRef::API_VERSION, "kind": kind, "metadata": {"name": name}});
        for (key, value) in more.as_object().unwrap() {
            object[key] = value.clone();
        }
        object
    }

    fn told(grant: &Grant) -> String {
        let waiver = &grant.waiver;
        let waiver = format!("{} {} {}", waiver.verb(), waiver.what(), waiver.place());
        let rights = match &grant.source {
            Source::Role(role) => role.told(),
            Source::Rules(rights) => {
                let rights = rights.iter();
                let rights = rights.map(|it| format!("{} {} {}", it.verb(), it.what(), it.place()));
                rights.collect::<Vec<_>>().join("; ")
            }
        };
        format!("{}: {waiver}, or {rights}", grant.object.told())
    }

    #[test]
    fn what_a_stack_gives_away() {
        let reads = json!([
            {"apiGroups": ["", "apps"], "resources": ["pods/log"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"]},
        ]);
        let metrics = json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]);
        let bind = |kind: &str, name: &str| json!({"roleRef": {"kind": kind, "name": name}});
        let objects = [
            ("shop", object("Role", "reader", &json!({"rules": reads}))),
            (
                "shop",
                object("ClusterRole", "metrics", &json!({"rules": metrics})),
            ),
            (
                "shop",
                object("ClusterRole", "all", &json!({"aggregationRule": {}})),
            ),
            (
                "shop",
                object("RoleBinding", "own", &bind("Role", "reader")),
            ),
            (
                "shop",
                object("RoleBinding", "others", &bind("ClusterRole", "view")),
            ),
            (
                "shop",
                object("ClusterRoleBinding", "m", &bind("ClusterRole", "metrics")),
            ),
            (
                "shop",
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
            ),
        ];
        let told: Vec<String> = grants(&objects).iter().map(told).collect();
        let expected = [
            "role/reader in namespace `shop`: escalate `roles.rbac.authorization.k8s.io` named `reader` in namespace `shop`, \
             or get `pods/log` in namespace `shop`; get `pods.apps/log` in namespace `shop`; \
             get `secrets` named `a` in namespace `shop`; get `secrets` named `b` in namespace `shop`",
            "clusterrole/metrics: escalate `clusterroles.rbac.authorization.k8s.io` named `metrics` in the whole cluster, \
             or get path `/metrics` in the whole cluster",
            "clusterrole/all: escalate `clusterroles.rbac.authorization.k8s.io` named `all` in the whole cluster, \
             or * `*.*` in the whole cluster; * path `*` in the whole cluster",
            "rolebinding/own in namespace `shop`: bind `roles.rbac.authorization.k8s.io` named `reader` in namespace `shop`, \
             or get `pods/log` in namespace `shop`; get `pods.apps/log` in namespace `shop`; \
             get `secrets` named `a` in namespace `shop`; get `secrets` named `b` in namespace `shop`",
            "rolebinding/others in namespace `shop`: bind `clusterroles.rbac.authorization.k8s.io` named `view` in namespace \
             `shop`, or clusterrole/view",
            "clusterrolebinding/m: bind `clusterroles.rbac.authorization.k8s.io` named `metrics` in the whole cluster, \
             or get path `/metrics` in the whole cluster",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_missing_is_told_by_resource_and_not_without_end() {
        let rules = json!([{
            "apiGroups": [""], "resources": ["a", "b", "c", "d", "e"], "verbs": ["get", "list"],
        }, {"apiGroups": [""], "resources": ["a"], "verbs": ["get"]}]);
        let role = object("ClusterRole", "big", &json!({"rules": rules}));
        let grant = &grants(&[("shop", role)])[0];
        let Source::Rules(rights) = &grant.source else {
            panic!("{grant:?}")
        };
        let rights: Vec<&Right> = rights.iter().collect();
        let check = grant.lacks(&rights, false);
        assert_eq!(
            check.says,
            "may not create clusterrole/big: it gives rights that these credentials don't have: \
             get and list `a`; get and list `b`; get and list `c`; get and list `d`; 1 more right"
        );
        assert_eq!(
            check.hints,
            [
                "let these credentials escalate `clusterroles.rbac.authorization.k8s.io` named `big` in the whole \
              cluster, or give them these rights first"
            ]
        );
    }
}
