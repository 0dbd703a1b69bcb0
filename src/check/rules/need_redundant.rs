use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "need-redundant",
    severity: Severity::Note,
    summary: "A need is implied by another one",
    why: "it changes nothing, and the graph is harder to read",
    remedy: "take it out, unless it is meant to stay when the other one goes",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for release in &stack.releases {
        for (need, place) in &release.redundant {
            let message = format!(
                "`{}` needs `{need}` through another need already",
                release.id
            );
            findings.in_profile(release, *place, message);
        }
    }
}
