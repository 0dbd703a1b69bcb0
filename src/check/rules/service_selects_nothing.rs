use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "service-selects-nothing",
    severity: Severity::Error,
    summary: "A Service selects no pod of the stack",
    why: "it never has an endpoint, and whoever connects to it is refused",
    remedy: "give the Service's `selector` the labels of the pod template",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, service) in stack.objects().filter(|(_, _, it)| it.is("Service")) {
        let selector = service.at("/spec/selector").as_object();
        let has_selector = selector.is_some_and(|selector| !selector.is_empty());
        if has_selector && !stack.objects().any(|(_, _, it)| service.selects(it)) {
            let message = format!("{} selects no pod of any release", service.title());
            findings.at(release, service, message).near("selector:");
        }
    }
}
