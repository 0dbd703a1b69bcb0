use jiff::Timestamp;

use super::{Context, drive, profile, session, stack_record, up};
use crate::cli::Down;
use crate::error::Failure;
use crate::plan::{Plan, Selection};
use crate::runner;
use crate::wording;

pub async fn run(context: &Context, args: &Down) -> Result<(), Failure> {
    session::require_secret_driver()?;
    let profile = profile::load(context)?;
    let selection = match args.releases.as_slice() {
        [] => Selection::All,
        ids => Selection::WithDependents(ids.to_vec()),
    };
    let plan = profile::plan(&profile, &selection)?;
    let started_at = Timestamp::now();
    let run = session::run_id(started_at);
    let binary = session::find_helm(context).await?;
    let cluster = session::connect(context).await?;
    if !args.yes {
        confirm(context, &plan, cluster.context())?;
    }
    let helm = session::helm(context, binary, &cluster, &plan, &run)?;
    let settings = up::settings(run, started_at, &cluster, &args.run, &helm);
    drive::drive(context, &args.run, |channels| {
        runner::down(&plan, &helm, &cluster, &settings, channels)
    })
    .await?;
    if selection == Selection::All {
        stack_record::delete(&cluster, &plan).await?;
    }
    Ok(())
}

/// Asks on a terminal; elsewhere nobody could answer.
fn confirm(context: &Context, plan: &Plan, cluster: &str) -> Result<(), Failure> {
    let what = format!(
        "{} of {} from context `{cluster}`",
        wording::count(plan.steps().len(), "release"),
        session::title(&plan.stack, &plan.namespace),
    );
    if !context.environment.can_ask() {
        return Err(
            Context::usage(format!("removing {what} wants to be confirmed"))
                .hint("say `--yes` where nobody can be asked"),
        );
    }
    if context.environment.ask(&format!("Remove {what}?"))? {
        Ok(())
    } else {
        Err(Context::usage("nothing was removed"))
    }
}
