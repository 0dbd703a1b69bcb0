//! Brings a stack back to revisions that were verified together.

mod target;

use jiff::Timestamp;

use super::inputs::Inputs;
use super::namespaces::Namespaces;
use super::signals::Signals;
use super::{Context, drive, lease, profile, session, stack_record, up};
use crate::cli::Rollback;
use crate::error::Failure;
use crate::event::Verb;
use crate::identity;
use crate::memory::Present;
use crate::plan::Selection;
use crate::runner::{self, Settings};

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
        let (stored, back, rest_is_verified) = loop {
            let known = stack_record::read(cluster, whole).await?;
            let mut stored = known.ok_or_else(|| target::nothing(whole))?;
            let records = target::records(cluster, whole, &stored.record).await?;
            let now = Present::of_plan(whole, &records);
            let (set, back) = target::choose(&stored.record, whole, &now, args.to.as_deref())?;
            stored.record.go_back(&set);
            if stack_record::note(cluster, &mut stored, &by).await? {
                let releases = stored.record.releases.iter();
                let mut rest = releases.filter(|it| !back.to.contains_key(&it.id));
                let rest_is_verified = rest.all(|it| now.is_verified(it));
                break (stored, back, rest_is_verified);
            }
        };
        settings.listed = stored.record.id().listed;
        let ids = back.to.keys().cloned().collect();
        let plan = profile::plan(profile, &Selection::Only(ids))?;
        let ended = runner::back(&plan, &back, &helm, cluster, &settings, channels).await;
        let mut ended = ended.map_err(|error| session::observe(&error))?;
        ended.together &= rest_is_verified;
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
