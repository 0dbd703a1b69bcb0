//! The last runs of a stack, as the cluster remembers them.

use jiff::Timestamp;
use serde::Serialize;

use super::{Context, print, session, stacks};
use crate::cli::{Format, History};
use crate::error::Failure;
use crate::memory::{PastRun, StackRecord};
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
            let found = cluster
                .read_stack(&stack.id.name, &stack.id.namespace)
                .await;
            found.map(|record| (record.into_iter().collect(), Vec::new()))
        }
        None => {
            let fallback = stacks::fallback(context, &cluster)?;
            cluster.list_stacks(&fallback).await
        }
    }
    .map_err(|error| session::observe(&error))?;
    let records: Vec<StackRecord> = records.into_iter().filter(|it| !it.is_gone()).collect();
    let is_known = !records.is_empty() || unread.is_empty();
    if args.output != Format::Text {
        let runs: Vec<Runs> = records.into_iter().map(runs).collect();
        print::data(args.output, &runs)?;
    } else if is_known {
        show(context, cluster.context(), &records)?;
    }
    match unread.as_slice() {
        [] => Ok(()),
        [first, others @ ..] => {
            let others = others.iter().map(|error| format!("  {error}"));
            Err(session::observe(first).details(others))
        }
    }
}

fn show(context: &Context, cluster: &str, records: &[StackRecord]) -> Result<(), Failure> {
    if records.is_empty() {
        return print::text(&format!("no stack is recorded in context `{cluster}`\n"));
    }
    let palette = context.environment.stdout_palette(context.common.color);
    let width = context.environment.stdout_width();
    let now = Timestamp::now();
    let mut lines = Vec::new();
    for record in records {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(history::lines(record, now, width, &palette));
    }
    print::painted(&format!("{}\n", lines.join("\n")), palette)
}

fn runs(record: StackRecord) -> Runs {
    Runs {
        verified: record
            .sets
            .iter()
            .rev()
            .map(|set| set.run.clone())
            .collect(),
        stack: record.stack,
        namespace: record.namespace,
        runs: record.runs.into_iter().rev().collect(),
    }
}
