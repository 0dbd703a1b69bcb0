//! Definitions in a chart's folder `crds`. helm makes those that are not there in a first install, and
//! none in an upgrade, and changes none ever (`pkg/action/install.go`, `installCRDs`).

use super::Action;
use super::definitions::Definitions;
use super::look::{LookError, Scene, Seen};
use crate::cluster::{Answer, Trial};
use crate::helm;
use crate::plan::Step;
use crate::snapshot::ObjectRef;
use crate::wording;

/// Warns of those that the cluster has otherwise, or not at all, once helm is through.
///
/// # Errors
/// The cluster can't be asked, or helm was stopped.
pub async fn look(
    scene: Scene<'_>,
    definitions: &mut Definitions<'_>,
    seen: &mut [Seen],
) -> Result<(), LookError> {
    for (at, step) in scene.plan.steps().iter().enumerate() {
        let action = seen[at].preview.action;
        let is_made = matches!(action, Action::Install | Action::Upgrade);
        if !is_made || seen[at].preview.applied.is_some() {
            continue;
        }
        let mut old = Vec::new();
        for (object, value) in definitions.of_folder(at).await? {
            let trial = scene.cluster.try_apply(&object, &value, true).await?;
            if stays_other(action, &trial) {
                old.push(object);
            }
        }
        if !old.is_empty() {
            seen[at].preview.warnings.push(warning(step, &old));
        }
    }
    Ok(())
}

/// It is not as the chart has it, and helm leaves that so.
fn stays_other(action: Action, trial: &Trial) -> bool {
    match (&trial.before, &trial.answer) {
        (Some(before), Answer::Accepted(after)) => before["spec"] != after["spec"],
        (None, Answer::Accepted(_)) => action == Action::Upgrade,
        _ => false,
    }
}

fn warning(step: &Step, old: &[ObjectRef]) -> String {
    let names: Vec<String> = old.iter().map(ObjectRef::short).collect();
    let chart = helm::shown(&step.chart);
    let is = if names.len() == 1 { "is" } else { "are" };
    format!(
        "{} of its chart's folder `crds` {is} not so in the cluster, and helm leaves that as it is: \
         `helm show crds {chart} | kubectl apply --server-side --force-conflicts -f -` brings it",
        wording::folded(&names)
    )
}
