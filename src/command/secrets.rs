//! Values that are fetched when a run begins.

use std::collections::HashMap;

use super::Context;
use crate::error::{Failure, Kind};
use crate::mask;
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::process;
use crate::profile::{self, Diagnostic, Fetched, Profile, ValuesFrom};
use crate::wording;

/// Fetches what the releases of a plan want, each source once, however many want it.
///
/// # Errors
/// Everything that could not be fetched, with its place in the profile.
pub async fn fetch(
    context: &Context,
    profile: &Profile,
    plan: &Plan,
) -> Result<HashMap<ReleaseId, Vec<Fetched>>, Failure> {
    if plan.steps().iter().all(|step| step.values_from.is_empty()) {
        return Ok(HashMap::new());
    }
    let leash = process::own_binary();
    let mut known: Vec<(&ValuesFrom, Option<Fetched>)> = Vec::new();
    let mut errors: Vec<Diagnostic> = Vec::new();
    let mut fetched: HashMap<ReleaseId, Vec<Fetched>> = HashMap::new();
    let _waiting = context.environment.waiting_for("fetching values");
    for step in plan.steps() {
        for from in &step.values_from {
            let layer = match known.iter().find(|(other, _)| *other == from) {
                Some((_, layer)) => layer.clone(),
                None => {
                    let layer =
                        profile::fetch(from, &profile::process_environment, leash.as_deref()).await;
                    let layer = layer.map_err(|error| {
                        let mut diagnostic = profile.error_at(from.place, &error.message);
                        for hint in &error.hints {
                            diagnostic.hint(hint);
                        }
                        errors.push(diagnostic);
                    });
                    known.push((from, layer.clone().ok()));
                    layer.ok()
                }
            };
            fetched.entry(step.id.clone()).or_default().extend(layer);
        }
    }
    let words = fetched.values().flatten().flat_map(|it| &it.words);
    mask::keep_secret(words.cloned(), names(plan));
    if errors.is_empty() {
        return Ok(fetched);
    }
    let what = wording::count(errors.len(), "layer");
    let failure = Failure::new(
        Kind::Environment,
        format!("{what} of values can't be fetched"),
    );
    Err(failure.details([
        String::new(),
        profile::ProfileErrors::of(errors).to_string(),
    ]))
}

/// What every line may name, and so is no secret.
fn names(plan: &Plan) -> Vec<String> {
    let mut names = vec![plan.stack.to_string(), plan.namespace.to_string()];
    for step in plan.steps() {
        names.extend([
            step.id.to_string(),
            step.release.to_string(),
            step.namespace.to_string(),
        ]);
    }
    names
}
