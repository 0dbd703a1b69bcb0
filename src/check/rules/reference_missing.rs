use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::Object;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "reference-missing",
    severity: Severity::Error,
    summary: "A pod uses an object that nobody makes",
    why: "a pod whose ServiceAccount is missing is never made, and one whose Secret, ConfigMap or claim is missing never starts",
    remedy: "render it in a release, or make it beforehand",
    check,
};

/// What Kubernetes, Istio and OpenShift put into every namespace.
const EVERYWHERE: [&str; 3] = [
    "kube-root-ca.crt",
    "istio-ca-root-cert",
    "openshift-service-ca.crt",
];

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(pod) = object.pod() else { continue };
        for it in pod.uses().iter().filter(|it| !it.optional) {
            let namespace = object.namespace.as_str();
            let mut rendered = stack.find(it.kind, namespace, it.name);
            let there = stack.is_there(it.kind, namespace, it.name);
            if rendered.next().is_some()
                || it.kind == "ConfigMap" && EVERYWHERE.contains(&it.name)
                || claimed(stack, it.kind, namespace, it.name)
                || there == Some(true)
            {
                continue;
            }
            let (nobody, severity) = match (stack.maker(it.kind, it.name, namespace), there) {
                (Some(maker), _) => (
                    format!("which no release makes{}", maker.may("it")),
                    Severity::Note,
                ),
                (None, Some(_)) => (
                    "which no release makes and this cluster does not have".to_owned(),
                    seen(object, it.kind),
                ),
                (None, None) => (
                    format!("which no release makes; {}", stack.unasked()),
                    unseen(it.kind),
                ),
            };
            let message = format!(
                "{} uses {} `{}`, {nobody}",
                object.title(),
                it.kind,
                it.name
            );
            findings
                .at(release, object, message)
                .near(it.name)
                .severity(severity);
        }
    }
}

/// Where the cluster was asked. Some put Secrets and ConfigMaps into every new namespace, and it
/// may be that no pod is to start yet.
fn seen(object: &Object, kind: &str) -> Severity {
    let waits = object.is_service_like() && object.replicas() == 0
        || object.at("/spec/suspend") == true
        || matches!(object.kind.as_str(), "DaemonSet" | "CronJob");
    match kind {
        "ServiceAccount" | "PersistentVolumeClaim" if !waits => Severity::Error,
        _ => Severity::Warning,
    }
}

/// Credentials are often made by hand, before the first run.
fn unseen(kind: &str) -> Severity {
    match kind {
        "Secret" => Severity::Note,
        _ => Severity::Warning,
    }
}

/// A StatefulSet makes claims by its templates: `TEMPLATE-SET-0`.
fn claimed(stack: &Stack, kind: &str, namespace: &str, name: &str) -> bool {
    let sets = || {
        let all = stack.objects().map(|(_, _, it)| it);
        all.filter(|it| it.is("StatefulSet") && it.namespace == namespace)
    };
    kind == "PersistentVolumeClaim"
        && sets().any(|set| {
            let templates = set.at("/spec/volumeClaimTemplates").as_array();
            templates.into_iter().flatten().any(|template| {
                let own = template["metadata"]["name"].as_str().unwrap_or_default();
                name.starts_with(&format!("{own}-{}-", set.name))
            })
        })
}
