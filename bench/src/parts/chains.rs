//! Two chains of unequal length: who waits for what it does not need?

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;

use crate::audit::{self, PodTimes};
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::figures::{median, met, seconds};
use crate::output::say;
use crate::stack::{Release, Stack, after_init};
use crate::subject::Subject;
use crate::table::Table;

const NAMESPACE: &str = "bench-chains";
const LIMIT: Duration = Duration::from_secs(300);
/// Each release with what it needs and the seconds that its init container takes. The longer chain
/// takes nine, all together seventeen.
const RELEASES: [(&str, &[&str], u32); 5] = [
    ("a", &[], 1),
    ("c", &[], 1),
    ("b", &["a"], 8),
    ("d", &["c"], 1),
    ("e", &["d"], 6),
];

/// Seconds that a tool may take from a release to the next.
const GOAL: f64 = 1.0;

/// One time that a tool brought the stack up.
struct Round {
    seconds: f64,
    /// Seconds from the moment when the pod of a release was ready until the pod of one that waits
    /// for it was given to a node.
    hops: Vec<f64>,
    /// Seconds before the first pod and after the last one was ready.
    ends: f64,
}

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let releases = RELEASES
        .map(|(id, needs, time)| Release::new(id, needs, after_init(id, &format!("sleep {time}"))));
    let stack = Stack::write(NAMESPACE, &releases)?;
    let subjects = Subject::here(bench);
    let log = cluster.audit()?;
    let all = super::rounds(bench, cluster, &stack, &subjects, |subject| {
        let mark = log.mark()?;
        let took = subject.up(bench, cluster, &stack, LIMIT)?.took;
        round(
            took.as_secs_f64(),
            &audit::pods(&log.since(mark)?, NAMESPACE),
        )
    })?;
    let of = |rounds: &[Round], field: fn(&Round) -> f64| {
        median(&rounds.iter().map(field).collect::<Vec<_>>())
    };
    let own = of(&all[0], |round| round.seconds);
    let columns = [
        "tool",
        "until all is ready",
        "times stackctl",
        "from a release to the next",
        "begin and end",
        "goal",
        "met",
    ];
    let mut table = Table::new("chains", &columns);
    for (subject, rounds) in subjects.iter().zip(&all) {
        let time = of(rounds, |round| round.seconds);
        let hops: Vec<f64> = rounds.iter().flat_map(|round| round.hops.clone()).collect();
        let hop = median(&hops);
        say(&format!("{subject}: {time:.1}, hops {hops:.2?}"));
        let (goal, met) = match subject {
            Subject::Stackctl => (format!("{GOAL:.1} s"), met(hop <= GOAL)),
            _ => (String::new(), String::new()),
        };
        table.row([
            subject.to_string(),
            seconds(time),
            format!("{:.2}", time / own),
            format!("{hop:.2} s"),
            seconds(of(rounds, |round| round.ends)),
            goal,
            met,
        ]);
    }
    Ok(vec![table])
}

fn round(seconds: f64, pods: &BTreeMap<String, PodTimes>) -> Result<Round> {
    let pod = |id: &str| {
        let named = pods
            .iter()
            .find(|(name, _)| name.starts_with(&format!("{id}-")));
        let (_, times) = named.with_context(|| format!("no pod of release {id} became ready"))?;
        Ok::<_, anyhow::Error>(*times)
    };
    let between = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
    let (mut hops, mut all) = (Vec::new(), Vec::new());
    for (id, needs, _) in RELEASES {
        for need in needs {
            hops.push(between(pod(need)?.ready, pod(id)?.given));
        }
        all.push(pod(id)?);
    }
    let first = all.iter().map(|it| it.given).min().context("no pods")?;
    let last = all.iter().map(|it| it.ready).max().context("no pods")?;
    Ok(Round {
        seconds,
        hops,
        ends: seconds - between(first, last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_lie_between_pods() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let pod = |(name, given, ready): (&str, i64, i64)| {
            let (given, ready) = (at(given), at(ready));
            (name.to_owned(), PodTimes { given, ready })
        };
        let pods = [
            ("a-x", 1, 3),
            ("b-x", 4, 14),
            ("c-x", 1, 3),
            ("d-x", 5, 7),
            ("e-x", 8, 15),
        ];
        let round = round(18.0, &BTreeMap::from(pods.map(pod))).unwrap();
        assert_eq!(round.hops, [1.0, 2.0, 1.0]);
        assert_eq!(round.ends, 4.0);
    }
}
