use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::pod::PodSpec;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "hook-writes-live-volume",
    severity: Severity::Warning,
    summary: "A hook writes before an upgrade into a volume that others are reading",
    why: "the old pods go on serving from that volume, half of it new, and a rollback brings nothing back",
    remedy: "copy into a folder of its own for each version, and switch when the new pods start",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let hook = object
            .hook
            .as_ref()
            .filter(|hook| hook.is_on(&["pre-upgrade"]));
        let (Some(_), Some(pod)) = (hook, object.pod()) else {
            continue;
        };
        for claim in pod.claims().iter().filter(|claim| !claim.read_only) {
            let reader = stack.objects().find(|(_, _, other)| {
                let claims = other
                    .pod()
                    .filter(|_| other.is_service_like())
                    .map(PodSpec::claims);
                let mut claims = claims.into_iter().flatten();
                other.namespace == object.namespace && claims.any(|it| it.name == claim.name)
            });
            if let Some((_, _, reader)) = reader {
                let message = format!(
                    "hook {} writes into claim `{}` while {} serves from it",
                    object.title(),
                    claim.name,
                    reader.title()
                );
                findings.at(release, object, message).near(claim.name);
            }
        }
    }
}
