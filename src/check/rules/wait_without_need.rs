use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;
use crate::check::wait::Target;

pub const RULE: Rule = Rule {
    id: "wait-without-need",
    severity: Severity::Warning,
    summary: "A container waits for an object of a release that its own does not need",
    why: "the two releases may start in any order, and a removed or renewed object is waited for in vain",
    remedy: "add the need to the profile; then the container need not wait at all",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    stack.each_wait(|waiter, awaited, target| {
        let Target::Object(at, object) = target else {
            return;
        };
        if at == waiter.at || waiter.release.before.contains(&at) {
            return;
        }
        let message = format!(
            "{} waits for {} of release `{}`, which `{}` does not need",
            waiter.title(),
            object.title(),
            stack.releases[at].id,
            waiter.release.id
        );
        findings
            .at(waiter.release, waiter.object, message)
            .near(&awaited.name);
    });
}
