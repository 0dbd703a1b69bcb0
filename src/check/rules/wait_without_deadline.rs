use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "wait-without-deadline",
    severity: Severity::Warning,
    summary: "A container waits in a loop without an end",
    why: "what never comes, may not be asked for or has failed looks like `not yet`; the pod hangs and says nothing",
    remedy: "count the tries and end with a message and an exit code, or let the profile state the need",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for waiter in stack.waiters() {
        let deadline = [
            "/spec/activeDeadlineSeconds",
            "/spec/template/spec/activeDeadlineSeconds",
        ];
        let bounded = deadline
            .iter()
            .any(|pointer| waiter.object.at(pointer).is_u64());
        if waiter.script.loops_for_ever() && !bounded {
            let message = format!("{} loops until it has what it wants", waiter.title());
            findings
                .at(waiter.release, waiter.object, message)
                .near("until ");
        }
    }
}
