//! What credentials have to be allowed: what stackctl asks itself, and what helm does with the
//! objects of the charts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, State};
use crate::cluster::{Resource, Right};
use crate::names::Namespace;
use crate::wording;

const LEASES: &str = "leases";
const UNWATCHED: &str = "`up` reads them one by one, and `status` can't judge them";

/// Verbs of stackctl's own questions in every namespace of a stack, by resource and group. The last
/// says what is lost without it; nothing where an `up` can't do without.
const OWN: [(&str, &str, &[&str], &str); 14] = [
    ("pods", "", &["list", "watch"], ""),
    ("pods/log", "", &["get"], "logs are not shown"),
    (
        "pods",
        "",
        &["delete"],
        "a rollback can't free a stuck StatefulSet",
    ),
    (
        "secrets",
        "",
        &[
            "get", "list", "watch", "create", "update", "patch", "delete",
        ],
        "",
    ),
    (
        LEASES,
        "coordination.k8s.io",
        &["get", "list", "watch", "create", "update", "patch"],
        "",
    ),
    (
        "events",
        "",
        &["list", "watch"],
        "causes that only events tell stay unnamed",
    ),
    ("deployments", "apps", &["list", "watch"], UNWATCHED),
    ("statefulsets", "apps", &["list", "watch"], UNWATCHED),
    ("daemonsets", "apps", &["list", "watch"], UNWATCHED),
    (
        "replicasets",
        "apps",
        &["list", "watch"],
        "pods of Deployments stay unseen",
    ),
    ("jobs", "batch", &["list", "watch"], UNWATCHED),
    ("persistentvolumeclaims", "", &["list", "watch"], UNWATCHED),
    ("services", "", &["list", "watch"], UNWATCHED),
    (
        "endpointslices",
        "discovery.k8s.io",
        &["list", "watch"],
        "needs on Services are not seen met",
    ),
];
/// What helm does with an object over its life.
const HELM: [&str; 4] = ["get", "create", "patch", "delete"];

/// A right that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    pub right: Right,
    /// What is lost without it; nothing where an `up` can't do without.
    pub lost: &'static str,
    /// For whose sake: `helm` and an object, or stackctl itself.
    pub by: String,
}

/// Objects that helm renders, of one kind in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One of them by name.
    pub name: String,
    /// They are waited for, and what every stack asks for does not show them.
    pub is_followed: bool,
}

/// All rights that a stack needs. `objects` are those that helm renders, by their resource and their
/// namespace. The Lease is in the stack's own namespace, `home`.
pub fn wants(
    home: &Namespace,
    namespaces: &[Namespace],
    objects: &BTreeMap<(Resource, Option<String>), Rendered>,
) -> Vec<Want> {
    let mut wants = Vec::new();
    for namespace in namespaces {
        let own = OWN.into_iter();
        let own = own.filter(|(name, ..)| *name != LEASES || namespace == home);
        for (name, group, verbs, lost) in own {
            let (resource, subresource) = match name.split_once('/') {
                Some((resource, subresource)) => (resource, subresource),
                None => (name, ""),
            };
            wants.extend(verbs.iter().map(|verb| Want {
                right: Right::Object {
                    verb: (*verb).to_owned(),
                    resource: Resource {
                        group: group.to_owned(),
                        plural: resource.to_owned(),
                    },
                    subresource: subresource.to_owned(),
                    name: None,
                    namespace: Some(namespace.to_string()),
                },
                lost,
                by: "stackctl".to_owned(),
            }));
        }
    }
    for ((resource, namespace), object) in objects {
        let right = |verb: &&str| Right::Object {
            verb: (*verb).to_owned(),
            resource: resource.clone(),
            subresource: String::new(),
            name: None,
            namespace: namespace.clone(),
        };
        wants.extend(HELM.iter().map(|verb| Want {
            right: right(verb),
            lost: "",
            by: format!("helm, for {}", object.name),
        }));
        let watch = ["list", "watch"];
        let watch = watch.iter().filter(|_| object.is_followed);
        wants.extend(watch.map(|verb| Want {
            right: right(verb),
            lost: UNWATCHED,
            by: format!("stackctl, for {}", object.name),
        }));
    }
    wants
}

/// What is lacking, a sentence for each resource in a namespace; one good word where nothing is.
pub fn lacking(asked: &[(Want, bool)]) -> Vec<Check> {
    let mut denied: BTreeMap<(String, &str), (BTreeSet<&str>, &str)> = BTreeMap::new();
    for (want, _) in asked.iter().filter(|(_, is_allowed)| !is_allowed) {
        let what = format!("{} {}", want.right.what(), want.right.place());
        let entry = denied.entry((what, want.lost)).or_default();
        entry.0.insert(want.right.verb());
        entry.1 = &want.by;
    }
    if denied.is_empty() {
        let all = wording::count(asked.len(), "right");
        return vec![Check::good("rights", format!("all {all} that are needed"))];
    }
    let tell = |((what, lost), (verbs, by)): ((String, &str), (BTreeSet<&str>, &str))| {
        let verbs: Vec<&str> = verbs.into_iter().collect();
        let says = format!("may not {} {what} ({by})", wording::list(&verbs));
        match lost {
            "" => Check::new("rights", State::Problem, says),
            lost => Check::new("rights", State::Warning, format!("{says}: {lost}")),
        }
    };
    denied.into_iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Namespace {
        "shop".parse().unwrap()
    }

    #[test]
    fn what_is_lacking_is_told_by_resource() {
        let resource = Resource {
            group: "apps".into(),
            plural: "deployments".into(),
        };
        let objects = [(
            (resource, Some("shop".to_owned())),
            Rendered {
                name: "deployment/web".to_owned(),
                is_followed: false,
            },
        )];
        let wants = wants(&shop(), &[shop()], &objects.into());
        let asked: Vec<(Want, bool)> = wants
            .into_iter()
            .map(|want| {
                let is_helms = want.by.contains("deployment/web") && want.right.verb() != "get";
                let is_log = want.right.what() == "`pods/log`";
                let is_allowed = !is_helms && !is_log;
                (want, is_allowed)
            })
            .collect();
        let says: Vec<String> = lacking(&asked)
            .iter()
            .map(|check| format!("{:?}: {}", check.state, check.says))
            .collect();
        assert_eq!(
            says,
            [
                "Problem: may not create, delete and patch `deployments.apps` in namespace `shop` \
                 (helm, for deployment/web)",
                "Warning: may not get `pods/log` in namespace `shop` (stackctl): logs are not shown",
            ]
        );
    }

    #[test]
    fn what_is_waited_for_is_to_be_watched() {
        let resource = Resource {
            group: "example.org".into(),
            plural: "slows".into(),
        };
        let slow = |is_followed| Rendered {
            name: "slow/cr".to_owned(),
            is_followed,
        };
        let lacking = |is_followed| {
            let kind = (resource.clone(), Some("shop".to_owned()));
            let wants = wants(&shop(), &[shop()], &[(kind, slow(is_followed))].into());
            let is_allowed = |want: &Want| {
                let is_slow = want.right.what() == "`slows.example.org`";
                !is_slow || !["list", "watch"].contains(&want.right.verb())
            };
            let asked = wants.into_iter().map(|want| (is_allowed(&want), want));
            let asked: Vec<(Want, bool)> = asked.map(|(is, want)| (want, is)).collect();
            let checks = lacking(&asked);
            assert_eq!(checks.len(), 1);
            checks[0].says.clone()
        };
        assert_eq!(
            lacking(true),
            "may not list and watch `slows.example.org` in namespace `shop` (stackctl, for slow/cr): \
             `up` reads them one by one, and `status` can't judge them"
        );
        assert!(lacking(false).starts_with("all "), "{}", lacking(false));
    }

    #[test]
    fn one_word_is_enough_where_nothing_is_lacking() {
        let asked = wants(&shop(), &[shop()], &BTreeMap::new());
        let asked: Vec<(Want, bool)> = asked.into_iter().map(|want| (want, true)).collect();
        let checks = lacking(&asked);
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].state, State::Good);
    }
}
