use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "hook-weight",
    severity: Severity::Error,
    summary: "A hook's weight is no whole number",
    why: "helm takes such a weight for 0, and the order is another than the one that was meant",
    remedy: "write a whole number in quotes, as `\"-5\"`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let weight = object.hook.as_ref().and_then(|hook| hook.weight.as_ref());
        let wrong = weight.filter(|text| !text.is_empty() && text.parse::<i64>().is_err());
        if let Some(text) = wrong {
            let message = format!("the weight of hook {} is `{text}`", object.title());
            findings
                .at(release, object, message)
                .near("helm.sh/hook-weight");
        }
    }
}
