//! The last runs of a stack, as the cluster remembers them.

use futures::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::{Context, print, session, stacks};
use crate::cli::{Format, History};
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::memory::{PastRun, Present, StackRecord, VerifiedSet};
use crate::names::{Namespace, RunId, StackName};
use crate::reporter::history;
use crate::runner::ports::ObserveError;

/// The runs of one stack, the newest first.
#[derive(Debug, Serialize)]
struct Runs {
    stack: StackName,
    namespace: Namespace,
    /// Those whose revisions `rollback --to` can bring back.
    verified: Vec<RunId>,
    runs: Vec<PastRun>,
}

pub async fn run(context: &Context, args: &History) -> Result<(), Failure> {
    let planned = stacks::planned(context)?;
    let cluster = session::connect(context).await?;
    let (records, unread): (Vec<StackRecord>, Vec<ObserveError>) = match planned {
        Some(stack) => {
            let (name, namespace) = (&stack.id.name, &stack.id.namespace);
            let found = cluster.read_stack(name, namespace).await;
            let found = found.map_err(|error| session::observe(&error))?;
            let found = found.into_iter().filter(|it| !it.is_gone());
            (found.collect(), Vec::new())
        }
        None => stacks::records(context, &cluster).await?,
    };
    let is_known = !records.is_empty() || unread.is_empty();
    let mut known = Vec::new();
    for record in records {
        let verified = verified(&cluster, &record).await?;
        known.push((record, verified));
    }
    if args.output != Format::Text {
        let runs: Vec<Runs> = known.into_iter().map(runs).collect();
        print::data(args.output, &runs)?;
    } else if is_known {
        show(context, cluster.context(), &known)?;
    }
    match unread.as_slice() {
        [] => Ok(()),
        [first, others @ ..] => {
            let others = others.iter().map(|error| format!("  {error}"));
            Err(session::observe(first).details(others))
        }
    }
}

/// The runs whose revisions can be brought back as far as that is known, the newest first.
async fn verified(cluster: &Cluster, record: &StackRecord) -> Result<Vec<RunId>, Failure> {
    let newest_first = record.sets.iter().rev();
    let run = |set: &VerifiedSet| set.run.clone();
    if record.sets.is_empty() {
        return Ok(Vec::new());
    }
    let asked = record.namespaces();
    let asked = asked.iter().map(|namespace| cluster.all_records(namespace));
    match try_join_all(asked).await {
        Ok(records) => {
            let now = Present::of_record(record, records.iter().flatten());
            let can_come_back = |set: &&VerifiedSet| set.unreachable(&now).is_none();
            Ok(newest_first.filter(can_come_back).map(run).collect())
        }
        Err(error) => {
            let title = session::title(&record.stack, &record.namespace);
            let text =
                format!("could not ask whether {title} can go back to all that is marked: {error}");
            print::warnings([&text])?;
            Ok(newest_first.map(run).collect())
        }
    }
}

fn show(
    context: &Context,
    cluster: &str,
    known: &[(StackRecord, Vec<RunId>)],
) -> Result<(), Failure> {
    if known.is_empty() {
        return print::text(&format!("no stack is recorded in context `{cluster}`\n"));
    }
    let palette = context.environment.stdout_palette(context.common.color);
    let width = context.environment.stdout_width();
    let now = Timestamp::now();
    let mut lines = Vec::new();
    for (record, verified) in known {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(history::lines(record, verified, now, width, &palette));
    }
    print::painted(&format!("{}\n", lines.join("\n")), palette)
}

fn runs((record, verified): (StackRecord, Vec<RunId>)) -> Runs {
    Runs {
        verified,
        stack: record.stack,
        namespace: record.namespace,
        runs: record.runs.into_iter().rev().collect(),
    }
}
