//! Takes a sandbox down, whatever state it is in, and leaves nothing of it.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::files::{read_if_any, remove_tree};
use crate::home::{Home, Instance};
use crate::host::process;
use crate::lock;
use crate::output::say;
use crate::supervisor;

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes the sandbox of this name down. That there is none is fine.
///
/// # Errors
/// When processes don't end or files can't be removed.
pub fn down(name: &str) -> Result<()> {
    let instance = Home::find()?.instance(name)?;
    let _turn = lock::take(&instance.turn_lock(), || {
        say(&format!("waiting for another `up` or `down` of `{name}`"));
    })?;
    let was_there = instance.folder().exists();
    tear_down(&instance)?;
    say(&if was_there {
        format!("sandbox `{name}` is down")
    } else {
        format!("there is no sandbox `{name}`")
    });
    Ok(())
}

/// Ends and removes all that is left of a sandbox. The caller holds its turn.
///
/// # Errors
/// When processes don't end or files can't be removed.
pub fn tear_down(instance: &Instance) -> Result<()> {
    stop(instance)?;
    remove_tree(&instance.folder())
}

/// Ends every process of a sandbox, and with them its namespaces. Its files stay.
pub(crate) fn stop(instance: &Instance) -> Result<()> {
    let folder = instance.folder();
    for file in ["supervisor.pid", "keeper.pid"] {
        let Some(pid) = read_if_any(&instance.file(file))?.and_then(|text| text.parse().ok())
        else {
            continue;
        };
        if process::mentions(pid, &folder) {
            process::kill(pid);
            // The keeper takes every process of its namespaces with it before it is gone itself.
            if !process::wait_gone(pid, PATIENCE) {
                bail!(
                    "process {pid} of sandbox `{}` does not end",
                    instance.name()
                );
            }
        }
    }
    // Without namespaces the components may have outlived their keeper.
    for pid in supervisor::recorded(instance)
        .unwrap_or_default()
        .into_values()
    {
        if process::mentions(pid, &folder.join("bin")) {
            process::kill(pid);
            let _ = process::wait_gone(pid, PATIENCE);
        }
    }
    #[cfg(target_os = "linux")]
    crate::host::cgroup::remove(&instance.cgroup())?;
    Ok(())
}
