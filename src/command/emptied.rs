//! Namespaces that stackctl has made, once the releases in them are gone.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, Emptied};
use crate::memory::ReleaseEnd;
use crate::names::{Namespace, RunId};
use crate::plan::Plan;
use crate::runner::Ended;
use crate::wording;

/// Where a run has removed releases of `plan`, and the stack has no other of them: `whole` is all that
/// its profile names.
pub fn of(plan: &Plan, ended: &Ended, whole: &Plan) -> BTreeSet<Namespace> {
    let is_removed = |step: &&crate::plan::Step| {
        let mut ends = ended.releases.iter();
        ends.any(|it| it.id == step.id && it.end == ReleaseEnd::Removed)
    };
    let (gone, left): (Vec<_>, Vec<_>) = plan.steps().iter().partition(is_removed);
    let stays = |namespace: &Namespace| {
        let is_gone = |name: &str| {
            let mut gone = gone.iter();
            gone.any(|it| it.namespace == *namespace && it.release.as_str() == name)
        };
        let mut others = whole.steps().iter().chain(left.iter().copied());
        *namespace == whole.namespace
            || others.any(|it| it.namespace == *namespace && !is_gone(it.release.as_str()))
    };
    let namespaces = gone.iter().map(|step| step.namespace.clone());
    namespaces.filter(|it| !stays(it)).collect()
}

/// Removes those that we have made, if nothing is left in them. Returns why others stay.
pub async fn remove(
    cluster: &Cluster,
    namespaces: impl IntoIterator<Item = Namespace>,
    run: &RunId,
) -> Vec<String> {
    let mut stay = Vec::new();
    for namespace in namespaces {
        let why = match cluster.remove_if_empty(&namespace, run).await {
            Ok(Emptied::Removed | Emptied::NotOurs) => continue,
            Ok(Emptied::Holds(what)) => format!("it holds {}", wording::folded(&what)),
            Ok(Emptied::Unknown(kind)) => format!("its {kind} may not be listed"),
            Ok(Emptied::Changed) => "somebody else has changed it meanwhile".to_owned(),
            Err(error) => error.to_string(),
        };
        stay.push(format!("namespace `{namespace}` stays: {why}"));
    }
    stay
}
