use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "image-never-pulled",
    severity: Severity::Warning,
    summary: "An image is never pulled",
    why: "with `imagePullPolicy: Never` a node that has not got the image can't start the pod, and one that has an old one goes on with it",
    remedy: "write `IfNotPresent`, and name a version",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (release, object, container) in stack.containers() {
        if container.0["imagePullPolicy"] == "Never" {
            let message = format!(
                "container `{}` of {} never pulls its image",
                container.name(),
                object.title()
            );
            findings
                .at(release, object, message)
                .near("imagePullPolicy");
        }
    }
}
