use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "need-unstated",
    severity: Severity::Error,
    summary: "A pod uses an object of a release that its own does not need",
    why: "the two releases may start in any order, and the pod can't start before that object is there",
    remedy: "add the need to the profile",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (at, release, object) in stack.objects() {
        let Some(pod) = object.pod() else { continue };
        for it in pod.uses().iter().filter(|it| !it.optional) {
            let makers: Vec<usize> = stack
                .find(it.kind, &object.namespace, it.name)
                .map(|(of, _)| of)
                .collect();
            let is_met = |of: &usize| *of == at || release.before.contains(of);
            let Some(maker) = makers.first().filter(|_| !makers.iter().any(is_met)) else {
                continue;
            };
            let maker = &stack.releases[*maker].id;
            let message = format!(
                "{} uses {} `{}` of release `{maker}`, which `{}` does not need",
                object.title(),
                it.kind,
                it.name,
                release.id
            );
            findings.at(release, object, message).near(it.name);
        }
    }
}
