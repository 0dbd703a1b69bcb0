//! What the API server is asked, for a stack of two sizes and while nothing changes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::waiting;
use crate::audit::{self, Client};
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::figures::{line, median, met};
use crate::interrupt;
use crate::output::say;
use crate::stack::{Release, Stack, after_init};
use crate::subject::Subject;
use crate::table::Table;

const NAMESPACE: &str = "bench-requests";
const LIMIT: Duration = Duration::from_secs(300);

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let mut stacks = Vec::new();
    for size in bench.sizes {
        stacks.push(Stack::write(NAMESPACE, &releases(size))?);
    }
    let mut table = Table::new(
        "requests",
        &[
            "tool",
            "own, each release",
            "own, each run",
            "log streams, each release",
            "helm's, each release",
            "helm's, each run",
            "all, of the larger stack",
        ],
    );
    for subject in Subject::here(bench) {
        let mut own = Vec::new();
        let mut logs = Vec::new();
        let mut helm = Vec::new();
        for stack in &stacks {
            let (mut owns, mut streams, mut helms) = (Vec::new(), Vec::new(), Vec::new());
            for run in 1..=bench.runs {
                say(&format!(
                    "{subject}, {} releases, run {run} of {}",
                    stack.size, bench.runs
                ));
                let counts = counted(bench, cluster, subject, stack)?;
                let of = |client| counts.get(&client).copied().unwrap_or(0) as f64;
                owns.push(of(Client::Stackctl) + of(Client::Other));
                streams.push(of(Client::Logs));
                helms.push(of(Client::Helm));
            }
            own.push((stack.size, median(&owns)));
            logs.push((stack.size, median(&streams)));
            helm.push((stack.size, median(&helms)));
        }
        let (own_each, own_run) = line(own[0], own[1]);
        let (logs_each, _) = line(logs[0], logs[1]);
        let (helm_each, helm_run) = line(helm[0], helm[1]);
        table.row([
            subject.to_string(),
            format!("{own_each:.1}"),
            format!("{own_run:.0}"),
            format!("{logs_each:.1}"),
            format!("{helm_each:.1}"),
            format!("{helm_run:.0}"),
            format!("{:.0}", own[1].1 + logs[1].1 + helm[1].1),
        ]);
    }
    let quiet = quiet(bench, cluster)?;
    cluster.remove(NAMESPACE)?;
    Ok(vec![table, quiet])
}

fn releases(size: usize) -> Vec<Release> {
    let release = |at: usize| {
        let id = format!("r{at:02}");
        Release::new(&id, &[], after_init(&id, "echo ready"))
    };
    (0..size).map(release).collect()
}

/// The requests of each client while a tool brings the stack up.
fn counted(
    bench: &Bench,
    cluster: &Cluster,
    subject: Subject,
    stack: &Stack,
) -> Result<BTreeMap<Client, usize>> {
    cluster.fresh(NAMESPACE)?;
    let log = cluster.audit()?;
    let mark = log.mark()?;
    subject.up(bench, cluster, stack, LIMIT)?;
    Ok(audit::requests(&log.since(mark)?))
}

/// What stackctl asks while a stack is not ready and nothing happens to it.
fn quiet(bench: &Bench, cluster: &Cluster) -> Result<Table> {
    let size = bench.sizes[1];
    let time = bench.watching;
    say(&format!("stackctl, {size} releases that are not ready"));
    let waiting = waiting::start(bench, cluster, NAMESPACE, size)?;
    let log = cluster.audit()?;
    let mark = log.mark()?;
    interrupt::pause(time)?;
    let entries = log.since(mark)?;
    waiting.stackctl.stop()?;
    let (watches, questions): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.verb == "watch");
    let of_stackctl = |entries: &[audit::Entry]| {
        let counts = audit::requests(entries);
        counts.get(&Client::Stackctl).copied().unwrap_or(0)
    };
    let (watches, questions) = (of_stackctl(&watches), of_stackctl(&questions));
    let mut table = Table::new(
        "requests-quiet",
        &["stackctl while nothing changes", "requests", "goal", "met"],
    );
    let what = format!("{size} releases, {} s: questions", time.as_secs());
    table.row([
        what,
        questions.to_string(),
        "0".to_owned(),
        met(questions == 0),
    ]);
    let what = "watches begun anew, each after a minute".to_owned();
    table.row([what, watches.to_string(), String::new(), String::new()]);
    Ok(table)
}
