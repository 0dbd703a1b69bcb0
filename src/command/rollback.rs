//! Brings a stack back to revisions that were verified together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::inputs::Inputs;
use super::namespaces::Namespaces;
use super::signals::Signals;
use super::{Context, drive, lease, profile, session, stack_record, up};
use crate::cli::Rollback;
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::event::Verb;
use crate::identity;
use crate::memory::{NoWayBack, StackRecord, VerifiedSet};
use crate::names::{ReleaseId, RunId};
use crate::plan::{self, Plan, Selection};
use crate::runner::{self, Back, Settings};
use crate::snapshot::Record;

pub async fn run(context: &Context, args: &Rollback) -> Result<(), Failure> {
    let reporter = drive::reporter(context, &args.run)?;
    session::require_secret_driver()?;
    let profile = profile::load(context)?;
    let whole = profile::plan(&profile, &Selection::All)?;
    let mut signals = Signals::catch()?;
    let run = session::run_id(Timestamp::now());
    let before = async {
        let inputs = Inputs::none(context, Some(&whole)).await?;
        let cluster = session::connect(context).await?;
        let marks = session::marks(&whole, &run);
        let helm = inputs.helm(context, &cluster, marks);
        Ok((cluster, helm))
    };
    let (cluster, helm) = signals.unless_any(before).await?;
    let mut settings = Settings {
        recover: args.recover,
        ..up::settings(run.clone(), &cluster, &args.run, &helm)
    };
    let (profile, whole, cluster) = (&profile, &whole, &cluster);
    let name = run.clone();
    let namespaces = &Namespaces::new(cluster, whole, args.run.timeout);
    let work = async move |channels| {
        settings.timeout = namespaces.time_left();
        let by = identity::holder(name.clone(), Verb::Rollback, Timestamp::now());
        // What is refused is no run: it is looked at first, and written down once it can begin.
        let (stored, back) = loop {
            let known = stack_record::read(cluster, whole).await?;
            let mut stored = known.ok_or_else(|| nothing(whole))?;
            let there = revisions(cluster, whole).await?;
            let set = way_back(&stored.record, whole, &there, args.to.as_deref())?.clone();
            let back = back(whole, &set, &there)?;
            stored.record.go_back(&set);
            if stack_record::note(cluster, &mut stored, &by).await? {
                break (stored, back);
            }
        };
        settings.listed = stored.record.id().listed;
        let ids = back.to.keys().cloned().collect();
        let plan = profile::plan(profile, &Selection::Only(ids))?;
        let ended = runner::back(&plan, &back, &helm, cluster, &settings, channels).await;
        let mut ended = ended.map_err(|error| session::observe(&error))?;
        ended.together &= back.left.is_empty();
        stack_record::end(cluster, stored, &name, &ended).await;
        Ok(ended.outcome)
    };
    drive::drive(signals, reporter, args.run.output, |channels, canceller| {
        let who = lease::Who {
            verb: Verb::Rollback,
            run,
            recover: args.recover,
        };
        lease::hold(namespaces, who, &args.run, canceller, channels, work)
    })
    .await
}

/// Every revision of the stack's releases that helm keeps, by release.
async fn revisions(
    cluster: &Cluster,
    plan: &Plan,
) -> Result<BTreeMap<ReleaseId, BTreeSet<u32>>, Failure> {
    let mut records: Vec<Record> = Vec::new();
    for namespace in plan.namespaces() {
        let found = cluster.records(Some(&plan.stack), Some(&namespace)).await;
        records.extend(found.map_err(|error| session::observe(&error))?);
    }
    let of = |step: &crate::plan::Step| {
        let is_its = |it: &&Record| {
            it.release == step.release.as_str() && it.namespace == step.namespace.as_str()
        };
        let revisions = records.iter().filter(is_its).map(|it| it.revision);
        (step.id.clone(), revisions.collect())
    };
    Ok(plan.steps().iter().map(of).collect())
}

fn way_back<'a>(
    record: &'a StackRecord,
    plan: &Plan,
    there: &BTreeMap<ReleaseId, BTreeSet<u32>>,
    to: Option<&str>,
) -> Result<&'a VerifiedSet, Failure> {
    let steps = plan.steps().iter();
    let can_go_back = steps.filter(|step| step.rollback != plan::Rollback::ForwardOnly);
    let now = can_go_back
        .filter_map(|step| Some((step.id.clone(), *there[&step.id].last()?)))
        .collect();
    record.way_back(&now, to).map_err(|why| match why {
        NoWayBack::Nothing => nothing(plan),
        NoWayBack::Unknown(known) => {
            let run = to.unwrap_or_default();
            let text = format!("run `{run}` has not verified the whole stack, or is forgotten");
            let known: Vec<&str> = known.iter().map(RunId::as_str).collect();
            let failure = Failure::new(Kind::Usage, text);
            match known.as_slice() {
                [] => failure.hint("no run has verified the whole stack yet"),
                known => failure.hint(format!("these have: {}", known.join(", "))),
            }
        }
    })
}

fn nothing(plan: &Plan) -> Failure {
    let title = session::title(&plan.stack, &plan.namespace);
    let text = format!("{title} has no other revisions that were verified together");
    Failure::new(Kind::Usage, text).hint("`stackctl history` shows the runs that are remembered")
}

/// What has to go back, if helm has it still.
fn back(
    plan: &Plan,
    set: &VerifiedSet,
    there: &BTreeMap<ReleaseId, BTreeSet<u32>>,
) -> Result<Back, Failure> {
    let mut back = Back::default();
    let mut lost = Vec::new();
    for step in plan.steps() {
        let revisions = &there[&step.id];
        let to = set.releases.get(&step.id).copied();
        let last = revisions.last().copied();
        if last.is_none() || last == to {
            continue;
        }
        if let Some(revision) = to.filter(|to| !revisions.contains(to)) {
            lost.push(format!("  {}: revision {revision}", step.id));
        }
        back.add(step, to);
    }
    if lost.is_empty() {
        return Ok(back);
    }
    let text = format!("helm keeps no more what run {} had verified", set.run);
    let failure = Failure::new(Kind::Environment, text).details(lost);
    Err(failure.hint("`stackctl history` shows what else there is to go back to"))
}
