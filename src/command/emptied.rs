//! Namespaces that stackctl has made, once the releases in them are gone.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, Emptied};
use crate::memory::ReleaseEnd;
use crate::names::{Namespace, RunId};
use crate::plan::{Plan, Step};
use crate::runner::Ended;
use crate::snapshot::Record;
use crate::wording;

/// Where a run has removed releases of `plan`, and the stack has no other of them: `whole` is all that
/// its profile names.
pub async fn of(
    cluster: &Cluster,
    plan: &Plan,
    ended: &Ended,
    whole: &Plan,
) -> BTreeSet<Namespace> {
    let is_removed = |step: &&Step| {
        let mut ends = ended.releases.iter();
        ends.any(|it| it.id == step.id && it.end == ReleaseEnd::Removed)
    };
    let gone = plan.steps().iter().filter(is_removed);
    let mut emptied: BTreeSet<Namespace> = gone.map(|step| step.namespace.clone()).collect();
    emptied.remove(&whole.namespace);
    for step in whole.steps() {
        if emptied.contains(&step.namespace) && is_there(cluster, step).await {
            emptied.remove(&step.namespace);
        }
    }
    emptied
}

/// Where there is no answer, whoever removes the namespace asks again what is in it.
async fn is_there(cluster: &Cluster, step: &Step) -> bool {
    let revisions = cluster.revisions(&step.namespace, &step.release).await;
    let revisions = revisions.unwrap_or_default();
    let last = revisions.iter().max_by_key(|record| record.revision);
    last.is_some_and(Record::is_there)
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
