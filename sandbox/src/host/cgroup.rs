//! The sandbox's control groups: the kubelet's root, and the list of every process of the sandbox.
//!
//! Control groups are the one thing that namespaces do not clean up, and the one thing that tells
//! for certain which processes are ours after a crash.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Where the sandbox's own processes are, apart from pods. cgroup v2 wants processes in leaves only.
const OWN: &str = "system";
/// How long the processes of a killed sandbox may take to be gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns the mounted hierarchies as (mount point, is it version 2).
fn hierarchies() -> Result<Vec<(PathBuf, bool)>> {
    let mounts =
        std::fs::read_to_string("/proc/self/mounts").context("reading `/proc/self/mounts`")?;
    Ok(mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let (target, kind) = (fields.nth(1)?, fields.next()?);
            matches!(kind, "cgroup" | "cgroup2").then(|| (PathBuf::from(target), kind == "cgroup2"))
        })
        .collect())
}

/// Makes the group in every hierarchy.
///
/// # Errors
/// When the control groups can't be written, as in a container without them.
pub fn create(name: &str) -> Result<()> {
    for (hierarchy, unified) in hierarchies()? {
        let own = hierarchy.join(name).join(OWN);
        std::fs::create_dir_all(&own)
            .with_context(|| format!("making the control group `{}`", own.display()))?;
        if unified {
            delegate(&hierarchy)?;
            delegate(&hierarchy.join(name))?;
        }
        // A new cpuset of version 1 has no CPUs, and nothing can be put into it before it has some.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let from = hierarchy.join(file);
            if !unified && from.exists() {
                let value = std::fs::read_to_string(&from)?;
                std::fs::write(hierarchy.join(name).join(file), &value)?;
                std::fs::write(own.join(file), &value)?;
            }
        }
    }
    Ok(())
}

/// Lets children of a version 2 group use every controller that the group has.
fn delegate(group: &Path) -> Result<()> {
    let controllers = std::fs::read_to_string(group.join("cgroup.controllers"))?;
    for controller in controllers.split_whitespace() {
        // One that can't be delegated (cpu with real-time processes) is no reason to give up.
        let _ = std::fs::write(
            group.join("cgroup.subtree_control"),
            format!("+{controller}"),
        );
    }
    Ok(())
}

/// Puts the calling process, and so all that it starts, into the group.
///
/// Only of one hierarchy: the others may be somebody's accounting of the session that called us.
///
/// # Errors
/// When there is no hierarchy that tracks processes.
pub fn join(name: &str) -> Result<()> {
    let hierarchies = hierarchies()?;
    let tracking = hierarchies
        .iter()
        .find(|(path, _)| path.ends_with("pids"))
        .or_else(|| hierarchies.iter().find(|(_, unified)| *unified))
        .context("there is no control group hierarchy that tracks processes")?;
    let procs = tracking.0.join(name).join(OWN).join("cgroup.procs");
    std::fs::write(&procs, "0").with_context(|| format!("joining `{}`", procs.display()))
}

/// Returns the ids of every process in the group and below.
#[must_use]
pub fn members(name: &str) -> Vec<u32> {
    let Ok(hierarchies) = hierarchies() else {
        return Vec::new();
    };
    let mut found: Vec<u32> = hierarchies
        .iter()
        .flat_map(|(hierarchy, _)| deepest_first(&hierarchy.join(name)))
        .filter_map(|group| std::fs::read_to_string(group.join("cgroup.procs")).ok())
        .flat_map(|procs| {
            procs
                .lines()
                .filter_map(|line| line.parse().ok())
                .collect::<Vec<_>>()
        })
        .filter(|pid| *pid != 0)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Removes the group everywhere, after killing whatever is left in it.
///
/// # Errors
/// When processes in it do not end.
pub fn remove(name: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let left = members(name);
        for pid in &left {
            super::process::kill(*pid);
        }
        let mut stuck = None;
        for (hierarchy, _) in hierarchies()? {
            for group in deepest_first(&hierarchy.join(name)) {
                if let Err(error) = std::fs::remove_dir(&group) {
                    stuck = Some((group, error));
                }
            }
        }
        match stuck {
            None => return Ok(()),
            Some((group, error)) if began.elapsed() > PATIENCE => {
                bail!(
                    "removing the control group `{}`: {error}; processes in it: {left:?}",
                    group.display()
                );
            }
            // The kernel tells nobody when a killed process has left its groups.
            Some(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn deepest_first(group: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(group) else {
        return Vec::new();
    };
    let mut groups: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .flat_map(|entry| deepest_first(&entry.path()))
        .collect();
    groups.push(group.to_owned());
    groups
}
