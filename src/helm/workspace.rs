use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What the folders of runs are called, and what they are called before they are locked.
const NAME: &str = "stackctl-";
const UNLOCKED: &str = ".stackctl-new-";
/// The file in each that its run keeps locked. The system lets go of it when the run ends, whatever
/// ends it.
const LOCK: &str = "stackctl-run.lock";

/// The private folder of one run, readable by its owner alone and removed at its end: staged
/// charts, values that came from the profile, helm's cache. That of a run that was killed is removed
/// by the next one.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Workspace {
    /// # Errors
    /// No folder can be made where temporary files go.
    pub fn new() -> io::Result<Workspace> {
        Workspace::new_in(&env::temp_dir())
    }

    fn new_in(parent: &Path) -> io::Result<Workspace> {
        remove_abandoned(parent);
        // Others take a folder whose lock is free for abandoned, so it gets its name when it is locked.
        let unlocked = tempfile::Builder::new()
            .prefix(UNLOCKED)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let lock = File::create_new(unlocked.path().join(LOCK))?;
        lock.lock()?;
        for part in ["charts", "values", "helm"] {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(unlocked.path().join(part))?;
        }
        let name = unlocked.path().file_name().unwrap_or_default();
        let name = name.to_string_lossy().replace(UNLOCKED, NAME);
        let folder = parent.join(name);
        fs::rename(unlocked.path(), &folder)?;
        // It is not there any more under the name that would be removed.
        let _ = TempDir::keep(unlocked);
        Ok(Workspace {
            folder,
            _lock: lock,
        })
    }

    /// The folders of runs that were killed.
    pub fn abandoned() -> Vec<PathBuf> {
        abandoned(&env::temp_dir())
    }

    pub fn charts(&self) -> PathBuf {
        self.folder.join("charts")
    }

    pub fn helm(&self) -> PathBuf {
        self.folder.join("helm")
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
        let file = self.folder.join("values").join(name);
        write_private(&file, bytes)?;
        Ok(file)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What can't be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes the folders of runs that are no more.
fn remove_abandoned(parent: &Path) {
    for folder in abandoned(parent) {
        // Another run may be at it too.
        let _ = fs::remove_dir_all(folder);
    }
}

/// The folders of runs that are no more. What belongs to others can't be opened.
fn abandoned(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter(|it| it.file_name().to_string_lossy().starts_with(NAME));
    let is_free = |folder: &PathBuf| {
        let lock = File::options().write(true).open(folder.join(LOCK));
        lock.is_ok_and(|lock| lock.try_lock().is_ok())
    };
    ours.map(|entry| entry.path()).filter(is_free).collect()
}

fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(file)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let entries = fs::read_dir(parent).unwrap().flatten();
        let names = entries.map(|it| it.file_name().to_string_lossy().into_owned());
        names.collect()
    }

    #[test]
    fn it_is_private_and_goes_with_its_run() {
        let parent = tempfile::tempdir().unwrap();
        let workspace = Workspace::new_in(parent.path()).unwrap();
        let file = workspace.write_values_file("a.yaml", b"a: 1\n").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&workspace.folder), 0o700);
        assert_eq!(mode(&file), 0o600);
        drop(workspace);
        assert!(names(parent.path()).is_empty());
    }

    #[test]
    fn the_next_run_removes_that_of_one_that_was_killed() {
        let parent = tempfile::tempdir().unwrap();
        let lives = Workspace::new_in(parent.path()).unwrap();
        let Workspace { folder, _lock } = &Workspace::new_in(parent.path()).unwrap();
        fs::create_dir(parent.path().join("stackctl-of-others")).unwrap();
        // As the system does when a process ends.
        _lock.unlock().unwrap();
        let next = Workspace::new_in(parent.path()).unwrap();
        assert!(!folder.exists());
        assert!(lives.folder.exists() && next.folder.exists());
        assert_eq!(names(parent.path()).len(), 3);
    }
}
