//! What runs that are no more have left behind.

use crate::cluster::Cluster;
use crate::command::orphans;
use crate::doctor::Check;
use crate::helm::Workspace;
use crate::identity;
use crate::plan::Plan;
use crate::runner::ports::{Leases, ObserveError};
use crate::snapshot::{Record, RecordStatus};
use crate::wording;

const ABOUT: &str = "leftovers";

/// Private folders of runs that were killed.
pub fn of_this_machine() -> Vec<Check> {
    let folders = Workspace::abandoned();
    if folders.is_empty() {
        return Vec::new();
    }
    let number = wording::count(folders.len(), "private folder");
    let names: Vec<String> = folders.iter().map(|it| it.display().to_string()).collect();
    let says = format!("{number} of runs that were killed: {}", names.join(", "));
    vec![Check::warning(ABOUT, says).hint("every run removes what it finds of them")]
}

/// The stack's Lease, and releases that helm was not let end.
pub async fn of_stack(cluster: &Cluster, plan: &Plan) -> Vec<Check> {
    let mut checks = lock(cluster, plan).await;
    let mut all = Vec::new();
    for namespace in plan.namespaces() {
        match cluster.records(Some(&plan.stack), Some(&namespace)).await {
            Ok(records) => all.extend(records),
            Err(ObserveError::NotFound(_)) => {}
            Err(error) => checks.push(Check::problem(ABOUT, error.to_string())),
        }
    }
    for record in Record::last_of_each(all) {
        checks.extend(half_done(&record));
        // Elsewhere it may be of another stack of this name.
        if record.namespace != plan.namespace.as_str() {
            continue;
        }
        let is_orphan = orphans::is_orphan(cluster, &record, plan).await;
        if is_orphan.unwrap_or(false) {
            let says = format!(
                "release `{}` in `{}` is of this stack, and the profile names it no more",
                record.release, record.namespace
            );
            checks.push(Check::warning(ABOUT, says).hint("`stackctl up --prune` removes it"));
        }
    }
    checks
}

fn half_done(record: &Record) -> Option<Check> {
    let Record {
        release,
        namespace,
        revision,
        status,
        ..
    } = record;
    if !status.is_pending() && *status != RecordStatus::Uninstalling {
        return None;
    }
    let says = format!(
        "release `{release}` in `{namespace}`: revision {revision} is {}",
        status.as_str()
    );
    let check = Check::warning(ABOUT, says);
    Some(check.hint(
        "the next `up` takes it up where it can be sure that no helm is at work; else it says so, \
         and `up --recover` is your word",
    ))
}

async fn lock(cluster: &Cluster, plan: &Plan) -> Vec<Check> {
    let lease = match cluster.lease(&plan.stack, &plan.namespace).read().await {
        Ok(Some(lease)) => lease,
        Ok(None) | Err(ObserveError::NotFound(_)) => return Vec::new(),
        Err(error) => return vec![Check::problem("lock", error.to_string())],
    };
    let mut checks = Vec::new();
    if let Some(holder) = &lease.holder {
        let check = match identity::is_dead(holder) {
            true => Check::warning("lock", format!("{holder} was killed"))
                .hint("the next run takes the stack over"),
            false => Check::warning("lock", format!("{holder} has the stack"))
                .hint("a run waits for it, and takes over when it has not been renewed for 15s"),
        };
        checks.push(check);
    }
    for holder in &lease.unsure {
        let says = format!("{holder} was gone without a word: a helm of it may live on");
        checks.push(Check::warning("lock", says).hint(
            "where it has left a release pending, `up --recover` is your word that none does",
        ));
    }
    checks
}
