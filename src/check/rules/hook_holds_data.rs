use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::Object;
use crate::check::pod::PodSpec;
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
        let each_upgrade = hook.is_on(&["pre-upgrade", "post-upgrade"]);
        let severity = match object.kind.as_str() {
            // helm waits for a claim to go, and it stays as long as a pod mounts it.
            "PersistentVolumeClaim" if each_upgrade && is_served_from(stack, object) => {
                Severity::Error
            }
            "PersistentVolumeClaim" => Severity::Warning,
            // The same text is written again; what a program has put in is lost.
            "Secret" if each_upgrade && stack.role_for("Secret").is_some() => Severity::Note,
            _ => continue,
        };
        if hook.is_deleted_before_creation() {
            let message = format!(
                "{} is a hook, and helm deletes it before it makes it anew",
                object.title()
            );
            findings
                .at(release, object, message)
                .near("helm.sh/hook\"")
                .severity(severity);
        }
    }
}

fn is_served_from(stack: &Stack, claim: &Object) -> bool {
    let mut others = stack.objects().map(|(_, _, it)| it);
    others.any(|it| {
        let claims = it.pod().map(PodSpec::claims).unwrap_or_default();
        it.is_service_like()
            && it.hook.is_none()
            && it.namespace == claim.namespace
            && claims.iter().any(|of| of.name == claim.name)
    })
}
