//! Needs that no run can meet: on an object that the other release does not have.

use super::Action;
use super::look::Seen;
use crate::plan::{Plan, Until};

/// Tells of the releases that `up` would fail for such a need.
pub fn look(plan: &Plan, seen: &mut [Seen]) {
    for (at, step) in plan.steps().iter().enumerate() {
        let absent = step.sooner.iter().find_map(|sooner| {
            let parts = seen[sooner.need].parts.as_ref()?;
            let is_absent = |until: &&Until| match until {
                Until::Object { kind, name } => !parts.iter().any(|it| it.is_called(kind, name)),
                Until::Ready | Until::Deployed => false,
            };
            let until = sooner.until.iter().find(is_absent)?;
            Some(until.of_none(plan.steps()[sooner.need].id.as_str()))
        });
        let preview = &mut seen[at].preview;
        if let (Some(absent), None) = (absent, &preview.why) {
            preview.action = Action::Fail;
            preview.why = Some(absent);
        }
    }
}
