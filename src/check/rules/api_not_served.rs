use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::{Release, Stack};
use crate::manifest;

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
    for (_, release, object) in stack.objects() {
        let (version, kind) = (object.api_version.as_str(), object.kind.as_str());
        let why = match &stack.known {
            Some(known) => {
                let key = (version.to_owned(), kind.to_owned());
                // That its release may need the one that brings it is another rule's.
                if known.served.contains(&key) || stack.definition(object).next().is_some() {
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
        let (but, severity) = match uncertain(stack, release, (version, kind)) {
            Some(but) => (but, Severity::Warning),
            None => (String::new(), Severity::Error),
        };
        let message = format!("{} is of `{version}`, {why}{but}", object.title());
        findings
            .at(release, object, message)
            .near(version)
            .severity(severity);
    }
}

/// Why it may be otherwise when the release is installed. Templates of a packaged chart are not read;
/// nor need they be where the cluster had a part in the rendering.
fn uncertain(stack: &Stack, release: &Release, (version, kind): (&str, &str)) -> Option<String> {
    let refused = (version.to_owned(), kind.to_owned());
    let is_as_installed = release.on_cluster || release.unserved.contains(&refused);
    let asks = release
        .templates
        .iter()
        .any(|(_, text)| text.contains("Capabilities"));
    if !is_as_installed && (asks || release.templates.is_empty()) {
        return Some("; the chart may render another version when it is installed".to_owned());
    }
    may_come(stack, release, (version, kind))
}

/// What may bring the kind by the time that helm looks for it. Versions of Kubernetes' own kinds come
/// with nothing.
fn may_come(stack: &Stack, release: &Release, (version, kind): (&str, &str)) -> Option<String> {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if !group.contains('.') || REMOVED.iter().any(|(removed, ..)| *removed == version) {
        return None;
    }
    if let Some(role) = stack.role(&["create", "patch"], &["customresourcedefinitions"]) {
        return Some(format!("; {} may bring its definition", role.title()));
    }
    let before = release.before.iter().map(|&at| &stack.releases[at]);
    let mut commands = before.clone().filter(|it| it.runs_before || it.runs_after);
    let own = Some(release).filter(|it| it.runs_before);
    if let Some(Release { id, .. }) = commands.next().or(own) {
        return Some(format!("; a command of release `{id}` may bring it"));
    }
    let mut objects = before.flat_map(|it| &it.objects);
    let maker = objects.find(|it| manifest::may_bring(&it.value, version, kind))?;
    Some(format!("; {} may bring it", maker.title()))
}
