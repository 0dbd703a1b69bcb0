mod saved;

use std::path::Path;

use jiff::Timestamp;

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, lock, orphans, print, profile, seal, session};
use crate::cli::{Format, Plan as Args};
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::helm::Helm;
use crate::memory::{StackRecord, StackRelease};
use crate::plan::{Plan, Selection};
use crate::preview::{self, LookError, Looked, Preview, Request};

pub use saved::{read, unmoved};

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
        let record = seal::as_before(&cluster, &plan, &mut helm).await?;
        let request = Request {
            selected: selected.0,
            only: selected.1,
            key: seal::new_key()?,
            hooks: seal::hooks(record.as_ref()),
        };
        let mut looked = look(context, &plan, &helm, &cluster, request).await?;
        let whole = profile::plan(&profile, &Selection::All)?;
        let (stack, namespace) = (whole.stack.clone(), whole.namespace.clone());
        let record = record.unwrap_or_else(|| StackRecord::new(stack, namespace, ""));
        let orphans = orphans::still_there(&cluster, &whole, &record).await?;
        let orphan = |StackRelease {
                          release, namespace, ..
                      }: StackRelease| preview::Orphan { release, namespace };
        looked.preview.orphans = orphans.into_iter().map(orphan).collect();
        Ok(looked)
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

/// Looks at the stack through the helm and the cluster of a run.
pub async fn look(
    context: &Context,
    plan: &Plan,
    helm: &Helm,
    cluster: &Cluster,
    request: Request,
) -> Result<Looked, Failure> {
    let _waiting = context.environment.waiting_for("asking what would change");
    let looked = preview::look(plan, helm, cluster, request).await;
    looked.map_err(|error| match &error {
        LookError::Cluster(said) => session::observe(said),
        LookError::Manifest { .. } => Failure::new(Kind::Invalid, &error),
        LookError::Cancelled => Failure::told(Kind::Interrupted),
    })
}

/// A file of a plan as the messages name it.
pub fn named(file: &Path) -> String {
    format!("plan `{}`", file.display())
}
