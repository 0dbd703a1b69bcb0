use std::cell::Cell;

use jiff::Timestamp;

use super::inputs::Inputs;
use super::namespaces::Namespaces;
use super::signals::Signals;
use super::{Context, drive, emptied, lease, orphans, print, profile, session, stack_record, up};
use crate::cli::Down;
use crate::error::Failure;
use crate::event::{Outcome, Verb};
use crate::identity;
use crate::output::Progress;
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
    let whole = profile::plan(&profile, &Selection::All)?;
    let asks = !args.yes;
    if asks && !context.environment.can_ask() {
        return Err(Context::usage(format!(
            "removing {} has to be confirmed, and nobody can be asked here",
            what(&plan)
        ))
        .hint("`--yes` removes without asking"));
    }
    let run = session::run_id(Timestamp::now());
    let inputs = Inputs::none(context, None).await?;
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
        recover: args.recover,
        ..up::settings(run.clone(), &cluster, &args.run, &helm)
    };
    let name = run.clone();
    let stay = Cell::new(Vec::new());
    let stay = &stay;
    let (plan, whole, cluster, selection) = (&plan, &whole, &cluster, &selection);
    let awaited = &Namespaces::new(cluster, plan, args.run.timeout);
    let work = async move |channels| {
        settings.timeout = awaited.time_left();
        let by = identity::holder(name.clone(), Verb::Down, Timestamp::now());
        let mut stored = stack_record::begin_other(cluster, plan, &by).await?;
        if let Some(stored) = &stored {
            settings.left.clone_from(&stored.record.left);
            settings.listed = stored.record.id().listed;
        }
        if let Some(stored) = stored.as_mut().filter(|_| *selection == Selection::All) {
            let record = &mut stored.record;
            record.orphans = orphans::still_there(cluster, plan, record).await?;
            settings.orphans = orphans::plan(record);
        }
        let ended = runner::down(plan, &helm, cluster, &settings, channels).await;
        let ended = ended.map_err(|error| session::observe(&error))?;
        let all_is_gone = ended.outcome == Outcome::Removed && *selection == Selection::All;
        match stored {
            Some(stored) if all_is_gone && stored.record.orphans.is_empty() => {
                stack_record::forget(cluster, plan, &name, &ended, args.volumes).await?;
            }
            Some(stored) => stack_record::end(cluster, stored, &name, &ended).await,
            None => stack_record::remember(cluster, plan, &name, &ended).await?,
        }
        let emptied = match all_is_gone {
            true => plan.namespaces().into_iter().collect(),
            false => emptied::of(cluster, plan, &ended, whole).await,
        };
        stay.set(emptied::remove(cluster, emptied, &name).await);
        Ok(ended.outcome)
    };
    let driven = drive::drive(signals, reporter, args.run.output, |channels, canceller| {
        let who = lease::Who {
            verb: Verb::Down,
            run,
            recover: args.recover,
        };
        lease::hold(awaited, who, &args.run, canceller, channels, work)
    })
    .await;
    if args.run.progress != Progress::Quiet {
        print::notes(&stay.take())?;
    }
    driven
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
