//! Many releases in a tree, on nodes that take no time of their own.

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::figures::{median, met, seconds};
use crate::output::say;
use crate::stack::{Release, Stack, simulated};
use crate::subject::Subject;
use crate::table::Table;

const NAMESPACE: &str = "bench-tree";
const LIMIT: Duration = Duration::from_secs(1200);
/// Children of each release.
const CHILDREN: usize = 3;
/// stackctl may take so many times what helm takes that waits for nothing.
const GOAL: f64 = 1.3;

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let stack = Stack::write(NAMESPACE, &tree(bench.large))?;
    let mut subjects = Subject::here(bench);
    subjects.push(Subject::Unordered);
    let times = super::times(bench, cluster, &stack, &subjects, LIMIT)?;
    let bare = times.last().map_or(f64::NAN, |times| median(times));
    let mut table = Table::new(
        "tree",
        &["tool", "until it ended", "times bare helm", "goal", "met"],
    );
    for (subject, times) in subjects.iter().zip(&times) {
        say(&format!("{subject}: {times:.1?}"));
        let time = median(times);
        let ratio = time / bare;
        let (goal, met) = match subject {
            Subject::Stackctl => (format!("{GOAL:.1}"), met(ratio <= GOAL)),
            _ => (String::new(), String::new()),
        };
        let name = format!("{subject}, {} releases", stack.size);
        table.row([name, seconds(time), format!("{ratio:.2}"), goal, met]);
    }
    Ok(vec![table])
}

/// Releases in an order in which they can be installed, each but the first needing its parent.
fn tree(size: usize) -> Vec<Release> {
    let id = |at: usize| format!("r{at:02}");
    let release = |at: usize| {
        let parent = at.checked_sub(1).map(|before| id(before / CHILDREN));
        let needs: Vec<&str> = parent.iter().map(String::as_str).collect();
        Release::new(&id(at), &needs, simulated(&id(at)))
    };
    (0..size).map(release).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_up_to_three_children() {
        let tree = tree(8);
        let needs: Vec<&str> = tree.iter().skip(1).map(|r| r.needs[0].as_str()).collect();
        assert_eq!(needs, ["r00", "r00", "r00", "r01", "r01", "r01", "r02"]);
        assert!(tree[0].needs.is_empty());
    }
}
