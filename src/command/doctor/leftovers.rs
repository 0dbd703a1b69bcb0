//! What runs that are no more have left behind.

use super::half_done::{self, ABOUT, half_done};
use crate::cluster::Cluster;
use crate::command::{lease, orphans};
use crate::doctor::Check;
use crate::helm::Workspace;
use crate::identity;
use crate::memory::StackRecord;
use crate::names::RunId;
use crate::plan::Plan;
use crate::runner::ports::{Leases, ObserveError, Observer};
use crate::snapshot::{ObjectRef, Record, RecordStatus, World};
use crate::verdict::{self, Finding};
use crate::wording;

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
    let known = cluster.read_stack(&plan.stack, &plan.namespace).await;
    let empty = || StackRecord::empty(&plan.stack, &plan.namespace);
    let remembered = match known {
        Ok(known) => known.unwrap_or_else(empty),
        Err(ObserveError::NotFound(_)) => empty(),
        Err(error) => {
            checks.push(Check::problem(ABOUT, error.to_string()));
            return checks;
        }
    };
    checks.extend(orphaned(cluster, plan, &remembered).await);
    checks.extend(half_done::removals(cluster, plan, &remembered).await);
    let stack = remembered.id();
    let mut all = Vec::new();
    for namespace in plan.namespaces() {
        match cluster.all_records(&namespace).await {
            Ok(records) => all.extend(records),
            Err(ObserveError::NotFound(_)) => {}
            Err(error) => checks.push(Check::problem(ABOUT, error.to_string())),
        }
    }
    let runs = lease::runs(cluster, plan, &RunId::foreign("doctor")).await;
    for record in Record::last_of_each(all) {
        let is_planned = plan.has(&record.namespace, &record.release);
        if is_planned || stack.owns(&record) {
            checks.extend(half_done(&stack, &record, &runs));
        }
        if stack.owns(&record) {
            checks.extend(failed_hook(cluster, &record).await);
        }
    }
    checks
}

/// As `up` tells of them.
async fn orphaned(cluster: &Cluster, plan: &Plan, remembered: &StackRecord) -> Vec<Check> {
    let orphans = match orphans::find_all(cluster, plan, remembered).await {
        Ok(orphans) => orphans,
        Err(error) => return vec![Check::problem(ABOUT, error.to_string())],
    };
    let told = orphans.iter().map(|orphan| {
        let says = format!(
            "release `{}` in `{}` is of this stack, and the profile names it no more",
            orphan.release, orphan.namespace
        );
        Check::warning(ABOUT, says).hint("`stackctl up --prune` removes it")
    });
    told.collect()
}

/// A hook that keeps a release from being removed, as long as there is something to see of it.
async fn failed_hook(cluster: &Cluster, record: &Record) -> Option<Check> {
    let (namespace, release) = (&record.namespace, &record.release);
    let finding = match look_at_hooks(cluster, record).await {
        Ok(finding) => finding?,
        Err(error) => return Some(Check::problem(ABOUT, error.to_string())),
    };
    let why = &finding.verdict.sentence;
    let says = format!("release `{release}` in `{namespace}` can't be removed: {why}");
    Some(Check::problem(ABOUT, says).hint(format!(
        "each removal runs it again; `helm uninstall {release} -n {namespace} --no-hooks` removes \
         the release without it"
    )))
}

async fn look_at_hooks(
    cluster: &Cluster,
    record: &Record,
) -> Result<Option<Finding>, ObserveError> {
    let (namespace, release) = (record.namespace.parse(), record.release.parse());
    let id = record.marks.release.as_deref().unwrap_or(&record.release);
    let (Ok(namespace), Ok(release), Ok(id)) = (namespace, release, id.parse()) else {
        return Ok(None);
    };
    if record.status != RecordStatus::Uninstalling {
        return Ok(None);
    }
    let contents = cluster.contents(&namespace, &release, record.revision);
    let contents = contents.await?.of_removal();
    let hooks: Vec<ObjectRef> = contents.hooks.iter().map(|it| it.object.clone()).collect();
    let mut world = World::default();
    for seen in cluster.refresh(&hooks).await? {
        world.apply(&seen);
    }
    Ok(verdict::failed_hook(&id, &world, &contents))
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
