//! Releases that an earlier helm was not let end.

use crate::cluster::Cluster;
use crate::command::held;
use crate::doctor::Check;
use crate::memory::StackRecord;
use crate::plan::Plan;
use crate::recovery::{self, Intent, Runs};
use crate::runner::{self, ports::ObserveError};
use crate::snapshot::{Record, RecordStatus, StackId};

pub const ABOUT: &str = "leftovers";

/// What `up` makes of it.
pub fn half_done(
    stack: &StackId,
    record: &Record,
    runs: &Result<Runs, ObserveError>,
) -> Option<Check> {
    if !record.status.is_half_done() {
        return None;
    }
    let (Ok(release), Ok(namespace)) = (record.release.parse(), record.namespace.parse()) else {
        return None;
    };
    let about = format!("release `{release}` in `{namespace}`");
    let state = format!(
        "{about}: revision {} is {}",
        record.revision,
        record.status.as_str()
    );
    // Why is told where the lock is.
    let Ok(runs) = runs else {
        return Some(Check::warning(ABOUT, state));
    };
    if let Some(run) = runs.at_work_on(stack, record) {
        let hint = format!("run {run} has the stack: the next `up` waits for it");
        return Some(Check::warning(ABOUT, state).hint(hint));
    }
    let named = (&release, &namespace);
    let Some(why) = recovery::doubt(stack, record, &runs.abandoned, named, Intent::Up) else {
        return Some(Check::warning(ABOUT, state).hint("the next `up` takes it up again"));
    };
    let check = Check::problem(ABOUT, format!("{about}: {}", why.sentence));
    if record.status == RecordStatus::Uninstalling {
        return Some(check.hint(
            "`down` removes what is left of it; `up` refuses it until then, and with `--recover` \
             removes the rest and installs it anew",
        ));
    }
    Some(why.hints.into_iter().fold(check, Check::hint))
}

/// Removals that have not ended, of releases that helm has forgotten: `up` waits for them.
pub async fn removals(cluster: &Cluster, plan: &Plan, remembered: &StackRecord) -> Vec<Check> {
    let mut checks = Vec::new();
    for left in &remembered.left {
        let (release, namespace) = (&left.release, &left.namespace);
        if !plan.has(namespace.as_str(), release.as_str()) {
            continue;
        }
        let held = match held::of(cluster, &left.objects).await {
            Ok(held) if held.is_empty() => continue,
            Ok(held) => held,
            Err(error) => {
                checks.push(Check::problem(ABOUT, error.to_string()));
                continue;
            }
        };
        let says = format!(
            "release `{release}` in `{namespace}`: its removal has not ended: waits for {}",
            runner::going(&held)
        );
        let check = Check::warning(ABOUT, says).hint("`up` waits for that before it installs it");
        let hints = runner::remedies(&held).into_iter();
        checks.push(hints.fold(check, Check::hint));
    }
    checks
}
