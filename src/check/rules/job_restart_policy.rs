use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "job-restart-policy",
    severity: Severity::Error,
    summary: "A Job does not say what becomes of a pod that failed",
    why: "the API server refuses a Job whose `restartPolicy` is not `Never` or `OnFailure`; `Always` is the default",
    remedy: "write `restartPolicy: Never`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(pod) = object
            .pod()
            .filter(|_| object.is("Job") || object.is("CronJob"))
        else {
            continue;
        };
        let policy = pod.0["restartPolicy"].as_str();
        if !matches!(policy, Some("Never" | "OnFailure")) {
            let policy = policy.unwrap_or("not given");
            let message = format!("the `restartPolicy` of {} is {policy}", object.title());
            findings.at(release, object, message).near("restartPolicy");
        }
    }
}
