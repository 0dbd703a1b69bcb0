use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::hook::late;
use crate::check::object::Object;
use crate::check::pod::PodSpec;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "hook-order",
    severity: Severity::Error,
    summary: "A hook runs before the hook object that it uses",
    why: "helm makes hooks one after the other, by weight, then by name, and of one name by kind; what is used comes later, and helm waits for a Job that can't start",
    remedy: "give what is used a lower `helm.sh/hook-weight`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (at, release, object) in stack.objects().filter(|(_, _, it)| it.hook.is_some()) {
        let uses = object.pod().map(PodSpec::uses).unwrap_or_default();
        for it in uses.iter().filter(|it| !it.optional) {
            let own = stack.find(it.kind, &object.namespace, it.name);
            let own: Vec<&Object> = own.filter(|(of, _)| *of == at).map(|(_, it)| it).collect();
            let Some((used, event)) = late(object, &own).filter(|(used, _)| used.hook.is_some())
            else {
                continue;
            };
            let message = format!(
                "hook {} uses {}, which helm makes after it at `{event}`",
                object.title(),
                used.title()
            );
            findings
                .at(release, object, message)
                .near("helm.sh/hook-weight");
        }
    }
}
