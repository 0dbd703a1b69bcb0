use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::Object;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "object-twice",
    severity: Severity::Error,
    summary: "Two releases make the same object",
    why: "helm refuses the second one: the object belongs to the first",
    remedy: "give one of them another name or namespace, or make it in one release that both need",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (at, release, object) in stack.objects() {
        if object.hook.is_some() || object.is_of_crds() {
            continue;
        }
        let same = |other: &Object| {
            other.kind == object.kind
                && other.namespace == object.namespace
                && other.name == object.name
                && other.group() == object.group()
                && other.hook.is_none()
                && !other.is_of_crds()
        };
        let first = stack
            .objects()
            .find(|(of, _, other)| *of < at && same(other));
        if let Some((_, other, _)) = first {
            let message = format!("{} is made by release `{}` too", object.title(), other.id);
            findings.at(release, object, message);
        }
    }
}
