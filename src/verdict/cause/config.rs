//! Containers that can't be made: what they refer to is missing, or forbidden
//! (kubelet `kuberuntime_container.go`).

use super::super::Hope;
use super::super::member::Member;
use super::super::missing::Missing;
use super::super::words::brief;
use super::report::Draft;
use super::{Case, Cause, Part};

pub fn find(case: &Case<'_>, member: &Member<'_>, part: &Part<'_>) -> Option<Draft> {
    let (reason, message) = part.waits()?;
    if !matches!(
        reason,
        "CreateContainerConfigError" | "CreateContainerError"
    ) {
        return None;
    }
    let subject = part.of(member);
    let missing = Missing::in_message(message, &member.pod.meta.namespace);
    let draft = if let Some(missing) = missing {
        let sentence = format!("{subject} can't start: {}", missing.sentence());
        Draft::new(
            Cause::Config,
            Hope::Likely(case.budgets.missing_object),
            sentence,
        )
        .missing(&missing)
    } else if message.contains("non-numeric user") {
        let sentence = format!(
            "{subject} must not run as root, and its image names its user without a number, so \
             nobody can tell"
        );
        Draft::new(Cause::Config, Hope::Certain, sentence).hint(format!(
            "set `securityContext.runAsUser` of `{}` to the number of that user",
            part.spec.name
        ))
    } else if message.contains("runAsNonRoot") || message.contains("non-root") {
        let sentence = format!("{subject} must not run as root, and its image does");
        Draft::new(Cause::Config, Hope::Certain, sentence).hint(format!(
            "set `securityContext.runAsUser` of `{}` to a user that the image knows",
            part.spec.name
        ))
    } else if message.contains("no command specified") {
        let sentence = format!("{subject} can't start: neither image nor chart names a command");
        Draft::new(Cause::Config, Hope::Certain, sentence)
            .hint(format!("set `command` of `{}`", part.spec.name))
    } else {
        let sentence = format!("{subject} can't be created: {}", brief(message));
        Draft::new(
            Cause::Config,
            Hope::Likely(case.budgets.failed_mount),
            sentence,
        )
    };
    Some(
        draft
            .of_container(part)
            .status(format!("pod/{}", member.pod.meta.name), reason, message),
    )
}
