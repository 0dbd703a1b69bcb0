use std::collections::HashMap;

use jiff::Timestamp;

use super::inputs::Inputs;
use super::namespaces::Namespaces;
use super::signals::Signals;
use super::{Context, drive, lease, lock, orphans, plan, profile, seal, session, stack_record};
use crate::cli::{Run, Up};
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::event::Verb;
use crate::helm::Helm;
use crate::identity;
use crate::names::RunId;
use crate::preview::Request;
use crate::runner::{self, Channels, Settings};

pub async fn run(context: &Context, args: &Up) -> Result<(), Failure> {
    let reporter = drive::reporter(context, &args.run)?;
    session::require_secret_driver()?;
    let profile = profile::load(context)?;
    let kept = args.plan.as_deref().map(plan::read).transpose()?;
    let selection = match &kept {
        Some(kept) => profile::selection(&kept.selected, kept.only),
        None => profile::selection(&args.releases, args.only),
    };
    let plan = profile::plan(&profile, &selection)?;
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
        let helm = inputs.helm(context, &cluster, session::marks(&plan, &run));
        Ok((cluster, helm))
    };
    let (cluster, mut helm) = signals.unless_any(before).await?;
    let mut settings = Settings {
        recover: args.recover,
        prune: args.prune,
        ..settings(run.clone(), &cluster, &args.run, &helm)
    };
    let (plan, profile, cluster, kept) = (&plan, &profile, &cluster, &kept);
    let name = run.clone();
    let namespaces = &Namespaces::new(cluster, plan, args.run.timeout);
    let work = async move |mut channels: Channels| {
        if let Err(why) = namespaces.ready(&mut channels).await {
            return why.ends();
        }
        settings.timeout = namespaces.time_left();
        if let (Some(file), Some(kept)) = (&args.plan, kept) {
            // As `plan` does, for the two to be compared.
            let record = seal::as_before(cluster, plan, &mut helm).await?;
            let request = Request {
                selected: kept.selected.clone(),
                only: kept.only,
                key: kept.key.clone(),
                hooks: seal::hooks(record.as_ref()),
            };
            let now = plan::look(context, plan, &helm, cluster, request).await?;
            plan::unmoved(file, kept, &now.saved)?;
        }
        let by = identity::holder(name.clone(), Verb::Up, Timestamp::now());
        let (stored, key) = stack_record::begin(cluster, profile, &helm, &by).await?;
        let record = &stored.record;
        seal::all(plan, &mut helm, &key)?;
        settings.orphans = orphans::plan(record);
        settings.left.clone_from(&record.left);
        let newest = record.newest_set();
        settings.back_on_failure = newest.filter(|_| args.rollback_on_failure).cloned();
        if !args.force {
            settings.known = seal::known(record, &helm);
        }
        let ended = runner::up(plan, &helm, cluster, &settings, channels).await;
        let mut ended = ended.map_err(|error| session::observe(&error))?;
        // What is left out was not looked at.
        ended.together &= plan.steps().len() == record.releases.len();
        stack_record::end(cluster, stored, &name, &ended).await;
        Ok(ended.outcome)
    };
    drive::drive(signals, reporter, args.run.output, |channels, canceller| {
        let who = lease::Who {
            verb: Verb::Up,
            run,
            recover: args.recover,
        };
        lease::hold(namespaces, who, &args.run, canceller, channels, work)
    })
    .await
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
        back_on_failure: None,
        known: HashMap::new(),
    }
}
