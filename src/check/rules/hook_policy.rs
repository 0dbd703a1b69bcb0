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
        for policy in policies.filter(|policy| !KNOWN.contains(&policy.as_str())) {
            let message = format!("the delete policy of hook {} is `{policy}`", object.title());
            findings
                .at(release, object, message)
                .near("helm.sh/hook-delete-policy");
        }
    }
}
