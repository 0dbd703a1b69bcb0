//! What the cluster remembers of a stack between runs.

use super::session;
use crate::cluster::{Cluster, StackRecord, StackRelease};
use crate::error::Failure;
use crate::helm::Helm;
use crate::names::ReleaseId;
use crate::plan::{Plan, Selection};
use crate::profile::Profile;

/// Leaves in the cluster what `status` needs when no profile is at hand: the graph.
pub async fn write(cluster: &Cluster, profile: &Profile, helm: &Helm) -> Result<(), Failure> {
    let whole = Plan::new(profile, &Selection::All).map_err(anyhow::Error::from)?;
    let file = profile.file.file_name().unwrap_or_default();
    let mut record = StackRecord::new(
        whole.stack.clone(),
        whole.namespace.clone(),
        &file.to_string_lossy(),
    );
    // Only the charts of this run have been looked at; what was known of the others stays.
    let known = match whole
        .steps()
        .iter()
        .all(|step| helm.charts.contains_key(&step.id))
    {
        true => None,
        false => cluster
            .read_stack(&whole.stack, &whole.namespace)
            .await
            .ok()
            .flatten(),
    };
    let known = known.map_or(Vec::new(), |old| old.releases);
    let label = |id: &ReleaseId| {
        let staged = helm.charts.get(id).map(|chart| chart.label.clone());
        let before = || known.iter().find(|release| release.id == *id);
        staged.or_else(|| before().map(|release| release.chart.clone()))
    };
    let id = |&need: &usize| whole.steps()[need].id.clone();
    record.releases = whole
        .steps()
        .iter()
        .map(|step| StackRelease {
            id: step.id.clone(),
            release: step.release.clone(),
            namespace: step.namespace.clone(),
            chart: label(&step.id).unwrap_or_default(),
            needs: step.needs.iter().map(id).collect(),
        })
        .collect();
    cluster
        .write_stack(&record)
        .await
        .map_err(|e| session::observe(&e))
}

/// Takes it away again.
pub async fn delete(cluster: &Cluster, plan: &Plan) -> Result<(), Failure> {
    let deleted = cluster.delete_stack(&plan.stack, &plan.namespace).await;
    deleted.map(drop).map_err(|e| session::observe(&e))
}
