//! Whether an `up` could work here.

mod grants;
mod half_done;
mod leftovers;
mod namespaces;
mod stack;

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, print, profile, session};
use crate::cli::{Doctor, Format};
use crate::cluster::Cluster;
use crate::doctor::{self, Check};
use crate::error::{Failure, Kind};
use crate::helm::Version;
use crate::plan::{Plan, Selection};
use crate::profile::Profile;

pub async fn run(context: &Context, args: &Doctor) -> Result<(), Failure> {
    let profile = match profile::is_named(context) || profile::is_here() {
        true => Some(profile::load(context)?),
        false => None,
    };
    let plan = profile
        .as_ref()
        .map(|profile| profile::plan(profile, &Selection::All));
    let planned = profile.as_ref().zip(plan.transpose()?);
    let mut signals = Signals::catch()?;
    let look = async { Ok(examine(context, planned.as_ref()).await) };
    let checks = signals.unless_any(look).await?;
    match args.output {
        Format::Text => {
            let palette = context.environment.stdout_palette(context.common.color);
            print::painted(&doctor::text(&checks, &palette), palette)?;
        }
        format => print::data(format, &checks)?,
    }
    match doctor::would_stop(&checks) {
        true => Err(Failure::told(Kind::Environment)),
        false => Ok(()),
    }
}

/// Looks at everything that can be looked at: one thing that is wrong hides no other.
async fn examine(context: &Context, planned: Option<&(&Profile, Plan)>) -> Vec<Check> {
    // Before charts are brought: whoever does that removes them.
    let mut checks = leftovers::of_this_machine();
    let helm = match session::require_secret_driver() {
        Ok(()) => ask_helm(context, planned.map(|(_, plan)| plan)).await,
        Err(failure) => Err(failure),
    };
    checks.push(match &helm {
        Ok((path, version)) => Check::good("helm", format!("{version} at `{path}`")),
        Err(failure) => failed("helm", failure),
    });
    let inputs = match planned {
        Some((profile, plan)) if helm.is_ok() => {
            let inputs = bring(context, profile, plan).await;
            checks.push(match &inputs {
                Ok(_) => Check::good("charts", "all charts and values are at hand"),
                Err(failure) => failed("charts", failure),
            });
            inputs.ok()
        }
        Some(_) => None,
        None => {
            let says = "no profile is named: charts, rights and storage are not looked at";
            checks.push(Check::warning("profile", says).hint("name one with `--profile NAME`"));
            None
        }
    };
    let cluster = match session::connect(context).await {
        Ok(cluster) => cluster,
        Err(failure) => {
            checks.push(failed("cluster", &failure));
            return checks;
        }
    };
    checks.push(reached(&cluster));
    checks.extend(helm.ok().and_then(|(_, version)| skew(&cluster, version)));
    if let Some((_, plan)) = planned {
        checks.extend(namespaces::check(&cluster, plan).await);
        checks.extend(leftovers::of_stack(&cluster, plan).await);
        if let Some(inputs) = inputs {
            checks.extend(stack::needs(context, &cluster, plan, inputs).await);
        }
    }
    checks
}

/// Where it is, and its version.
async fn ask_helm(context: &Context, plan: Option<&Plan>) -> Result<(String, Version), Failure> {
    let binary = session::find_helm(context)?;
    let version = session::ask_helm(context, &binary, plan).await?;
    Ok((binary.path.display().to_string(), version))
}

/// As [`Inputs::bring`], for a helm that has told its version.
async fn bring(context: &Context, profile: &Profile, plan: &Plan) -> Result<Inputs, Failure> {
    let inputs = Inputs::charts(context, profile, plan, None).await?;
    inputs.with_values(context, profile, plan, None).await
}

fn reached(cluster: &Cluster) -> Check {
    let (context, version) = (cluster.context(), &cluster.server_version().git_version);
    Check::good(
        "cluster",
        format!("context `{context}`, Kubernetes {version}"),
    )
}

/// helm supports the four minor versions of Kubernetes up to the one that it is built with
/// (helm's "Version Support Policy").
fn skew(cluster: &Cluster, helm: Version) -> Option<Check> {
    let newest = helm.kubernetes();
    let server = cluster.server_version().minor;
    let supported = newest.saturating_sub(3)..=newest;
    if server == 0 || supported.contains(&server) {
        return None;
    }
    let says = format!(
        "helm {helm} is made for Kubernetes 1.{} to 1.{newest}, this is 1.{server}",
        supported.start()
    );
    Some(Check::warning("helm", says).hint("mostly it works; the matching helm is the safe choice"))
}

/// A failure as a check.
fn failed(about: &'static str, failure: &Failure) -> Check {
    let mut says = failure.message.clone().unwrap_or_default();
    for detail in &failure.details {
        says += "; ";
        says += detail.trim();
    }
    let hints = failure.hints.iter().cloned();
    hints.fold(Check::problem(about, says), Check::hint)
}
