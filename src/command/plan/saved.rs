//! Plans in files.

use std::path::Path;

use super::{Kept, named};
use crate::error::{Failure, Kind};
use crate::files;
use crate::preview::{Moved, Orphan, Saved};

/// A plan has two digests for each release, and a short one for each field of a chart that renders
/// differently each time.
const LARGEST: u64 = 10 * 1024 * 1024;

/// For its owner alone: with the key in it, digests can be tried.
pub fn write(file: &Path, saved: &Saved) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(saved).map_err(anyhow::Error::from)?;
    files::write(file, &format!("{text}\n"), true).map_err(|error| {
        Failure::new(
            Kind::Environment,
            format!("{} can't be written: {error}", named(file)),
        )
    })
}

pub fn read(file: &Path) -> Result<Kept, Failure> {
    let text = files::read_text(file, LARGEST).map_err(|error| error.to_string());
    let saved = text.and_then(|text| Saved::read(&text)).map_err(|why| {
        Failure::new(
            Kind::Invalid,
            format!("{} can't be used: {why}", named(file)),
        )
        .hint("make one with `stackctl plan --save FILE`")
    })?;
    Ok(Kept {
        file: file.to_owned(),
        saved,
        prune: false,
    })
}

/// Refuses a plan that is not that of this moment any more; one that is to `prune` too, where it does
/// not tell of all that would go.
pub fn unmoved(file: &Path, then: &Saved, now: &Saved, prune: bool) -> Result<(), Failure> {
    let mut moved = Vec::new();
    for (what, then, now) in [
        ("stack", then.stack.to_string(), now.stack.to_string()),
        (
            "namespace",
            then.namespace.to_string(),
            now.namespace.to_string(),
        ),
        ("context", then.context.clone(), now.context.clone()),
    ] {
        if then != now {
            moved.push(format!("  it is for {what} `{then}`, this is `{now}`"));
        }
    }
    moved.extend(then.moved(now).into_iter().map(|moved| match moved {
        Moved::Inputs(id) => format!("  `{id}`: its chart or its values have changed"),
        Moved::Cluster(id) => format!("  `{id}`: the cluster has changed"),
        Moved::Release(id) => format!("  `{id}`: the profile has changed"),
    }));
    let untold = then.untold(now).into_iter().filter(|_| prune);
    moved.extend(untold.map(|Orphan { release, namespace }| {
        format!(
            "  release `{release}` in `{namespace}` would be pruned, and it does not tell of that"
        )
    }));
    if moved.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Invalid,
        format!("{} does not hold any more", named(file)),
    )
    .details(moved)
    .hint("make a new one with `stackctl plan --save FILE`, and read it"))
}
