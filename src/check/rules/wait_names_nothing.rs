use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::script::Awaited;
use crate::check::stack::Stack;
use crate::check::wait::Target;

pub const RULE: Rule = Rule {
    id: "wait-names-nothing",
    severity: Severity::Error,
    summary: "A container waits for something that no release has",
    why: "it waits until its release is given up; a name that is built from the release's own name never is that of another release",
    remedy: "name the object as its own release does, or better: let the profile say what the release needs",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    stack.each_wait(|waiter, awaited, target| {
        let Target::Nothing = target else {
            return;
        };
        let what = match awaited.kind {
            "Host" => "host".to_owned(),
            kind => kind.to_owned(),
        };
        let similar = similar(stack, awaited);
        let message = format!(
            "{} waits for {what} `{}`, which no release has{}",
            waiter.title(),
            awaited.name,
            similar.unwrap_or_default()
        );
        findings
            .at(waiter.release, waiter.object, message)
            .near(&awaited.name);
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
