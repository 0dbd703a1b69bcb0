use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::inputs::Inputs;
use super::namespaces::Namespaces;
use super::plan::Kept;
use super::signals::Signals;
use super::{
    Context, drive, emptied, lease, lock, orphans, plan, print, profile, seal, session,
    stack_record,
};
use crate::cli::{Run, Up};
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::event::Verb;
use crate::helm::Helm;
use crate::identity;
use crate::names::RunId;
use crate::output::Progress;
use crate::plan::Selection;
use crate::runner::{self, Channels, OnFailure, Settings};

pub async fn run(context: &Context, args: &Up) -> Result<(), Failure> {
    let reporter = drive::reporter(context, &args.run)?;
    session::require_secret_driver()?;
    let profile = profile::load(context)?;
    let kept = args.plan.as_deref().map(plan::read).transpose()?;
    let kept = kept.map(|kept| Kept {
        prune: args.prune,
        ..kept
    });
    let selection = match &kept {
        Some(Kept { saved, .. }) => profile::selection(&saved.selected, saved.only),
        None => profile::selection(&args.releases, args.only),
    };
    let plan = profile::plan(&profile, &selection)?;
    let whole = profile::plan(&profile, &Selection::All)?;
    let locked = lock::wanted(&profile, args.locked)?;
    let mut signals = Signals::catch()?;
    let run = session::run_id(Timestamp::now());
    let before = async {
        let inputs = Inputs::charts(context, &profile, &plan, locked.as_ref()).await?;
        let inputs = inputs.with_values(context, &profile, &plan, locked.as_ref());
        let inputs = inputs.await?;
        if args.force || plan.steps().iter().any(|step| step.force_conflicts) {
            inputs.ask_helm(context, &plan).await?;
        }
        let cluster = session::connect(context).await;
        let may_rest = match &cluster {
            Ok(cluster) => stack_record::remembers(cluster, &plan).await?,
            Err(_) => false,
        };
        if !may_rest {
            inputs.ask_helm(context, &plan).await?;
        }
        let cluster = cluster?;
        let mut helm = inputs.helm(context, &cluster, session::marks(&plan, &run));
        if let Some(kept) = &kept
            && lease::is_new(&cluster, &plan).await?
        {
            // A refusal is to leave no Lease behind, nor a namespace for it.
            plan::holds(context, &cluster, &mut helm, (&whole, &plan), kept).await?;
        }
        Ok((cluster, helm))
    };
    let (cluster, mut helm) = signals.unless_any(before).await?;
    let mut settings = Settings {
        recover: args.recover,
        prune: args.prune,
        ..settings(run.clone(), &cluster, &args.run, &helm)
    };
    let (plan, whole, profile, cluster, kept) = (&plan, &whole, &profile, &cluster, &kept);
    let name = run.clone();
    let stay = &Cell::new(Vec::new());
    let namespaces = &Namespaces::new(cluster, plan, args.run.timeout);
    let work = async move |mut channels: Channels| {
        if let Some(kept) = kept {
            plan::holds(context, cluster, &mut helm, (whole, plan), kept).await?;
        }
        if let Err(why) = namespaces.ready(&mut channels).await {
            return why.ends();
        }
        settings.timeout = namespaces.time_left();
        let by = identity::holder(name.clone(), Verb::Up, Timestamp::now());
        let begun = stack_record::begin(cluster, profile, &helm, &by).await?;
        let record = &begun.stored.record;
        seal::all(plan, &mut helm, &begun.key)?;
        settings.listed.clone_from(&begun.before.listed);
        settings.orphans = orphans::plan(record);
        settings.left.clone_from(&record.left);
        if args.rollback_on_failure {
            let whole = record.newest_set();
            settings.on_failure = OnFailure::GoBack(whole.map(|set| set.within(plan, record)));
        }
        if !args.force {
            settings.known = seal::known(record, &helm);
        }
        let ended = runner::up(plan, &helm, cluster, &settings, channels).await;
        let mut ended = ended.map_err(|error| session::observe(&error))?;
        // What is left out was not looked at.
        ended.together &= plan.steps().len() == record.releases.len();
        stack_record::end(cluster, begun.stored, &name, &ended).await;
        if let Some(orphans) = &settings.orphans {
            let emptied = emptied::of(cluster, orphans, &ended, whole).await;
            stay.set(emptied::remove(cluster, emptied, &name).await);
        }
        Ok(ended.outcome)
    };
    let driven = drive::drive(signals, reporter, args.run.output, |channels, canceller| {
        let who = lease::Who {
            verb: Verb::Up,
            run,
            recover: args.recover,
        };
        lease::hold(namespaces, who, &args.run, canceller, channels, work)
    })
    .await;
    if args.run.progress != Progress::Quiet {
        print::notes(&stay.take())?;
    }
    driven
}

pub fn settings(run: RunId, cluster: &Cluster, args: &Run, helm: &Helm) -> Settings {
    let label = |(id, chart): (&_, &crate::helm::Staged)| (Clone::clone(id), chart.label.clone());
    Settings {
        run,
        context: cluster.context().to_owned(),
        completed: session::completed_rule(cluster),
        recover: false,
        parallel: args.parallel.into(),
        timeout: args.timeout,
        charts: helm.charts.iter().map(label).collect(),
        volumes: false,
        left: Vec::new(),
        orphans: None,
        prune: false,
        on_failure: OnFailure::Stay,
        listed: BTreeSet::new(),
        known: HashMap::new(),
    }
}
