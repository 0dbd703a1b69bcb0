use std::env;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use tempfile::TempDir;

/// What the folders of runs are called, and what they are called before they are locked.
const NAME: &str = "stackctl-";
const UNLOCKED: &str = ".stackctl-new-";
/// The file in each that its run keeps locked. The system lets go of it when the run ends, whatever
/// ends it.
const LOCK: &str = "stackctl-run.lock";

/// The private folder of one run, readable by its owner alone and removed at its end: staged
/// charts, values that came from the profile, helm's cache. That of a run that was killed is removed
/// by the next one. Whoever is the last to have it takes it away.
#[derive(Debug, Clone)]
pub struct Workspace(Arc<Private>);

#[derive(Debug)]
struct Private {
    folder: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Workspace {
    /// # Errors
    /// No folder can be made where temporary files go.
    pub fn new() -> io::Result<Workspace> {
        Workspace::new_in(&Workspace::place())
    }

    fn new_in(parent: &Path) -> io::Result<Workspace> {
        // helm is told of what is in it from elsewhere, too.
        let parent = &std::path::absolute(parent)?;
        insist_that_helm_reads(parent)?;
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
        Ok(Workspace(Arc::new(Private {
            folder,
            _lock: lock,
        })))
    }

    /// The folder that it is made in: what `TMPDIR` names, and `/tmp` where that is unset or empty.
    #[must_use]
    pub fn place() -> PathBuf {
        match env::temp_dir() {
            unset if unset.as_os_str().is_empty() => PathBuf::from("/tmp"),
            folder => folder,
        }
    }

    /// The folders of runs that were killed.
    pub fn abandoned() -> Vec<PathBuf> {
        abandoned(&Workspace::place())
    }

    pub fn charts(&self) -> PathBuf {
        self.0.folder.join("charts")
    }

    pub fn helm(&self) -> PathBuf {
        self.0.folder.join("helm")
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
        let file = self.0.folder.join("values").join(name);
        write_private(&file, bytes)?;
        Ok(file)
    }
}

impl Drop for Private {
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

/// The folders of runs that are no more. In a folder that all share, others may have put anything under
/// their names: only what is our own is opened, no link is followed and nobody is waited for.
fn abandoned(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let named = entries.filter(|it| it.file_name().to_string_lossy().starts_with(NAME));
    let folders = named.map(|entry| entry.path());
    folders.filter(|folder| is_abandoned(folder)).collect()
}

fn is_abandoned(folder: &Path) -> bool {
    // Then nobody else can have put anything into it.
    let is_our_folder = |it: Metadata| it.is_dir() && is_ours(&it) && it.mode() & 0o022 == 0;
    if !folder.symlink_metadata().is_ok_and(is_our_folder) {
        return false;
    }
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = File::options();
    let lock = options.write(true).custom_flags(flags.bits());
    let is_our_file = |it: Metadata| it.is_file() && is_ours(&it);
    lock.open(folder.join(LOCK))
        .is_ok_and(|lock| lock.metadata().is_ok_and(is_our_file) && lock.try_lock().is_ok())
}

fn is_ours(what: &Metadata) -> bool {
    what.uid() == geteuid().as_raw()
}

/// helm takes the path of a values file for an address first (`net/url`, `Parse`), and refuses what is none:
/// a `%` that begins no escape, and control characters.
fn insist_that_helm_reads(folder: &Path) -> io::Result<()> {
    let bytes = folder.as_os_str().as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let odd = bytes.iter().enumerate().find(|&(at, byte)| match byte {
        b'%' => !(is_hex(at + 1) && is_hex(at + 2)),
        byte => byte.is_ascii_control(),
    });
    match odd {
        None => Ok(()),
        Some((_, byte)) => {
            let character = char::from(*byte).escape_default();
            let message = format!("helm reads no path with `{character}` in it");
            Err(io::Error::new(io::ErrorKind::InvalidFilename, message))
        }
    }
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
        assert_eq!(mode(&workspace.0.folder), 0o700);
        assert_eq!(mode(&file), 0o600);
        drop(workspace);
        assert!(names(parent.path()).is_empty());
    }

    #[test]
    fn the_next_run_removes_that_of_one_that_was_killed() {
        let parent = tempfile::tempdir().unwrap();
        let lives = Workspace::new_in(parent.path()).unwrap();
        let killed = Workspace::new_in(parent.path()).unwrap();
        let Private { folder, _lock } = &*killed.0;
        fs::create_dir(parent.path().join("stackctl-of-others")).unwrap();
        // As the system does when a process ends.
        _lock.unlock().unwrap();
        let next = Workspace::new_in(parent.path()).unwrap();
        assert!(!folder.exists());
        assert!(lives.0.folder.exists() && next.0.folder.exists());
        assert_eq!(names(parent.path()).len(), 3);
    }

    /// In a folder that everybody may write to, these would have a run wait for ever, or remove what is
    /// behind a link.
    #[test]
    fn what_others_have_planted_is_left_alone() {
        let shared = tempfile::tempdir().unwrap();
        let planted = |name: &str, mode: u32| {
            let folder = shared.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            folder
        };
        let pipe = planted("stackctl-pipe", 0o700);
        nix::unistd::mkfifo(&pipe.join(LOCK), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let open_to_all = planted("stackctl-open", 0o777);
        File::create(open_to_all.join(LOCK)).unwrap();
        let link = planted("stackctl-link", 0o700);
        std::os::unix::fs::symlink(open_to_all.join(LOCK), link.join(LOCK)).unwrap();
        let real = planted("elsewhere", 0o700);
        File::create(real.join(LOCK)).unwrap();
        std::os::unix::fs::symlink(&real, shared.path().join("stackctl-away")).unwrap();
        let before = names(shared.path()).len();
        drop(Workspace::new_in(shared.path()).unwrap());
        assert_eq!(names(shared.path()).len(), before);
        assert!(real.join(LOCK).exists());
    }

    #[test]
    fn a_path_that_helm_takes_for_no_address_is_told() {
        let table = [
            ("/tmp", None),
            ("/tmp/a, \"b\"/100%25", None),
            ("/tmp/100%", Some("helm reads no path with `%` in it")),
            ("/tmp/%zz", Some("helm reads no path with `%` in it")),
            ("/tmp/a\nb", Some("helm reads no path with `\\n` in it")),
        ];
        for (path, expected) in table {
            let told = insist_that_helm_reads(Path::new(path)).err();
            assert_eq!(told.map(|it| it.to_string()).as_deref(), expected, "{path}");
        }
    }
}
