use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "requests-missing",
    severity: Severity::Warning,
    summary: "A container does not say what it needs",
    why: "without requests the scheduler packs nodes too full, and these pods are the first to be evicted",
    remedy: "give every container `resources.requests` for `cpu` and `memory`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (release, object, container) in stack.containers() {
        let resources = &container.0["resources"];
        // A limit alone counts as a request of the same size.
        let says = |what: &str| {
            !resources["requests"][what].is_null() || !resources["limits"][what].is_null()
        };
        if !says("cpu") || !says("memory") {
            let message = format!(
                "container `{}` of {} has no requests",
                container.name(),
                object.title()
            );
            findings.at(release, object, message);
        }
    }
}
