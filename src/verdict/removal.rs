//! Hooks of a removal: which event they are of, in words.

use super::{
    Baseline, Cause, CompletedRule, Finding, Scope, assess, nobody_knows, nothing_repeats,
};
use crate::budget::Budgets;
use crate::names::ReleaseId;
use crate::snapshot::{Contents, World};

/// A hook of a removal that has failed; None where none of these is known to have.
pub fn failed_hook(id: &ReleaseId, world: &World, contents: &Contents) -> Option<Finding> {
    let scope = Scope {
        id,
        contents,
        applied: false,
        helm_at_work: true,
        before: &Baseline::default(),
        completed: CompletedRule::default(),
        repeating: nothing_repeats(),
        providers: nobody_knows(),
    };
    let assessment = assess(world, &scope, &Budgets::default());
    let mut findings = assessment.findings.into_iter();
    let mut finding = findings.find(|finding| finding.cause == Cause::HookFailed)?;
    name_event(&mut finding, contents);
    Some(finding)
}

/// Names the event in what is told of a hook of a removal: `pre-delete hook job/clean failed: ...`.
pub fn name_event(finding: &mut Finding, contents: &Contents) {
    let event = contents.delete_event(&finding.object);
    let (sentence, hook) = (&finding.verdict.sentence, finding.object.short());
    finding.verdict.sentence = match sentence.starts_with("hook ") {
        true => format!("{event} {sentence}"),
        false => format!("{event} hook {hook}: {sentence}"),
    };
}
