//! Gives a containerd a folder of its own that starts out with the images of a prepared one.

use std::path::Path;

use anyhow::{Context, Result};

/// Copies a prepared store without copying what is large in it.
///
/// containerd never changes a committed layer or a blob, so layers are symbolic links into the store
/// and blobs hard links. Its databases are copied, as they do change.
pub(super) fn adopt(store: &Path, folder: &Path) -> Result<()> {
    copy(&store.join("containerd"), folder)
        .with_context(|| format!("taking over the images in `{}`", store.display()))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if !entry.file_type()?.is_dir() {
            if from.ends_with("blobs/sha256") {
                std::fs::hard_link(source, target)?;
            } else {
                std::fs::copy(source, target)?;
            }
        } else if from.ends_with("snapshots") {
            std::os::unix::fs::symlink(source, target)?;
        } else {
            copy(&source, &target)?;
        }
    }
    Ok(())
}
