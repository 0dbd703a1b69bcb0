use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::hook::Hook;
use crate::check::stack::Stack;
use crate::check::wait::Target;

pub const RULE: Rule = Rule {
    id: "wait-for-short-lived-job",
    severity: Severity::Warning,
    summary: "A container waits for a Job that the cluster removes",
    why: "with `ttlSecondsAfterFinished` the Job is gone some time after its end, as a hook with `hook-succeeded` is at once; a pod that starts later waits for ever",
    remedy: "let the profile state the need, and take the wait out of the pod",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    stack.each_wait(|waiter, awaited, target| {
        let Target::Object(at, job) = target else {
            return;
        };
        let ttl = job.at("/spec/ttlSecondsAfterFinished").as_u64();
        let hook = job.hook.as_ref();
        let deleted = hook.is_some_and(Hook::is_deleted_once_through);
        let removed = match ttl {
            Some(seconds) => format!("{seconds} s after its end"),
            None if deleted => "as soon as it has succeeded".to_owned(),
            None => return,
        };
        if job.is("Job") && (at == waiter.at || waiter.release.before.contains(&at)) {
            let message = format!(
                "{} waits for {}, which is removed {removed}",
                waiter.title(),
                job.title()
            );
            findings
                .at(waiter.release, waiter.object, message)
                .near(&awaited.name);
        }
    });
}
