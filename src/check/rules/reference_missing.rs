use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "reference-missing",
    severity: Severity::Error,
    summary: "A pod uses an object that nobody makes",
    why: "a pod whose ServiceAccount is missing is never made, and one whose Secret, ConfigMap or claim is missing never starts",
    remedy: "render it in a release, or make it beforehand; `stackctl check --cluster` sees those that are there",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(pod) = object.pod() else { continue };
        for it in pod.uses().iter().filter(|it| !it.optional) {
            let rendered = stack
                .find(it.kind, &object.namespace, it.name)
                .next()
                .is_some();
            if rendered
                || claimed(stack, it.kind, it.name)
                || stack.exists(it.kind, &object.namespace, it.name)
            {
                continue;
            }
            let message = format!(
                "{} uses {} `{}`, which no release makes",
                object.title(),
                it.kind,
                it.name
            );
            let finding = findings.at(release, object, message).near(it.name);
            // Credentials are often made by hand, before the first run.
            if it.kind == "Secret" && stack.known.is_none() {
                finding.severity(Severity::Note);
            }
        }
    }
}

/// A StatefulSet makes claims by its templates: `TEMPLATE-SET-0`.
fn claimed(stack: &Stack, kind: &str, name: &str) -> bool {
    kind == "PersistentVolumeClaim"
        && stack.objects().any(|(_, _, set)| {
            let templates = set.at("/spec/volumeClaimTemplates").as_array();
            templates.into_iter().flatten().any(|template| {
                let own = template["metadata"]["name"].as_str().unwrap_or_default();
                name.starts_with(&format!("{own}-{}-", set.name))
            })
        })
}
