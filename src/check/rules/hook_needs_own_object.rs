use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::{Hook, Object};
use crate::check::stack::Stack;
use crate::check::wait::Target;

pub const RULE: Rule = Rule {
    id: "hook-needs-own-object",
    severity: Severity::Error,
    summary: "A hook uses an ordinary object of its own release",
    why: "helm runs `pre-` hooks before it makes the ordinary objects of their release, so at a first install it waits for what never comes",
    remedy: "make that object a hook too, with a lower weight, or put it into a release that this one needs",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (at, release, object) in stack.objects() {
        let before = object.hook.as_ref().is_some_and(Hook::is_before);
        let Some(pod) = object.pod().filter(|_| before) else {
            continue;
        };
        for it in pod.uses().iter().filter(|it| !it.optional) {
            if let Some(own) = ordinary(stack, at, it.kind, &object.namespace, it.name) {
                let message = format!(
                    "hook {} uses {}, which helm makes only after it",
                    object.title(),
                    own.title()
                );
                findings.at(release, object, message).near(it.name);
            }
        }
    }
    stack.each_wait(|waiter, awaited, target| {
        let Target::Object(at, target) = target else {
            return;
        };
        let before = waiter.object.hook.as_ref().is_some_and(Hook::is_before);
        if before && at == waiter.at && target.hook.is_none() {
            let message = format!(
                "{} waits for {}, which helm makes only after this hook",
                waiter.title(),
                target.title()
            );
            findings
                .at(waiter.release, waiter.object, message)
                .near(&awaited.name);
        }
    });
}

fn ordinary<'a>(
    stack: &'a Stack,
    at: usize,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Option<&'a Object> {
    let all: Vec<(usize, &Object)> = stack.find(kind, namespace, name).collect();
    let has_hook = all.iter().any(|(_, object)| object.hook.is_some());
    let own = all
        .into_iter()
        .find(|(of, object)| *of == at && object.hook.is_none());
    own.filter(|_| !has_hook).map(|(_, object)| object)
}
