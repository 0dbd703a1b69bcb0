//! An init container that always fails: how soon is the cause told, and how soon is it over?

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;

use crate::audit;
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::event;
use crate::figures::{median, met, p95, seconds};
use crate::output::say;
use crate::process::Ended;
use crate::stack::{Release, Stack, after_init};
use crate::subject::Subject;
use crate::table::Table;

const NAMESPACE: &str = "bench-cause";
/// More than the limit that helm gets.
const LIMIT: Duration = Duration::from_secs(90);
const CODE: i64 = 3;
/// The shell puts line and code together, so that neither stands in any manifest that a tool shows.
const SCRIPT: &str = "echo no such table $((40 + 2)); exit $((1 + 2))";
/// What tells the cause: the container's own line, or its exit code in the words of any tool.
const NAMES_IT: [&str; 6] = [
    "no such table 42",
    "exit 3",
    "exit code 3",
    "exit code: 3",
    "exitcode: 3",
    "exitcode:3",
];
/// The 95th percentile from what the cluster shows to the verdict stays under so many seconds.
const GOAL: f64 = 1.0;

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let release = Release::new("shop", &[], after_init("shop", SCRIPT));
    let stack = Stack::write(NAMESPACE, &[release])?;
    let mut tools = Table::new(
        "cause",
        &["tool", "names the cause after", "ends after", "runs"],
    );
    let mut latency = Latency::default();
    for subject in Subject::here(bench) {
        // The others wait until their time is up, each time in the same way.
        let runs = if subject == Subject::Stackctl {
            bench.many
        } else {
            1
        };
        let (mut named, mut ended) = (Vec::new(), Vec::new());
        for run in 1..=runs {
            say(&format!("{subject}, run {run} of {runs}"));
            cluster.fresh(NAMESPACE)?;
            let log = cluster.audit()?;
            let mark = log.mark()?;
            let end = subject.start(bench, cluster, &stack)?.end_within(LIMIT)?;
            if subject == Subject::Stackctl {
                let shown = audit::second_exit(&log.since(mark)?, NAMESPACE, CODE);
                let shown = shown.context("the audit log has no second exit")?;
                latency.add(shown, &end)?;
            }
            ended.push(end.took.as_secs_f64());
            named.extend(names_it(&end));
        }
        let told = if named.is_empty() {
            "never".to_owned()
        } else {
            seconds(median(&named))
        };
        tools.row([
            subject.to_string(),
            told,
            seconds(median(&ended)),
            runs.to_string(),
        ]);
    }
    cluster.remove(NAMESPACE)?;
    Ok(vec![tools, latency.table()])
}

/// Seconds from the start to the first line that tells the cause.
fn names_it(ended: &Ended) -> Option<f64> {
    let tells = |text: &str| {
        let text = text.to_lowercase();
        NAMES_IT.iter().any(|words| text.contains(words))
    };
    let line = ended.lines.iter().find(|line| tells(&line.text))?;
    Some(ended.seconds_until(line.at))
}

/// Seconds from the cluster's first sign to the verdict, of each run.
#[derive(Default)]
struct Latency {
    stamped: Vec<f64>,
    read: Vec<f64>,
}

impl Latency {
    fn add(&mut self, shown: Timestamp, ended: &Ended) -> Result<()> {
        let (event, line) = ended
            .lines
            .iter()
            .find_map(|line| Some((event::of_type(line, "release-failed")?, line)))
            .context("stackctl ended without a verdict")?;
        let stamp: Timestamp = event["at"].as_str().context("`at`")?.parse()?;
        // Seen once: events counted from before the connection was made.
        ensure!(stamp >= shown, "the verdict is dated before its cause");
        self.stamped.push(stamp.duration_since(shown).as_secs_f64());
        self.read.push(line.at.duration_since(shown).as_secs_f64());
        Ok(())
    }

    fn table(&self) -> Table {
        let columns = ["stackctl's verdict", "median", "p95", "runs", "goal", "met"];
        let mut table = Table::new("cause-latency", &columns);
        let measured = [
            (
                "second exit in the API server → event's `at`",
                &self.stamped,
            ),
            ("second exit in the API server → line read", &self.read),
        ];
        for (what, values) in measured {
            let worst = p95(values);
            table.row([
                what.to_owned(),
                milliseconds(median(values)),
                milliseconds(worst),
                values.len().to_string(),
                format!("p95 < {GOAL:.0} s"),
                met(worst < GOAL),
            ]);
        }
        table
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.0} ms", seconds * 1000.0)
}
