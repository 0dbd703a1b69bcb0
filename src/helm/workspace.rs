use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The private folder of one run, readable by its owner alone and removed at its end: staged
/// charts, values that came from the profile, helm's cache.
#[derive(Debug)]
pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// # Errors
    /// No folder can be made where temporary files go.
    pub fn new() -> io::Result<Workspace> {
        let folder = tempfile::Builder::new().prefix("stackctl-").tempdir()?;
        for part in ["charts", "values", "helm"] {
            fs::create_dir(folder.path().join(part))?;
        }
        Ok(Workspace { folder })
    }

    pub fn charts(&self) -> PathBuf {
        self.folder.path().join("charts")
    }

    pub fn helm(&self) -> PathBuf {
        self.folder.path().join("helm")
    }

    /// Writes values as JSON, which every YAML reader takes for the same thing.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write_values(
        &self,
        name: &str,
        values: &serde_json::Map<String, serde_json::Value>,
    ) -> io::Result<PathBuf> {
        self.write_values_file(name, serde_json::to_string(values)?.as_bytes())
    }

    /// Writes a values file as it is.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write_values_file(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let file = self.folder.path().join("values").join(name);
        write_private(&file, bytes)?;
        Ok(file)
    }
}

fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(file)?.write_all(bytes)
}
