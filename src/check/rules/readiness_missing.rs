use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "readiness-missing",
    severity: Severity::Warning,
    summary: "A container behind a Service has no readiness probe",
    why: "it gets requests the moment it runs, before it can answer, and an upgrade goes on although it never will",
    remedy: "give the container a `readinessProbe` that asks what its clients will ask",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(pod) = object.pod().filter(|_| object.is_service_like()) else {
            continue;
        };
        let is_selected = stack.objects().any(|(_, _, it)| it.selects(object));
        let probed = pod
            .containers()
            .any(|container| container.0["readinessProbe"].is_object());
        if is_selected && !probed {
            let message = format!("no container of {} has a readiness probe", object.title());
            findings.at(release, object, message);
        }
    }
}
