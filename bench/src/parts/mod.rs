//! One file a question. Each returns its answer as tables.

mod again;
mod calm;
mod cause;
mod chains;
mod requests;
mod tree;
mod waiting;
mod watch;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::output::say;
use crate::stack::Stack;
use crate::subject::Subject;
use crate::table::Table;

/// What can be measured, in the order in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// How long until the cause of a failure is told
    Cause,
    /// How long two unequal chains of releases take
    Chains,
    /// How often the API server is asked
    Requests,
    /// Memory and CPU while many releases are not ready
    Watch,
    /// Verdicts on a healthy stack on a busy machine
    Calm,
    /// How long a large tree of releases takes, on simulated nodes
    Tree,
    /// What a run costs that has nothing to do, on simulated nodes
    Again,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Part::Cause => "cause",
            Part::Chains => "chains",
            Part::Requests => "requests",
            Part::Watch => "watch",
            Part::Calm => "calm",
            Part::Tree => "tree",
            Part::Again => "again",
        }
    }

    /// The names of the tables that it returns.
    #[cfg(test)]
    pub fn tables(self) -> &'static [&'static str] {
        match self {
            Part::Cause => &["cause", "cause-latency"],
            Part::Requests => &["requests", "requests-quiet"],
            Part::Chains => &["chains"],
            Part::Watch => &["watch"],
            Part::Calm => &["calm"],
            Part::Tree => &["tree"],
            Part::Again => &["again"],
        }
    }
}

/// Measures these parts, or all, and hands out each table as soon as it is there.
///
/// # Errors
/// Something did not run as it should; the parts after it were not measured.
pub fn run(bench: &Bench, chosen: &[Part], mut done: impl FnMut(Table)) -> Result<()> {
    let is_chosen = |part: &&Part| chosen.is_empty() || chosen.contains(part);
    let (simulated, real): (Vec<Part>, Vec<Part>) = Part::value_variants()
        .iter()
        .filter(is_chosen)
        .partition(|&&part| matches!(part, Part::Tree | Part::Again));
    // One cluster after the other: two at once would take the machine from each other.
    let mut on = |start: fn() -> Result<Cluster>, parts: Vec<Part>| {
        if parts.is_empty() {
            return Ok(());
        }
        let cluster = start()?;
        for part in parts {
            measure(part, bench, &cluster)?
                .into_iter()
                .for_each(&mut done);
        }
        Ok(())
    };
    on(Cluster::real, real)?;
    on(Cluster::simulated, simulated)
}

fn measure(part: Part, bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let name = part.name();
    say(&format!("\n==> {name}"));
    let tables = match part {
        Part::Cause => cause::measure(bench, cluster),
        Part::Chains => chains::measure(bench, cluster),
        Part::Requests => requests::measure(bench, cluster),
        Part::Watch => watch::measure(bench, cluster),
        Part::Calm => calm::measure(bench, cluster),
        Part::Tree => tree::measure(bench, cluster),
        Part::Again => again::measure(bench, cluster),
    };
    tables.context(name)
}

/// How long each tool takes until the stack is up, in seconds, for each run.
fn times(
    bench: &Bench,
    cluster: &Cluster,
    stack: &Stack,
    subjects: &[Subject],
    limit: Duration,
) -> Result<Vec<Vec<f64>>> {
    rounds(bench, cluster, stack, subjects, |subject| {
        let ended = subject.up(bench, cluster, stack, limit)?;
        Ok(ended.took.as_secs_f64())
    })
}

/// What each tool does with the stack in an empty namespace, once for each run. The tools take
/// turns, so that what the machine does meanwhile hits all of them.
fn rounds<T>(
    bench: &Bench,
    cluster: &Cluster,
    stack: &Stack,
    subjects: &[Subject],
    mut one: impl FnMut(Subject) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut all: Vec<Vec<T>> = subjects.iter().map(|_| Vec::new()).collect();
    for run in 1..=bench.runs {
        for (&subject, results) in subjects.iter().zip(&mut all) {
            say(&format!("{subject}, run {run} of {}", bench.runs));
            cluster.fresh(&stack.namespace)?;
            results.push(one(subject)?);
        }
    }
    cluster.remove(&stack.namespace)?;
    Ok(all)
}
