//! Containers that have to end, and only repeat themselves.

use crate::event::ContainerRole;
use crate::snapshot::ContainerState;

use super::super::Hope;
use super::super::member::{Keeper, Member};
use super::super::words::brief;
use super::report::Draft;
use super::{Case, Cause, Part};

/// An init container, or one of a hook or Job, that keeps printing what it has printed before: a
/// loop that waits for something. Silence proves nothing, a long migration prints nothing either.
pub fn find(case: &Case<'_>, member: &Member<'_>, part: &Part<'_>) -> Option<Draft> {
    let pod = member.pod;
    let has_to_end = match part.role {
        ContainerRole::Init | ContainerRole::Hook => true,
        ContainerRole::Main => member.keeper == Keeper::Job,
        ContainerRole::Sidecar => false,
    };
    if !has_to_end || !matches!(part.status.state, ContainerState::Running { .. }) {
        return None;
    }
    let name = &part.spec.name;
    let line = case.repeats(pod, name)?;
    let sentence = format!(
        "{} keeps printing the same: `{}`",
        part.of(member),
        brief(line)
    );
    let hope = Hope::Likely(case.budgets.no_activity);
    Some(
        Draft::new(Cause::NoActivity, hope, sentence)
            .of_container(part)
            .log(pod, name, part.status.restarts + 1)
            .hint(
                "what it waits for never came: a `needs` edge to the release that brings it says \
                 so at once, where a loop in the pod goes on for ever",
            )
            .hint(case.logs_hint(part.role)),
    )
}
