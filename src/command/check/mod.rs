mod files;
mod known;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, print, profile, session};
use crate::check::{self, Release, Report, Stack};
use crate::cli::{Check, CheckFormat, Format};
use crate::error::{Failure, Kind};
use crate::helm::{Helm, Template};
use crate::plan::{Plan, Selection};
use crate::process::Stop;
use crate::profile::Profile;
use crate::runner::ports::DeployError;
use crate::wording;

/// helm processes at once: each is a whole CPU.
const AT_ONCE: usize = 4;

pub async fn run(context: &Context, args: &Check) -> Result<(), Failure> {
    if args.list {
        return list(args);
    }
    let profile = profile::load(context)?;
    known_rules(&profile)?;
    let plan = profile::plan(&profile, &Selection::All)?;
    let mut signals = Signals::catch()?;
    let look = async {
        let inputs = Inputs::bring(context, &profile, &plan, None).await?;
        let marks = session::marks(&plan, &session::run_id(Timestamp::now()));
        let helm = inputs.renderer(marks);
        let mut stack = render(context, &profile, &plan, &helm).await?;
        if args.cluster {
            let cluster = session::connect(context).await?;
            stack.known = Some(known::ask(&cluster, &stack).await?);
        }
        Ok(check::check(&stack, &profile))
    };
    let mut report = signals.unless_any(look).await?;
    files::locate(&mut report, &plan, &profile);
    print(context, args, &report)?;
    match report.counts().errors {
        0 => Ok(()),
        _ => Err(Failure::told(Kind::Invalid)),
    }
}

/// Acceptances of rules that there are not.
fn known_rules(profile: &Profile) -> Result<(), Failure> {
    let is_known = |id: &str| check::RULES.iter().any(|rule| rule.id == id);
    let mut unknown = profile.accept.iter().filter(|it| !is_known(&it.rule));
    let Some(accepted) = unknown.next() else {
        return Ok(());
    };
    let message = format!("there is no rule `{}` to accept findings of", accepted.rule);
    let diagnostic = profile.error_at(accepted.place, &message);
    let failure = Failure::new(Kind::Invalid, "the profile accepts what can't be found");
    Err(failure
        .details([String::new(), diagnostic.to_string()])
        .hint("`stackctl check --list` has all rules"))
}

async fn render(
    context: &Context,
    profile: &Profile,
    plan: &Plan,
    helm: &Helm,
) -> Result<Stack, Failure> {
    let _waiting = context.environment.waiting_for("rendering the charts");
    let stop = Stop::default();
    let rendered: Vec<Result<Template, DeployError>> = stream::iter(plan.steps())
        .map(|step| helm.template(step, &stop))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut releases = Vec::new();
    let mut failed = Vec::new();
    for (at, template) in rendered.into_iter().enumerate() {
        let id = &plan.steps()[at].id;
        match template {
            Ok(Template { manifest, sources }) => {
                match Release::new(plan, profile, at, &manifest, sources) {
                    Ok(release) => releases.push(release),
                    Err(error) => failed.push(format!("  `{id}`: {error}")),
                }
            }
            Err(DeployError::Refused(said)) => {
                failed.push(format!("  `{id}`: {}", said.sentence));
                failed.extend(said.hints.iter().map(|hint| format!("    hint: {hint}")));
            }
            Err(DeployError::Cancelled) => {}
        }
    }
    if failed.is_empty() {
        return Ok(Stack {
            releases,
            known: None,
        });
    }
    let what = wording::count(plan.steps().len() - releases.len(), "release");
    Err(Failure::new(Kind::Invalid, format!("{what} can't be rendered")).details(failed))
}

fn list(args: &Check) -> Result<(), Failure> {
    match args.output {
        CheckFormat::Text => print::text(&check::list()),
        CheckFormat::Json => print::data(Format::Json, &check::RULES),
        CheckFormat::Sarif => Err(Context::usage("rules are printed as text or JSON")),
    }
}

fn print(context: &Context, args: &Check, report: &Report) -> Result<(), Failure> {
    match args.output {
        CheckFormat::Text => {
            let palette = context.environment.stdout_palette(context.common.color);
            print::text(&check::text(report, palette))
        }
        CheckFormat::Json => print::data(Format::Json, report),
        CheckFormat::Sarif => print::data(Format::Json, &check::sarif(report)),
    }
}
