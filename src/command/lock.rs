use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, print, profile};
use crate::error::{Failure, Kind};
use crate::files;
use crate::helm::{Lock, Staged, Unlocked};
use crate::names::ReleaseId;
use crate::plan::{Plan, Selection};
use crate::profile::Profile;
use crate::wording;

/// A lock file has three lines for each release.
const LARGEST: u64 = 10 * 1024 * 1024;

pub async fn run(context: &Context) -> Result<(), Failure> {
    let profile = profile::load(context)?;
    let plan = profile::plan(&profile, &Selection::All)?;
    let mut signals = Signals::catch()?;
    let bring = Inputs::charts(context, &profile, &plan, None);
    let inputs = signals.unless_any(bring).await?;
    let new = of(&plan, &inputs.charts)?;
    let file = file(&profile);
    let old = read(&file)?;
    files::write(&file, &new.text(), false).map_err(|error| {
        Failure::new(
            Kind::Environment,
            format!("`{}` can't be written: {error}", file.display()),
        )
    })?;
    let changes = old.map(|old| old.differences(&new, true));
    let mut text = format!("{}: ", file.display());
    match changes.as_deref() {
        None => text += &format!("{} locked\n", wording::count(new.len(), "chart")),
        Some([]) => text += "nothing has changed\n",
        Some(changes) => {
            text += &format!("{} changed\n", wording::count(changes.len(), "chart"));
            for change in changes {
                text += &format!("  {}\n", told(change));
            }
        }
    }
    print::text(&text)
}

/// The lock that a run has to keep to.
pub fn wanted(profile: &Profile, locked: bool) -> Result<Option<Lock>, Failure> {
    if !locked {
        return Ok(None);
    }
    let file = file(profile);
    match read(&file)? {
        Some(lock) => Ok(Some(lock)),
        None => Err(Failure::new(
            Kind::Invalid,
            format!("there is no lock file `{}`", file.display()),
        )
        .hint("`stackctl lock` makes it; keep it beside the profile")),
    }
}

/// Refuses charts that are not those of the lock.
pub fn insist(
    profile: &Profile,
    plan: &Plan,
    lock: &Lock,
    charts: &HashMap<ReleaseId, Staged>,
) -> Result<(), Failure> {
    let whole = plan.steps().len() == profile.releases.len();
    let differences = lock.differences(&of(plan, charts)?, whole);
    if differences.is_empty() {
        return Ok(());
    }
    let lines = differences.iter().map(|it| format!("  {}", told(it)));
    let file = file(profile);
    Err(Failure::new(
        Kind::Invalid,
        format!("the charts are not those of `{}`", file.display()),
    )
    .details(lines)
    .hint("`stackctl lock` takes them up, for you to review and commit"))
}

fn told(difference: &Unlocked) -> String {
    match difference {
        Unlocked::New(id, chart) => format!("`{id}` is new: {chart}"),
        Unlocked::Gone(id, chart) => format!("`{id}` is gone: {chart}"),
        Unlocked::Changed(id, old, new) if old == new => {
            format!("`{id}` has changed: {new} is not what it was")
        }
        Unlocked::Changed(id, old, new) => format!("`{id}` has changed: {old} -> {new}"),
    }
}

/// Beside the profile, with its name.
fn file(profile: &Profile) -> PathBuf {
    profile.file.with_extension("lock")
}

fn of(plan: &Plan, charts: &HashMap<ReleaseId, Staged>) -> Result<Lock, Failure> {
    Lock::of(plan, charts)
        .map_err(|error| Failure::new(Kind::Environment, format!("a chart can't be read: {error}")))
}

fn read(file: &Path) -> Result<Option<Lock>, Failure> {
    let text = match files::read_text(file, LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let message = format!("`{}` can't be read: {error}", file.display());
            return Err(Failure::new(Kind::Environment, message));
        }
    };
    let lock = Lock::read(&text).map_err(|why| {
        Failure::new(
            Kind::Invalid,
            format!("`{}` is no lock file: {why}", file.display()),
        )
        .hint("remove it, and `stackctl lock` makes a new one")
    })?;
    Ok(Some(lock))
}
