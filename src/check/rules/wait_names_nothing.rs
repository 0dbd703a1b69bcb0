use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::script::Awaited;
use crate::check::stack::Stack;
use crate::check::wait::Target;

pub const RULE: Rule = Rule {
    id: "wait-names-nothing",
    severity: Severity::Warning,
    summary: "A container waits for something that no release has",
    why: "it waits until its release is given up; a name that is built from the release's own name never is that of another release",
    remedy: "name the object as its own release does, or better: let the profile say what the release needs",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    stack.each_wait(|waiter, awaited, target| {
        let kind = match awaited.kind {
            "Host" => "Service",
            kind => kind,
        };
        let namespace = awaited.namespace.as_deref();
        let namespace = namespace.unwrap_or(&waiter.object.namespace);
        let maker = stack.maker(kind, &awaited.name, namespace);
        let (but, severity) = match (target, maker) {
            (Target::Object(..) | Target::Foreign, _) => return,
            (Target::Unseen, _) => (
                format!("which no release has; {}", stack.unasked()),
                Severity::Note,
            ),
            (Target::Nothing, Some(maker)) => (
                format!("which no release has{}", maker.may("it")),
                Severity::Note,
            ),
            (Target::Nothing, None) => {
                let similar = similar(stack, awaited).unwrap_or_default();
                let where_to = match stack.known {
                    Some(_) => "which neither a release nor this cluster has",
                    None => "which no release has",
                };
                (format!("{where_to}{similar}"), Severity::Warning)
            }
        };
        let what = match awaited.kind {
            "Host" => "host",
            kind => kind,
        };
        let message = format!(
            "{} asks for {what} `{}`, {but}",
            waiter.title(),
            awaited.name
        );
        findings
            .at(waiter.release, waiter.object, message)
            .near(&awaited.name)
            .severity(severity);
    });
}

fn similar(stack: &Stack, awaited: &Awaited) -> Option<String> {
    let kind = match awaited.kind {
        "Host" => "Service",
        kind => kind,
    };
    let mut all = stack.objects().filter(|(_, _, object)| object.kind == kind);
    let (_, release, object) = all.find(|(_, _, object)| {
        awaited.name.contains(&object.name) || object.name.contains(&awaited.name)
    })?;
    Some(format!("; release `{}` has {}", release.id, object.title()))
}
