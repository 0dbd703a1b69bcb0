//! Two chains of unequal length: who waits for what it does not need?

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::figures::{median, seconds};
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

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let releases = RELEASES
        .map(|(id, needs, time)| Release::new(id, needs, after_init(id, &format!("sleep {time}"))));
    let stack = Stack::write(NAMESPACE, &releases)?;
    let subjects = Subject::here(bench);
    let times = super::times(bench, cluster, &stack, &subjects, LIMIT)?;
    let own = median(&times[0]);
    let mut table = Table::new("chains", &["tool", "until all is ready", "times stackctl"]);
    for (subject, times) in subjects.iter().zip(&times) {
        let time = median(times);
        say(&format!("{subject}: {times:.1?}"));
        table.row([
            subject.to_string(),
            seconds(time),
            format!("{:.2}", time / own),
        ]);
    }
    Ok(vec![table])
}
