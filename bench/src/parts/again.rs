//! The same once more, with nothing to do.

use std::time::Duration;

use anyhow::Result;

use crate::audit::{self, Client};
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::figures::{median, met, seconds};
use crate::output::say;
use crate::stack::{Release, Stack, simulated};
use crate::subject::Subject;
use crate::table::Table;

const NAMESPACE: &str = "bench-again";
const LIMIT: Duration = Duration::from_secs(1200);
/// stackctl may take this part of the script's time.
const GOAL: f64 = 0.1;

/// What a tool did when there was nothing to do.
struct Repeated {
    seconds: f64,
    own: f64,
    helm: f64,
}

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let sizes = [bench.large / 5, bench.large];
    let columns = [
        "tool",
        "again",
        "times the script",
        "requests of its own",
        "requests of helm",
        "goal",
        "met",
    ];
    let mut table = Table::new("again", &columns);
    for size in sizes {
        let stack = Stack::write(NAMESPACE, &releases(size))?;
        let own = repeated(bench, cluster, &stack, Subject::Stackctl)?;
        let script = repeated(bench, cluster, &stack, Subject::Script)?;
        for (subject, one) in [(Subject::Stackctl, &own), (Subject::Script, &script)] {
            let ratio = one.seconds / script.seconds;
            let (goal, met) = match subject {
                Subject::Stackctl if size == bench.large => (
                    format!("{GOAL:.1}, no helm"),
                    met(ratio <= GOAL && one.helm == 0.0),
                ),
                _ => (String::new(), String::new()),
            };
            table.row([
                format!("{subject}, {size} releases"),
                seconds(one.seconds),
                format!("{ratio:.3}"),
                format!("{:.0}", one.own),
                format!("{:.0}", one.helm),
                goal,
                met,
            ]);
        }
    }
    cluster.remove(NAMESPACE)?;
    Ok(vec![table])
}

fn repeated(bench: &Bench, cluster: &Cluster, stack: &Stack, subject: Subject) -> Result<Repeated> {
    let size = stack.size;
    cluster.fresh(NAMESPACE)?;
    say(&format!("{subject}, {size} releases, the first time"));
    subject.up(bench, cluster, stack, LIMIT)?;
    let log = cluster.audit()?;
    let (mut times, mut own, mut helm) = (Vec::new(), Vec::new(), Vec::new());
    for run in 1..=bench.runs {
        let mark = log.mark()?;
        let took = subject.up(bench, cluster, stack, LIMIT)?.took.as_secs_f64();
        let counts = audit::requests(&log.since(mark)?);
        let of = |client| counts.get(&client).copied().unwrap_or(0) as f64;
        say(&format!(
            "{subject}, {size} releases, again {run}: {took:.1} s"
        ));
        times.push(took);
        own.push(of(Client::Stackctl) + of(Client::Logs));
        helm.push(of(Client::Helm));
    }
    Ok(Repeated {
        seconds: median(&times),
        own: median(&own),
        helm: median(&helm),
    })
}

/// Releases that each need the one before the last.
fn releases(size: usize) -> Vec<Release> {
    let id = |at: usize| format!("r{at:02}");
    let release = |at: usize| {
        let before = at.checked_sub(2).map(id);
        let needs: Vec<&str> = before.iter().map(String::as_str).collect();
        Release::new(&id(at), &needs, simulated(&id(at)))
    };
    (0..size).map(release).collect()
}
