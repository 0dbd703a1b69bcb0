//! A stack that never gets ready, and stackctl that waits for it: what does waiting cost?

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::event;
use crate::interrupt;
use crate::process::Running;
use crate::stack::{Release, Stack, after_init};
use crate::subject::Subject;

/// How long it may take until all init containers run.
const LIMIT: Duration = Duration::from_secs(400);
/// How long the last of it may take to get quiet.
const SETTLE: Duration = Duration::from_secs(5);

/// stackctl at work. The stack goes with this value, and so does the program.
pub struct Waiting {
    pub stackctl: Running,
    _stack: Stack,
}

/// Returns when each release of a new stack has an init container that runs and does not end.
///
/// # Errors
/// They don't get so far.
pub fn start(bench: &Bench, cluster: &Cluster, namespace: &str, size: usize) -> Result<Waiting> {
    let release = |at: usize| {
        let id = format!("r{at:02}");
        Release::new(&id, &[], after_init(&id, "echo waiting; sleep 3600"))
    };
    let releases: Vec<Release> = (0..size).map(release).collect();
    let stack = Stack::write(namespace, &releases)?;
    cluster.fresh(namespace)?;
    let mut stackctl = Subject::Stackctl.start(bench, cluster, &stack)?;
    let (mut deployed, mut waiting) = (BTreeSet::new(), BTreeSet::new());
    stackctl.wait_for(LIMIT, |line| {
        let Some(event) = event::of(line) else {
            return false;
        };
        let release = event["release"].as_str().unwrap_or_default().to_owned();
        match event["type"].as_str() {
            Some("release-deployed") => deployed.insert(release),
            Some("container-log") => waiting.insert(release),
            _ => false,
        };
        deployed.len() == size && waiting.len() == size
    })?;
    interrupt::pause(SETTLE)?;
    Ok(Waiting {
        stackctl,
        _stack: stack,
    })
}
