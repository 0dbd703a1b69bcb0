use jiff::Timestamp;

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, drive, lease, orphans, profile, session, stack_record, up};
use crate::cli::Down;
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::event::{Outcome, Verb};
use crate::identity;
use crate::names::RunId;
use crate::plan::{Plan, Selection};
use crate::runner::{self, Settings};
use crate::wording;

pub async fn run(context: &Context, args: &Down) -> Result<(), Failure> {
    let reporter = drive::reporter(context, &args.run)?;
    session::require_secret_driver()?;
    let profile = profile::load(context)?;
    let selection = match args.releases.as_slice() {
        [] => Selection::All,
        ids => Selection::WithDependents(ids.to_vec()),
    };
    let plan = profile::plan(&profile, &selection)?;
    let asks = !args.yes;
    if asks && !context.environment.can_ask() {
        return Err(Context::usage(format!(
            "removing {} has to be confirmed, and nobody can be asked here",
            what(&plan)
        ))
        .hint("`--yes` removes without asking"));
    }
    let run = session::run_id(Timestamp::now());
    let inputs = Inputs::none(context).await?;
    let cluster = session::connect(context).await?;
    if asks {
        confirm(context, &plan, cluster.context())?;
    }
    // Not before: at the question a signal is to end us.
    let signals = Signals::catch()?;
    let marks = session::marks(&plan, &run);
    let helm = inputs.helm(context, &cluster, marks);
    let mut settings = Settings {
        volumes: args.volumes,
        ..up::settings(run.clone(), &cluster, &args.run, &helm)
    };
    let name = run.clone();
    let (plan, cluster, selection) = (&plan, &cluster, &selection);
    let work = async move |channels| {
        let by = identity::holder(name.clone(), Verb::Down, Timestamp::now());
        let mut record = stack_record::begin_other(cluster, plan, by).await?;
        if let Some(record) = record.as_mut().filter(|_| *selection == Selection::All) {
            record.orphans = orphans::still_there(cluster, plan, record).await?;
            settings.orphans = orphans::plan(record);
        }
        let ended = runner::down(plan, &helm, cluster, &settings, channels).await;
        let ended = ended.map_err(|error| session::observe(&error))?;
        let all_is_gone = ended.outcome == Outcome::Removed && *selection == Selection::All;
        match record {
            Some(record) if !all_is_gone || !record.orphans.is_empty() => {
                stack_record::end(cluster, record, &name, &ended).await;
            }
            _ if all_is_gone => stack_record::delete(cluster, plan).await?,
            _ => {}
        }
        if all_is_gone {
            namespaces(cluster, plan, &name).await;
        }
        Ok(ended.outcome)
    };
    drive::drive(signals, reporter, args.run.output, |channels, canceller| {
        let who = lease::Who {
            verb: Verb::Down,
            run,
            recover: false,
        };
        lease::hold(cluster, plan, who, &args.run, canceller, channels, work)
    })
    .await
}

/// Removes namespaces that we have made, if nothing is left in them. One that stays harms nobody.
async fn namespaces(cluster: &Cluster, plan: &Plan, run: &RunId) {
    for namespace in plan.namespaces() {
        if let Err(error) = cluster.remove_if_empty(&namespace, run).await {
            tracing::warn!(%error, "namespace `{namespace}` stays");
        }
    }
}

fn confirm(context: &Context, plan: &Plan, cluster: &str) -> Result<(), Failure> {
    let question = format!("Remove {} from context `{cluster}`?", what(plan));
    if context.environment.ask(&question)? {
        Ok(())
    } else {
        Err(Context::usage("nothing was removed"))
    }
}

fn what(plan: &Plan) -> String {
    let releases = wording::count(plan.steps().len(), "release");
    let stack = session::title(&plan.stack, &plan.namespace);
    format!("{releases} of {stack}")
}
