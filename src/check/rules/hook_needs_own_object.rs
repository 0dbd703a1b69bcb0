use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::hook::late;
use crate::check::object::Object;
use crate::check::pod::PodSpec;
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
    for (at, release, object) in stack.objects().filter(|(_, _, it)| it.hook.is_some()) {
        let uses = object.pod().map(PodSpec::uses).unwrap_or_default();
        for it in uses.iter().filter(|it| !it.optional) {
            let all = stack.find(it.kind, &object.namespace, it.name);
            let (own, others): (Vec<_>, Vec<_>) = all.partition(|(of, _)| *of == at);
            let own: Vec<&Object> = own.into_iter().map(|(_, it)| it).collect();
            let ordinary = late(object, &own).filter(|(used, _)| used.hook.is_none());
            if let Some((own, _)) = ordinary.filter(|_| others.is_empty()) {
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
        if at == waiter.at && waiter.object.runs_before(target).is_some() && target.hook.is_none() {
            let message = format!(
                "{} asks for {}, which helm makes only after this hook",
                waiter.title(),
                target.title()
            );
            findings
                .at(waiter.release, waiter.object, message)
                .near(&awaited.name)
                // A script may go on without it.
                .severity(Severity::Warning);
        }
    });
}
