use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "deadline-short",
    severity: Severity::Warning,
    summary: "A Deployment gives up before its release does",
    why: "init containers count into `progressDeadlineSeconds`: the Deployment reports a failure while they are still within the time that the profile gives",
    remedy: "raise `progressDeadlineSeconds` above the release's `timeout`, or lower that",
    check,
};

/// The API server's default.
const DEFAULT: u64 = 600;

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects().filter(|(_, _, it)| it.is("Deployment")) {
        let has_inits = object
            .pod()
            .is_some_and(|pod| pod.inits().any(|it| !it.is_sidecar()));
        let deadline = object
            .at("/spec/progressDeadlineSeconds")
            .as_u64()
            .unwrap_or(DEFAULT);
        if has_inits && deadline < release.timeout {
            let message = format!(
                "{} gives up after {deadline} s, its release has {} s",
                object.title(),
                release.timeout
            );
            findings
                .at(release, object, message)
                .near("progressDeadlineSeconds");
        }
    }
}
