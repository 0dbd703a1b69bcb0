use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;
use crate::check::wait::Target;

pub const RULE: Rule = Rule {
    id: "pod-waits-for-job",
    severity: Severity::Warning,
    summary: "Every start of a pod needs a Job that has ended",
    why: "a pod that starts later, after a drain, a crash or by an autoscaler, needs the finished Job to be there still; whoever cleans it up stops the service",
    remedy: "let the profile state the need: then the release starts when the Job is done, and its pods need nothing of it",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    stack.each_wait(|waiter, awaited, target| {
        let Target::Object(_, job) = target else {
            return;
        };
        if job.is("Job") && waiter.object.is_service_like() {
            let message = format!("{} waits for {}", waiter.title(), job.title());
            findings
                .at(waiter.release, waiter.object, message)
                .near(&awaited.name);
        }
    });
}
