use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "hook-holds-data",
    severity: Severity::Error,
    summary: "A hook object holds data, and helm deletes it before each run",
    why: "the default policy of a hook is `before-hook-creation`: every upgrade deletes the object with all that is in it, and `helm.sh/resource-policy: keep` is not asked",
    remedy: "make it an ordinary object with `helm.sh/resource-policy: keep`, in a release of its own that the others need",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(hook) = &object.hook else { continue };
        let holds_data = object.is("PersistentVolumeClaim")
            || object.is("Secret") && hook.is_on(&["pre-upgrade", "post-upgrade"]);
        if holds_data && hook.is_deleted_before_creation() {
            let message = format!(
                "{} is a hook, and helm deletes it before it makes it anew",
                object.title()
            );
            findings.at(release, object, message).near("helm.sh/hook\"");
        }
    }
}
