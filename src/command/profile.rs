//! From the command line to a profile and a plan.

use std::collections::BTreeMap;
use std::io::Write;

use super::Context;
use crate::error::{Failure, Kind};
use crate::names::{Namespace, ReleaseId, ReleaseName};
use crate::output::Stream;
use crate::plan::{Plan, PlanError, Selection};
use crate::profile::{self, Profile};

/// Someone says which profile is meant, here or in the environment.
pub fn is_named(context: &Context) -> bool {
    context.common.profile.is_some() || is_in_environment()
}

/// There is one that need not be named.
pub fn is_here() -> bool {
    let Ok(folder) = std::env::current_dir() else {
        return false;
    };
    profile::locate(None, &folder, profile::process_environment).is_ok()
}

fn is_in_environment() -> bool {
    profile::process_environment(profile::VARIABLE).is_some_and(|name| !name.is_empty())
}

/// Finds and reads the profile, and says on stderr what is doubtful in it.
pub fn load(context: &Context) -> Result<Profile, Failure> {
    let folder = std::env::current_dir().map_err(|error| {
        Failure::new(
            Kind::Environment,
            format!("the current folder can't be read: {error}"),
        )
        .hint("was it removed? `cd` into it anew, or into another")
    })?;
    let wanted = context.common.profile.as_deref();
    let path = profile::locate(wanted, &folder, profile::process_environment).map_err(|error| {
        let failure = Failure::new(Kind::Invalid, &error).hints(error.hints.clone());
        match wanted.is_none() && is_in_environment() {
            true => failure.hint(format!("the name is from `${}`", profile::VARIABLE)),
            false => failure,
        }
    })?;
    let mut profile = profile::load(&path, &profile::process_environment).map_err(|errors| {
        let what = crate::wording::count(errors.count, "error");
        Failure::new(
            Kind::Invalid,
            format!("profile `{}` has {what}", path.display()),
        )
        .details([String::new(), errors.to_string()])
    })?;
    let palette = context.environment.stderr_palette(context.common.color);
    let mut stderr = Stream::stderr().painted(palette);
    for warning in &profile.warnings {
        writeln!(stderr, "{} {warning}", palette.warn("warning:"))?;
    }
    if let Some(namespace) = &context.common.namespace {
        let own = std::mem::replace(&mut profile.namespace, namespace.clone());
        for release in &mut profile.releases {
            if release.namespace == own {
                release.namespace = namespace.clone();
            }
        }
        insist_on_one_each(&profile, namespace)?;
    }
    Ok(profile)
}

/// Two releases that the profile keeps apart by their namespaces may meet in another.
fn insist_on_one_each(profile: &Profile, namespace: &Namespace) -> Result<(), Failure> {
    let mut known: BTreeMap<(&Namespace, &ReleaseName), &ReleaseId> = BTreeMap::new();
    for release in &profile.releases {
        let key = (&release.namespace, &release.release);
        if let Some(other) = known.insert(key, &release.id) {
            let (id, name) = (&release.id, &release.release);
            let text = format!(
                "with `-n {namespace}`, `{other}` and `{id}` are both release `{name}` of it"
            );
            return Err(Failure::new(Kind::Invalid, text)
                .hint("give one of them another `release`, or leave `-n` out"));
        }
    }
    Ok(())
}

/// What the command line names, with all that it needs.
pub fn selection(releases: &[ReleaseId], only: bool) -> Selection {
    match releases {
        [] => Selection::All,
        ids if only => Selection::Only(ids.to_vec()),
        ids => Selection::WithNeeds(ids.to_vec()),
    }
}

pub fn plan(profile: &Profile, selection: &Selection) -> Result<Plan, Failure> {
    Plan::new(profile, selection).map_err(|error| {
        let PlanError::Unknown { known, .. } = &error;
        let known: Vec<String> = known.iter().map(|id| format!("`{id}`")).collect();
        Failure::new(Kind::Usage, &error).hint(format!("it has {}", crate::wording::list(&known)))
    })
}
