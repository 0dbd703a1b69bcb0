use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "wait-by-pattern",
    severity: Severity::Warning,
    summary: "A container looks for a pattern in the state of a Job",
    why: "`grep 1` also finds the 1 in 10 and 21, and a Job that has failed is waited for like one that runs",
    remedy: "ask for the condition: `kubectl wait --for=condition=complete`, or let the profile state the need",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for waiter in stack.waiters() {
        if waiter.script.greps_a_state() {
            let message = format!("{} greps the state of a Job", waiter.title());
            findings
                .at(waiter.release, waiter.object, message)
                .near("grep");
        }
    }
}
