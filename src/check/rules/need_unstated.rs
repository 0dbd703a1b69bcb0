use std::collections::BTreeSet;

use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::{Release, Stack};

pub const RULE: Rule = Rule {
    id: "need-unstated",
    severity: Severity::Error,
    summary: "A release uses an object of another one that it does not need",
    why: "the two releases may start in any order: the API server refuses an object whose definition is not there, helm takes over no namespace that was made without it, and a pod waits for what it uses, which is told as a failure where it takes longer than the budget for missing objects",
    remedy: "add the need to the profile",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    undefined(stack, findings);
    without_namespace(stack, findings);
    for (at, release, object) in stack.objects() {
        let Some(pod) = object.pod() else { continue };
        for it in pod.uses().iter().filter(|it| !it.optional) {
            let makers = stack.find(it.kind, &object.namespace, it.name);
            let Some(maker) = unmet(stack, at, makers.map(|(of, _)| of)) else {
                continue;
            };
            let mut message = format!(
                "{} uses {} `{}` of release `{}`, which `{}` does not need",
                object.title(),
                it.kind,
                it.name,
                maker.id,
                release.id
            );
            if maker.before.contains(&at) {
                message += &format!(" and can't, for `{}` needs it", maker.id);
            }
            // Its pods wait, and come up where it is made in time.
            findings
                .at(release, object, message)
                .near(it.name)
                .severity(Severity::Warning);
        }
    }
}

/// Custom resources whose definition another release brings.
fn undefined(stack: &Stack, findings: &mut Findings) {
    for (at, release, object) in stack.objects() {
        let key = (object.api_version.clone(), object.kind.clone());
        let served = stack.known.as_ref().map(|known| &known.served);
        if served.is_some_and(|served| served.contains(&key)) {
            continue;
        }
        let makers = stack.definition(object).map(|(of, _)| of);
        let Some(Release { id: maker, .. }) = unmet(stack, at, makers) else {
            continue;
        };
        let message = format!(
            "{} is of `{}`, which release `{maker}` brings, and `{}` does not need it",
            object.title(),
            object.api_version,
            release.id
        );
        findings
            .at(release, object, message)
            .near(&object.api_version);
    }
}

/// Releases with objects in a namespace that another release brings. It may be there before both.
fn without_namespace(stack: &Stack, findings: &mut Findings) {
    let mut looked_at = BTreeSet::new();
    for (at, release, object) in stack.objects() {
        let namespace = &object.namespace;
        if !looked_at.insert((at, namespace)) {
            continue;
        }
        let brought = stack
            .objects()
            .filter(|(_, _, it)| it.kind == "Namespace" && it.name == *namespace);
        let makers = brought.map(|(of, _, _)| of);
        let Some(Release { id: maker, .. }) = unmet(stack, at, makers) else {
            continue;
        };
        let message = format!(
            "{} is in namespace `{namespace}`, which release `{maker}` brings, and `{}` does not need it",
            object.title(),
            release.id
        );
        findings
            .at(release, object, message)
            .near(namespace)
            .severity(Severity::Warning);
    }
}

/// The first of these makers of something, where the release at `at` is none of them and needs none.
fn unmet(stack: &Stack, at: usize, makers: impl Iterator<Item = usize>) -> Option<&Release> {
    let makers: Vec<usize> = makers.collect();
    let is_met = |of: &usize| *of == at || stack.releases[at].before.contains(of);
    let first = makers.first().filter(|_| !makers.iter().any(is_met))?;
    Some(&stack.releases[*first])
}
