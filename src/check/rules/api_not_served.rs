use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::Object;
use crate::check::stack::{Release, Stack};

pub const RULE: Rule = Rule {
    id: "api-not-served",
    severity: Severity::Error,
    summary: "An object is of an API version that the cluster does not serve",
    why: "the API server refuses the object, and with it its release",
    remedy: "use the version that took its place, or install what serves it in a release before",
    check,
};

/// Versions that Kubernetes has taken away, and the first minor of 1.x without them (Kubernetes
/// deprecation guide).
const REMOVED: [(&str, &[&str], u32); 9] = [
    ("extensions/v1beta1", &[], 22),
    ("apps/v1beta1", &[], 16),
    ("apps/v1beta2", &[], 16),
    (
        "networking.k8s.io/v1beta1",
        &["Ingress", "IngressClass"],
        22,
    ),
    ("rbac.authorization.k8s.io/v1beta1", &[], 22),
    ("batch/v1beta1", &["CronJob"], 25),
    (
        "policy/v1beta1",
        &["PodDisruptionBudget", "PodSecurityPolicy"],
        25,
    ),
    ("autoscaling/v2beta1", &[], 25),
    ("autoscaling/v2beta2", &[], 26),
];

fn check(stack: &Stack, findings: &mut Findings) {
    for (at, release, object) in stack.objects() {
        let (version, kind) = (object.api_version.as_str(), object.kind.as_str());
        let why = match &stack.known {
            Some(known) => {
                let key = (version.to_owned(), kind.to_owned());
                let comes = defined(stack, release, at, object);
                if known.served.contains(&key) || comes {
                    continue;
                }
                "which this cluster does not serve".to_owned()
            }
            None => {
                let removed = REMOVED.iter().find(|(removed, kinds, _)| {
                    *removed == version && (kinds.is_empty() || kinds.contains(&kind))
                });
                let Some((_, _, minor)) = removed else {
                    continue;
                };
                format!("which Kubernetes 1.{minor} and later do not serve")
            }
        };
        let message = format!("{} is of `{version}`, {why}", object.title());
        findings.at(release, object, message).near(version);
    }
}

/// The release itself or one before it brings the definition.
fn defined(stack: &Stack, release: &Release, at: usize, object: &Object) -> bool {
    stack.objects().any(|(of, _, it)| {
        let brings = it.is("CustomResourceDefinition")
            && it.text("/spec/names/kind") == Some(object.kind.as_str())
            && it.text("/spec/group") == object.api_version.split('/').next();
        brings && (of == at || release.before.contains(&of))
    })
}
