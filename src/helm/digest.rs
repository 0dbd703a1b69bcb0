//! What tells whether a chart is still the same.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::stage::LARGEST_FILE;
use crate::files;
use crate::wording::hex;

/// `sha256:` and 64 hex digits, over the names and contents of a chart's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Of a folder with all that is in it, or of an archive.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn of(chart: &Path) -> io::Result<Digest> {
        let mut hash = Sha256::new();
        if chart.is_dir() {
            let mut files = Vec::new();
            collect(chart, &mut files)?;
            files.sort();
            for file in files {
                let name = file.strip_prefix(chart).unwrap_or(&file);
                add(&mut hash, name.as_os_str().as_encoded_bytes());
                add(&mut hash, &files::read(&file, LARGEST_FILE)?);
            }
        } else {
            hash.update(files::read(chart, LARGEST_FILE)?);
        }
        Ok(Digest(format!("sha256:{}", hex(&hash.finalize()))))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// With its length before it, no part can be taken for another.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_count_and_their_borders_too() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("chart");
        let digest = |files: &[(&str, &str)]| {
            let _ = fs::remove_dir_all(&root);
            for (name, text) in files {
                let file = root.join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Digest::of(&root).unwrap()
        };
        let one = digest(&[("a", "1"), ("b/c", "2")]);
        assert_eq!(one, digest(&[("b/c", "2"), ("a", "1")]));
        for other in [
            [("a", "1"), ("b/c", "3")],
            [("a", "1"), ("b/d", "2")],
            [("a", "1b/c2"), ("b/d", "")],
        ] {
            assert_ne!(one, digest(&other));
        }
    }
}
