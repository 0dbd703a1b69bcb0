//! How the releases stand: once, or with `--watch` until somebody ends it.

mod judge;
mod proofs;
mod rows;
mod watch;

use super::stacks::{self, View};
use super::{Context, print, session};
use crate::cli::{Format, Status};
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::reporter::status::{Condition, Overview, lines};
use judge::Judge;

pub async fn run(context: &Context, args: &Status) -> Result<(), Failure> {
    if args.watch && args.output == Format::Yaml {
        return Err(
            Context::usage("`--watch` writes text or JSON, a line for each change")
                .hint("use `-o json`"),
        );
    }
    session::require_secret_driver()?;
    let planned = stacks::planned(context)?;
    let cluster = session::connect(context).await?;
    let found = stacks::find(context, &cluster, planned, &args.releases).await?;
    if args.watch && found.stacks.is_empty() {
        print::warnings(&found.unseen)?;
        return Err(stacks::none_recorded(&cluster));
    }
    let view = View::open(&cluster, &found.stacks).await?;
    let mut judge = Judge::new(&cluster, &found, view);
    judge.refresh().await;
    if args.watch {
        return watch::watch(context, args.output, judge).await;
    }
    judge.fetch_proofs().await;
    let overview = judge.overview();
    show(context, args.output, &overview, &cluster)?;
    match exit_kind(&overview).filter(|_| args.exit_code) {
        None => Ok(()),
        Some(kind) => Err(Failure::told(kind)),
    }
}

fn show(
    context: &Context,
    format: Format,
    overview: &Overview,
    cluster: &Cluster,
) -> Result<(), Failure> {
    if format != Format::Text {
        return print::data(format, overview);
    }
    print::warnings(&overview.unseen)?;
    if overview.stacks.is_empty() {
        let context = cluster.context();
        return print::text(&format!("no stack is recorded in context `{context}`\n"));
    }
    let palette = context.environment.stdout_palette(context.common.color);
    let width = context.environment.stdout_width();
    let mut text = lines(overview, jiff::Timestamp::now(), width, &palette).join("\n");
    text.push('\n');
    print::painted(&text, palette)
}

/// What `--exit-code` makes of it: the worst of all releases. What nobody plans any more doesn't
/// count; where there is nothing, nothing is ready.
fn exit_kind(overview: &Overview) -> Option<Kind> {
    let rows = || overview.stacks.iter().flat_map(|stack| &stack.releases);
    let any = |state| rows().any(|row| row.state == state);
    let counted = |state| !matches!(state, Condition::Ready | Condition::Orphaned);
    if any(Condition::Failed) {
        Some(Kind::ReleaseFailed)
    } else if any(Condition::Unknown) {
        Some(Kind::Environment)
    } else if rows().next().is_none() || rows().any(|row| counted(row.state)) {
        Some(Kind::DeadlinePassed)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::status::{StackStatus, StatusRow};

    fn kind(states: &[Condition]) -> Option<u8> {
        let row = |&state: &Condition| StatusRow {
            release: "web".parse().unwrap(),
            namespace: "shop".parse().unwrap(),
            revision: None,
            state,
            ready: None,
            init: None,
            restarts: 0,
            deployed: None,
            reason: None,
            verdict: None,
        };
        let stack = StackStatus {
            stack: "shop".parse().unwrap(),
            namespace: "shop".parse().unwrap(),
            context: "test".into(),
            releases: states.iter().map(row).collect(),
        };
        let overview = Overview {
            stacks: vec![stack],
            unseen: Vec::new(),
        };
        exit_kind(&overview).map(Kind::exit_code)
    }

    #[test]
    fn the_worst_release_makes_the_exit_code() {
        use Condition::{Failed, Missing, Orphaned, Pending, Progressing, Ready, Unknown};
        assert_eq!(kind(&[Ready, Ready]), None);
        assert_eq!(kind(&[Ready, Orphaned]), None);
        for open in [Progressing, Pending, Missing] {
            assert_eq!(kind(&[Ready, open]), Some(6), "{open:?}");
        }
        assert_eq!(kind(&[Missing, Unknown]), Some(4));
        assert_eq!(kind(&[Unknown, Missing, Failed, Ready]), Some(5));
        assert_eq!(kind(&[]), Some(6));
    }
}
