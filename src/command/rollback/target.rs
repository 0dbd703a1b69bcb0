//! What a rollback goes back to.

use crate::cluster::Cluster;
use crate::command::session;
use crate::error::{Failure, Kind};
use crate::memory::{NoWayBack, Present, StackRecord, Unreachable, VerifiedSet, WayBack};
use crate::names::RunId;
use crate::plan::Plan;
use crate::runner::Back;
use crate::runner::ports::ObserveError;
use crate::snapshot::Record;

/// All that helm keeps where the stack is, and where it was when it was verified.
///
/// # Errors
/// The cluster can't be asked about a namespace of the plan.
pub async fn records(
    cluster: &Cluster,
    whole: &Plan,
    record: &StackRecord,
) -> Result<Vec<Record>, Failure> {
    let now = whole.namespaces();
    let then = record.namespaces().into_iter();
    let then: Vec<_> = then.filter(|it| !now.contains(it)).collect();
    let mut records = Vec::new();
    for namespace in now.iter().chain(&then) {
        match cluster.all_records(namespace).await {
            Ok(found) => records.extend(found),
            // Nothing there is gone back to: the profile names no release in it.
            Err(ObserveError::Denied(_)) if then.contains(namespace) => {}
            Err(error) => return Err(session::observe(&error)),
        }
    }
    Ok(records)
}

/// The set to go back to, and what has to for that.
///
/// # Errors
/// There is none that can be gone back to.
pub fn choose(
    record: &StackRecord,
    whole: &Plan,
    now: &Present<'_>,
    to: Option<&str>,
) -> Result<(VerifiedSet, Back), Failure> {
    let WayBack { set, passed_over } = record.way_back(now, to).map_err(|why| match why {
        NoWayBack::Nothing => nothing(whole),
        NoWayBack::Unknown(known) => unknown(to.unwrap_or_default(), &known),
        NoWayBack::Unreachable(all) => unreachable(whole, &all),
    })?;
    let mut back = Back {
        passed_over,
        ..Back::default()
    };
    for step in whole.steps() {
        let to = set.releases.get(&step.id).copied();
        let last = now.last(&step.id).map(|last| last.revision);
        if last.is_some() && last != to {
            back.add(step, to);
        }
    }
    Ok((set.clone(), back))
}

pub fn nothing(plan: &Plan) -> Failure {
    let title = session::title(&plan.stack, &plan.namespace);
    let text = format!("{title} has no other revisions that were verified together");
    Failure::new(Kind::Usage, text).hint("`stackctl history` shows the runs that are remembered")
}

fn unknown(run: &str, known: &[RunId]) -> Failure {
    let text = format!("run `{run}` has not verified the whole stack, or is forgotten");
    let known: Vec<&str> = known.iter().map(RunId::as_str).collect();
    let failure = Failure::new(Kind::Usage, text);
    match known.as_slice() {
        [] => failure.hint("no run has verified the whole stack yet"),
        known => failure.hint(format!("these have: {}", known.join(", "))),
    }
}

fn unreachable(plan: &Plan, all: &[Unreachable]) -> Failure {
    let title = session::title(&plan.stack, &plan.namespace);
    let text = match all {
        [one] => format!("{title} can't go back to what run {} had verified", one.run),
        _ => format!("{title} can go back to nothing that was verified together"),
    };
    let details: Vec<String> = match all {
        [one] => one.obstacles.iter().map(|it| format!("  {it}")).collect(),
        all => all.iter().map(|it| format!("  {it}")).collect(),
    };
    Failure::new(Kind::Environment, text)
        .details(details)
        .hint("`stackctl up` with the profile and the charts of that time brings it")
        .hint("`stackctl history` shows what else there is to go back to")
}
