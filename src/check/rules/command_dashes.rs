use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "command-dashes",
    severity: Severity::Error,
    summary: "A `command` begins with an option",
    why: "`command` takes the place of the image's entry point, so the container runs a program of that name, which there is not; what Compose calls `command` is `args` here",
    remedy: "write `args` instead of `command`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (release, object, container) in stack.containers() {
        let first = container.0["command"][0].as_str();
        if let Some(first) = first.filter(|word| word.starts_with('-')) {
            let message = format!(
                "the `command` of container `{}` of {} begins with `{first}`",
                container.name(),
                object.title()
            );
            findings.at(release, object, message).near("command:");
        }
    }
}
