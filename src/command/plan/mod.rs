mod saved;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, lease, lock, orphans, print, profile, seal, session};
use crate::cli::{Format, Plan as Args};
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::helm::Helm;
use crate::keyed::Key;
use crate::memory::{StackRecord, StackRelease};
use crate::names::ReleaseId;
use crate::plan::{Plan, Selection};
use crate::preview::{self, LookError, Looked, Preview, Request, Saved};

pub use saved::read;

pub async fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    session::require_secret_driver()?;
    let profile = profile::load(context)?;
    let selected = (args.releases.clone(), args.only);
    let plan = profile::plan(&profile, &profile::selection(&selected.0, selected.1))?;
    let locked = lock::wanted(&profile, args.locked)?;
    let mut signals = Signals::catch()?;
    let look = async {
        let inputs = Inputs::bring(context, &profile, &plan, locked.as_ref()).await?;
        let cluster = session::connect(context).await?;
        let marks = session::marks(&plan, &session::run_id(Timestamp::now()));
        let mut helm = inputs.helm(context, &cluster, marks);
        let wanted = Wanted {
            whole: &profile::plan(&profile, &Selection::All)?,
            plan: &plan,
            selected,
            key: seal::new_key()?,
        };
        look(context, &cluster, &mut helm, wanted).await
    };
    let Looked { preview, saved } = signals.unless_any(look).await?;
    if let Some(file) = &args.save {
        saved::write(file, &saved)?;
    }
    match args.output {
        Format::Text => {
            let palette = context.environment.stdout_palette(context.common.color);
            print::painted(&preview::text(&preview, palette), palette)?;
        }
        format => print::data(format, &preview)?,
    }
    outcome(&preview, args)
}

fn outcome(preview: &Preview, args: &Args) -> Result<(), Failure> {
    if preview.fails() {
        Err(Failure::told(Kind::ReleaseFailed))
    } else if args.detailed_exitcode && preview.changes_something() {
        Err(Failure::told(Kind::Changes))
    } else {
        Ok(())
    }
}

/// A plan to be carried out.
pub struct Kept {
    pub file: PathBuf,
    pub saved: Saved,
    /// What the profile names no more is to go as well.
    pub prune: bool,
}

/// What is to be looked at.
pub struct Wanted<'a> {
    /// All that the profile names.
    pub whole: &'a Plan,
    pub plan: &'a Plan,
    /// What was asked for, and whether that alone.
    pub selected: (Vec<ReleaseId>, bool),
    /// Of the digests.
    pub key: Key,
}

/// Looks at the stack through the helm and the cluster of a run.
pub async fn look(
    context: &Context,
    cluster: &Cluster,
    helm: &mut Helm,
    wanted: Wanted<'_>,
) -> Result<Looked, Failure> {
    let Wanted { whole, plan, .. } = wanted;
    let record = seal::as_before(cluster, plan, helm).await?;
    let empty = || StackRecord::empty(&plan.stack, &plan.namespace);
    let record = record.unwrap_or_else(empty);
    let request = Request {
        selected: wanted.selected.0,
        only: wanted.selected.1,
        sources: seal::apart(plan, helm, &wanted.key)?,
        key: wanted.key,
        stack: record.id(),
        runs: lease::runs(cluster, plan, &helm.marks.run).await,
        hooks: seal::hooks(&record),
    };
    let _waiting = context.environment.waiting_for("asking what would change");
    let looked = preview::look(plan, helm, cluster, request).await;
    let mut looked = looked.map_err(|error| match &error {
        LookError::Cluster(said) => session::observe(said),
        LookError::Cancelled => Failure::told(Kind::Interrupted),
    })?;
    let orphans = orphans::all(cluster, whole, &record).await?;
    let orphan = |StackRelease {
                      release, namespace, ..
                  }: StackRelease| preview::Orphan { release, namespace };
    looked.saved.orphans = orphans.into_iter().map(orphan).collect();
    looked.preview.orphans.clone_from(&looked.saved.orphans);
    Ok(looked)
}

/// Refuses a kept plan that does not hold any more.
pub async fn holds(
    context: &Context,
    cluster: &Cluster,
    helm: &mut Helm,
    (whole, plan): (&Plan, &Plan),
    kept: &Kept,
) -> Result<(), Failure> {
    let Kept { file, saved, prune } = kept;
    let wanted = Wanted {
        whole,
        plan,
        selected: (saved.selected.clone(), saved.only),
        key: saved.key.clone(),
    };
    let now = look(context, cluster, helm, wanted).await?;
    saved::unmoved(file, saved, &now.saved, *prune)
}

/// A file of a plan as the messages name it.
pub fn named(file: &Path) -> String {
    format!("plan `{}`", file.display())
}
