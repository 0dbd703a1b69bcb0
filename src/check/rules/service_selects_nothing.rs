use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "service-selects-nothing",
    severity: Severity::Warning,
    summary: "A Service selects no pod of the stack",
    why: "as long as nobody else makes such a pod it has no endpoint, and whoever connects to it is refused",
    remedy: "give the Service's `selector` the labels of the pod template",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, service) in stack.objects().filter(|(_, _, it)| it.is("Service")) {
        let selector = service.at("/spec/selector").as_object();
        let has_selector = selector.is_some_and(|selector| !selector.is_empty());
        // Pods of other namespaces are others' to make: those of the control plane in `kube-system`.
        if !has_selector
            || !stack.is_ours(&service.namespace)
            || stack.objects().any(|(_, _, it)| service.selects(it))
        {
            continue;
        }
        let (but, severity) = match stack.pod_maker(service) {
            Some(maker) => (maker.may("or label them"), Severity::Note),
            None => (String::new(), Severity::Warning),
        };
        let message = format!("{} selects no pod of any release{but}", service.title());
        findings
            .at(release, service, message)
            .near("selector:")
            .severity(severity);
    }
}
