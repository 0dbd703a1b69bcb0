use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;
use crate::wording;

pub const RULE: Rule = Rule {
    id: "job-unbounded",
    severity: Severity::Warning,
    summary: "A Job has no end of its own",
    why: "without `activeDeadlineSeconds` it may hang for ever, and without `backoffLimit` it is tried six times",
    remedy: "set both, the deadline below the release's `timeout`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let spec = match object.kind.as_str() {
            "Job" => object.at("/spec"),
            "CronJob" => object.at("/spec/jobTemplate/spec"),
            _ => continue,
        };
        let missing: Vec<&str> = ["backoffLimit", "activeDeadlineSeconds"]
            .into_iter()
            .filter(|key| spec[*key].is_null())
            .collect();
        if !missing.is_empty() {
            let message = format!("{} has no {}", object.title(), wording::list(&missing));
            findings.at(release, object, message);
        }
    }
}
