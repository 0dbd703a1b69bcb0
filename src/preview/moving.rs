//! Objects that go from one release to a later one. helm refuses what another release owns, though
//! that one's own upgrade will have deleted it by then.

use std::collections::BTreeMap;

use serde_json::Value;

use super::definitions::Coming;
use super::look::{LookError, Scene, Seen, release_apart};
use super::{After, Compared};
use crate::plan::{Plan, Step};

/// By object and namespace, the release that deletes it.
type Leaving = BTreeMap<(String, Option<String>), String>;

/// Looks again at the releases that helm refuses for the sake of such objects alone.
///
/// # Errors
/// As for a look.
pub async fn look(scene: Scene<'_>, seen: &mut [Seen]) -> Result<(), LookError> {
    let plan = scene.plan;
    for at in 0..seen.len() {
        let leaving = leaving(plan, at, seen);
        let for_these = |it: &String| leaving.keys().any(|(object, _)| object == it);
        if !seen[at].refused_for.iter().any(for_these) {
            continue;
        }
        let step = &plan.steps()[at];
        let mut again = release_apart(scene, step, &Coming::default()).await?;
        for one in &mut again.compared {
            settle(one, &leaving, step);
        }
        seen[at] = again;
    }
    Ok(())
}

/// What the releases delete that the one at `at` needs.
fn leaving(plan: &Plan, at: usize, seen: &[Seen]) -> Leaving {
    let mut leaving = Leaving::new();
    for before in plan.before(at) {
        let deleted = seen[before].compared.iter();
        for one in deleted.filter(|it| it.after == After::Deleted) {
            let key = (one.object.clone(), one.namespace.clone());
            leaving.insert(key, plan.steps()[before].id.to_string());
        }
    }
    leaving
}

/// helm has not looked at the others yet that another release owns.
fn settle(one: &mut Compared, leaving: &Leaving, step: &Step) {
    let key = (one.object.clone(), one.namespace.clone());
    if let Some(from) = leaving.get(&key) {
        one.before = None;
        one.after = After::New;
        one.note = Some(format!("release {from} deletes it before"));
        return;
    }
    let owner = one.before.as_ref().and_then(owner);
    if let Some(owner) = owner.filter(|it| *it != step.release.as_str())
        && one.after != After::Deleted
    {
        one.after = After::Refused(format!("it belongs to release `{owner}`"));
    }
}

fn owner(object: &Value) -> Option<&str> {
    object
        .pointer("/metadata/annotations/meta.helm.sh~1release-name")?
        .as_str()
}
