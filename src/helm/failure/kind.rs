//! Kinds that the cluster does not serve: a custom resource before its definition, or an API that
//! the cluster has dropped.

use super::parse::{Said, between};
use super::{About, Cause, Failure};
use crate::runner::ports::MissingKind;
use crate::wording;

/// Kubernetes' own groups: what is missing there was dropped, or is yet to come.
const OWN: [&str; 16] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    const MARK: &str = "no matches for kind \"";
    let text = said.text.as_str();
    let mut kinds: Vec<MissingKind> = Vec::new();
    let mut first_object = None;
    let mut before = "";
    for (number, part) in text.split(MARK).enumerate() {
        if number > 0 {
            let kind = part.split('"').next()?.to_owned();
            let api_version = between(part, "in version \"", "\"")?.to_owned();
            let name = before.rsplit_once("for name: \"").map(|(_, name)| name);
            let name = name
                .and_then(|name| name.split('"').next())
                .filter(|n| !n.is_empty());
            first_object = first_object.or_else(|| name.map(|name| format!("{kind} {name}")));
            let missing = MissingKind { api_version, kind };
            if !kinds.contains(&missing) {
                kinds.push(missing);
            }
        }
        before = part;
    }
    let told: Vec<String> = kinds
        .iter()
        .map(|kind| format!("`{}` of `{}`", kind.kind, kind.api_version))
        .collect();
    let first = kinds.first()?;
    let noun = if kinds.len() == 1 { "kind" } else { "kinds" };
    let sentence = format!("the cluster does not know {noun} {}", wording::list(&told));
    let hints = hints(about, first, text);
    let mut failure = Failure::new(Cause::MissingKinds(kinds), sentence);
    failure.chain = first_object.into_iter().collect();
    failure.hints = hints;
    Some(failure)
}

fn hints(about: &About<'_>, kind: &MissingKind, text: &str) -> Vec<String> {
    let (group, version) = kind
        .api_version
        .split_once('/')
        .unwrap_or(("", &kind.api_version));
    if text.contains("from current release manifest") {
        return vec![format!(
            "the revision that is deployed uses it, and the cluster has dropped it since: the plugin \
             `helm mapkubeapis` puts the record of `{}` right",
            about.release
        )];
    }
    if about.uninstalls {
        return of_removal(about, kind, OWN.contains(&group));
    }
    let serves = about.kubectl(None, &format!("api-resources --api-group={group}"));
    if OWN.contains(&group) {
        return vec![
            format!("`{serves}` lists what it knows"),
            format!(
                "take a version of the chart that does not use `{group}/{version}`, or a cluster \
                 that has it"
            ),
        ];
    }
    vec![
        format!(
            "if another release brings it, name that one in this one's `needs`; else install what \
             defines `{}` first",
            kind.kind
        ),
        "a chart can't bring a kind in `templates` and use it at once; its `crds` folder can"
            .into(),
    ]
}

/// helm deletes nothing of a release while it can't find one of its kinds. The objects of that kind went
/// with its definition.
fn of_removal(about: &About<'_>, kind: &MissingKind, is_dropped: bool) -> Vec<String> {
    let (release, namespace) = (about.release, about.namespace);
    let again = match is_dropped {
        true => format!(
            "the plugin `helm mapkubeapis` puts the record of `{release}` right where the cluster has \
             dropped the kind; then try again"
        ),
        false => format!(
            "install what defines `{}` again, then try again: helm deletes nothing of `{release}` \
             while one of its kinds is missing",
            kind.kind
        ),
    };
    let list = about.helm(&format!("get manifest {release}"));
    let records = about.kubectl(
        Some(namespace.as_str()),
        &format!("delete secret -l owner=helm,name={release}"),
    );
    vec![
        again,
        format!(
            "or do without helm: delete what is left of what `{list}` lists, and then helm's records of \
             it: `{records}`"
        ),
    ]
}
