use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "hook-policy",
    severity: Severity::Error,
    summary: "A hook's delete policy is none that helm knows",
    why: "helm then never deletes the object, and the next run fails because it is there already",
    remedy: "write `before-hook-creation`, `hook-succeeded` or `hook-failed`",
    check,
};

const KNOWN: [&str; 3] = ["before-hook-creation", "hook-succeeded", "hook-failed"];

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let policies = object.hook.iter().flat_map(|hook| &hook.policies);
        let is_known = |policy: &&String| KNOWN.contains(&policy.as_str());
        let (known, unknown): (Vec<_>, Vec<_>) = policies.partition(is_known);
        for policy in unknown {
            let message = format!("the delete policy of hook {} is `{policy}`", object.title());
            // Another policy that it has still holds.
            let severity = match known.is_empty() {
                true => Severity::Error,
                false => Severity::Warning,
            };
            findings
                .at(release, object, message)
                .near("helm.sh/hook-delete-policy")
                .severity(severity);
        }
    }
}
