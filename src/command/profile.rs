//! From the command line to a profile and a plan.

use std::io::Write;

use super::Context;
use crate::error::{Failure, Kind};
use crate::names::ReleaseId;
use crate::output::Stream;
use crate::plan::{Plan, PlanError, Selection};
use crate::profile::{self, Profile};

/// Finds and reads the profile, and says on stderr what is doubtful in it.
pub fn load(context: &Context) -> Result<Profile, Failure> {
    let folder = std::env::current_dir()?;
    let wanted = context.common.profile.as_deref();
    let path = profile::locate(wanted, &folder, profile::process_environment)
        .map_err(|error| Failure::new(Kind::Invalid, &error).hints(error.hints.clone()))?;
    let mut profile = profile::load(&path).map_err(|errors| {
        let what = crate::wording::count(errors.0.len(), "error");
        Failure::new(
            Kind::Invalid,
            format!("{what} in profile `{}`", path.display()),
        )
        .details([String::new(), errors.to_string()])
    })?;
    let palette = context.environment.stderr_palette(context.common.color);
    let mut stderr = Stream::stderr();
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
    }
    Ok(profile)
}

pub fn plan(profile: &Profile, selection: &Selection) -> Result<Plan, Failure> {
    Plan::new(profile, selection).map_err(|error| {
        let failure = Failure::new(Kind::Invalid, &error);
        match error {
            PlanError::Cycle { path } => {
                let file = profile.file.display();
                let place = |(id, place): (ReleaseId, profile::Place)| {
                    format!(
                        "  {file}:{}:{}: `{id}` needs the next one",
                        place.line(),
                        place.column()
                    )
                };
                failure
                    .details(path.into_iter().map(place))
                    .hint("take one of these needs away")
            }
            PlanError::Unknown { known, .. } => {
                let known: Vec<String> = known.iter().map(|id| format!("`{id}`")).collect();
                failure.hint(format!("it has {}", crate::wording::list(&known)))
            }
        }
    })
}
