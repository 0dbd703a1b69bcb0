mod files;
mod known;
mod render;

pub use known::capabilities;

use jiff::Timestamp;

use super::inputs::Inputs;
use super::signals::Signals;
use super::{Context, print, profile, seal, session};
use crate::check::{self, Report};
use crate::cli::{Check, CheckFormat, Format};
use crate::error::{Failure, Kind};
use crate::plan::Selection;
use crate::profile::{Profile, ProfileErrors};
use crate::snapshot::Unread;
use render::Charts;

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
        let cluster = match args.cluster {
            true => Some(session::connect(context).await?),
            false => None,
        };
        let (mut helm, capabilities) = match &cluster {
            Some(cluster) => {
                let capabilities = known::capabilities(cluster).await?;
                (inputs.helm(context, cluster, marks), Some(capabilities))
            }
            None => (inputs.renderer(marks), None),
        };
        seal::freeze(&plan, &mut helm)?;
        let charts = Charts {
            profile: &profile,
            plan: &plan,
            helm: &helm,
            cluster: capabilities,
        };
        let mut stack = charts.render(context).await?;
        print::warnings(&unread(&stack))?;
        if let Some(cluster) = &cluster {
            stack.known = Some(known::ask(cluster, &stack).await?);
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

/// Documents that only helm can read, a sentence each.
fn unread(stack: &check::Stack) -> Vec<String> {
    let releases = stack.releases.iter();
    let lines = releases.flat_map(|it| it.unread.iter().map(move |line| (&it.id, *line)));
    let warning = |(id, line)| Unread::Document(line).warning(id, "no rule looks at it");
    lines.map(warning).collect()
}

/// Acceptances of rules that there are not.
fn known_rules(profile: &Profile) -> Result<(), Failure> {
    let is_known = |id: &str| check::RULES.iter().any(|rule| rule.id == id);
    let unknown = profile.accept.iter().filter(|it| !is_known(&it.rule));
    let told = unknown.map(|it| {
        let message = format!("there is no rule `{}` to accept findings of", it.rule);
        profile.error_at(it.place, &message)
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(Kind::Invalid, "the profile accepts what can't be found");
    Err(failure
        .details([String::new(), ProfileErrors::of(told).to_string()])
        .hint("`stackctl check --list` has all rules"))
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
            print::painted(&check::text(report, palette), palette)
        }
        CheckFormat::Json => print::data(Format::Json, report),
        CheckFormat::Sarif => print::data(Format::Json, &check::sarif(report)),
    }
}
