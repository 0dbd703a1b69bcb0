//! One short name for the content of a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Returns a digest of the names and contents of all files in the folders, and of some words.
///
/// # Errors
/// When a file can't be read.
pub(super) fn of(folders: &[PathBuf], words: &[&str]) -> Result<String> {
    let mut hash = Sha256::new();
    for word in words {
        feed(&mut hash, word.as_bytes());
    }
    for folder in folders {
        for file in files(folder)? {
            let name = file
                .strip_prefix(folder)
                .unwrap_or(&file)
                .to_string_lossy()
                .into_owned();
            feed(&mut hash, name.as_bytes());
            feed(
                &mut hash,
                &std::fs::read(&file).with_context(|| format!("reading `{}`", file.display()))?,
            );
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The length goes first, so that no two lists of pieces run into the same bytes.
fn feed(hash: &mut Sha256, piece: &[u8]) {
    hash.update((piece.len() as u64).to_le_bytes());
    hash.update(piece);
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("reading `{}`", folder.display()))?
    {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            // What a build of a crate or a package manager leaves there is no source.
            if !matches!(
                entry.file_name().to_str(),
                Some("target" | "node_modules" | ".git")
            ) {
                found.extend(files(&entry.path())?);
            }
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn any_change_of_a_name_or_a_content_changes_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let digest = || super::of(&[folder.path().to_owned()], &["word"]).unwrap();
        std::fs::write(folder.path().join("a"), "1").unwrap();
        let first = digest();
        assert_eq!(first, digest());
        std::fs::write(folder.path().join("a"), "2").unwrap();
        assert_ne!(first, digest());
        std::fs::write(folder.path().join("a"), "1").unwrap();
        assert_eq!(first, digest());
        std::fs::rename(folder.path().join("a"), folder.path().join("b")).unwrap();
        assert_ne!(first, digest());
    }
}
