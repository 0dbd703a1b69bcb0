use jiff::Timestamp;

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, drive, lease, profile, session, stack_record, up};
use crate::cli::Down;
use crate::error::Failure;
use crate::event::{Outcome, Verb};
use crate::plan::{Plan, Selection};
use crate::runner;
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
    let settings = up::settings(run.clone(), &cluster, &args.run, &helm);
    let work = async |channels| {
        let ended = runner::down(&plan, &helm, &cluster, &settings, channels).await;
        let outcome = ended.map_err(|error| session::observe(&error))?;
        if outcome == Outcome::Removed && selection == Selection::All {
            stack_record::delete(&cluster, &plan).await?;
        }
        Ok(outcome)
    };
    drive::drive(signals, reporter, args.run.output, |channels, canceller| {
        let who = (Verb::Down, run);
        lease::hold(&cluster, &plan, who, &args.run, canceller, channels, work)
    })
    .await
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
