use std::env;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::args::APPLIES;
use super::environment;
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::process::{self, Program, Stop};

/// The oldest helm that has all we rely on: `--labels`, `--reset-values` beside it, and hooks
/// that are waited for when they are deleted.
const OLDEST: Version = Version {
    major: 3,
    minor: 14,
};

/// The environment variable that names the helm to run when `--helm` doesn't.
const VARIABLE: &str = "STACKCTL_HELM";

const NOT_EXECUTABLE: &str = "it is not marked as executable (`chmod +x`)";

const NO_PROCESSES: &str = "this user may start no more processes or threads (`ulimit -u`)";

/// How long helm may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same number on every Unix.
const ENOEXEC: i32 = 8;

/// A helm, and its version once somebody has asked for it.
#[derive(Debug, Clone)]
pub struct Binary {
    pub path: PathBuf,
    version: OnceLock<Version>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl Version {
    /// Of a helm that does not say which it is.
    pub const NEWEST_KNOWN: Version = Version { major: 4, minor: 3 };

    /// The minor version of Kubernetes 1 that it is built with: helm 3.14 with 1.29, 4.3 with 1.37,
    /// and one more for each in between (helm's "Version Support Policy").
    pub fn kubernetes(self) -> u32 {
        match self.major {
            0..=3 => self.minor + 15,
            _ => self.minor + 34,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    #[error("no `helm` was found on the PATH")]
    Missing,
    #[error("`{}` can't be run: {why}", path.display())]
    NotRunnable { path: PathBuf, why: String },
    #[error("`{} version` did not end within {}s", path.display(), PATIENCE.as_secs())]
    Hangs { path: PathBuf },
    #[error("`{}` is helm {found}, and stackctl needs {OLDEST} or newer", path.display())]
    TooOld { path: PathBuf, found: Version },
    #[error("`{}` does not answer like helm: {answer}", path.display())]
    NotHelm { path: PathBuf, answer: String },
    #[error(
        "`{}` is helm {found}, which has no `--force-conflicts`: `{release}` asks for it with \
         `forceConflicts`", path.display()
    )]
    NoForce {
        path: PathBuf,
        found: Version,
        release: ReleaseId,
    },
}

impl Binary {
    /// Takes the helm at `given`, else the one that `$STACKCTL_HELM` names, else the first on the
    /// PATH. Starts nothing.
    ///
    /// # Errors
    /// No executable file is there.
    pub fn find(given: Option<&Path>) -> Result<Binary, BinaryError> {
        let named = || env::var_os(VARIABLE).filter(|name| !name.is_empty());
        let path = match given
            .map(PathBuf::from)
            .or_else(|| named().map(PathBuf::from))
        {
            Some(path) => which::which(&path).map_err(|_| not_found(path))?,
            None => which::which("helm").map_err(|_| missing())?,
        };
        Ok(Binary {
            path,
            version: OnceLock::new(),
        })
    }

    /// Its version, if it can do all that a plan asks of it.
    ///
    /// # Errors
    /// As those of [`Binary::version`]; it is older than helm 4, which was the first with server-side
    /// apply (helm's HIP-0023), and a release has `forceConflicts`.
    pub async fn version_for(&self, plan: &Plan) -> Result<Version, BinaryError> {
        let version = self.version().await?;
        match plan.steps().iter().find(|step| step.force_conflicts) {
            Some(step) if version < APPLIES => Err(BinaryError::NoForce {
                path: self.path.clone(),
                found: version,
                release: step.id.clone(),
            }),
            _ => Ok(version),
        }
    }

    /// Its version, asked for once.
    ///
    /// # Errors
    /// It can't be started, is no helm, or is too old.
    pub async fn version(&self) -> Result<Version, BinaryError> {
        if let Some(version) = self.version.get() {
            return Ok(*version);
        }
        let path = &self.path;
        let mut ask = Program::new(path).args(["version", "--template", "{{.Version}}"]);
        ask.env = environment::scrubbed(env::vars_os().map(|(key, _)| key));
        let not_runnable = |why| BinaryError::NotRunnable {
            path: path.clone(),
            why,
        };
        // Dropped half-way, it is killed.
        let ended = tokio::time::timeout(PATIENCE, ask.run(&Stop::default()))
            .await
            .map_err(|_| BinaryError::Hangs { path: path.clone() })?
            .map_err(|error| not_runnable(not_started(&error)))?;
        let printed = process::lines(&ended.stdout);
        let answer = printed.first().cloned().unwrap_or_default();
        let Some(version) = Version::parse(&answer).filter(|_| ended.status.success()) else {
            let complaints = process::lines(&ended.stderr);
            if complaints.iter().any(|line| is_out_of_processes(line)) {
                return Err(not_runnable(NO_PROCESSES.to_owned()));
            }
            let complaint = complaints.last().cloned();
            let answer = complaint.unwrap_or_else(|| match answer.as_str() {
                _ if !ended.status.success() => format!("it ended with {}", ended.status),
                "" => "it printed nothing".to_owned(),
                answer => format!("`{answer}`"),
            });
            let path = path.clone();
            return Err(BinaryError::NotHelm { path, answer });
        };
        if version < OLDEST {
            return Err(BinaryError::TooOld {
                path: path.clone(),
                found: version,
            });
        }
        Ok(*self.version.get_or_init(|| version))
    }
}

/// Why there is no program where one was named.
fn not_found(path: PathBuf) -> BinaryError {
    let why = if path.components().count() == 1 {
        "no executable file on the PATH has this name"
    } else if path.is_dir() {
        "it is a folder"
    } else if path.exists() {
        NOT_EXECUTABLE
    } else {
        "it does not exist"
    };
    BinaryError::NotRunnable {
        path,
        why: why.to_owned(),
    }
}

/// A file that only lacks its mark is worth a word of its own.
fn missing() -> BinaryError {
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&folders).map(|folder| folder.join("helm"));
    match files.find(|file| file.is_file()) {
        Some(path) => BinaryError::NotRunnable {
            path,
            why: NOT_EXECUTABLE.to_owned(),
        },
        None => BinaryError::Missing,
    }
}

/// The kernel's words for a file that is there mislead: it means what the file asks for.
fn not_started(error: &io::Error) -> String {
    match error.raw_os_error() {
        _ if error.kind() == io::ErrorKind::NotFound => {
            "the interpreter or the libraries that it asks for do not exist".to_owned()
        }
        Some(ENOEXEC) => {
            "it is neither a program for this machine nor a script that begins with `#!`".to_owned()
        }
        _ if error.kind() == io::ErrorKind::WouldBlock => NO_PROCESSES.to_owned(),
        _ => error.to_string(),
    }
}

/// Go's runtime (`runtime/os_linux.go`) and glibc, where the kernel gives them no thread.
fn is_out_of_processes(line: &str) -> bool {
    ["failed to create new OS thread", "pthread_create failed"]
        .iter()
        .any(|mark| line.contains(mark))
}

impl Version {
    /// Reads `v4.3.0`, `v3.14.2+gabc`, `4.0.0-rc.1`.
    pub fn parse(text: &str) -> Option<Version> {
        let mut parts = text.trim().trim_start_matches('v').split('.');
        Some(Version {
            major: parts.next()?.parse().ok()?,
            minor: parts.next()?.parse().ok()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_helm_prints_them() {
        let read = |text| Version::parse(text).map(|v| v.to_string());
        assert_eq!(read("v4.3.0\n").as_deref(), Some("4.3"));
        assert_eq!(read("v3.14.2+gc309b6f").as_deref(), Some("3.14"));
        assert_eq!(read("v3.9.0-rc.1").as_deref(), Some("3.9"));
        assert_eq!(read("usage: helm"), None);
        assert!(Version::parse("v3.9.0") < Some(OLDEST));
    }

    /// As helm 4.3 ended under `ulimit -u 3`, and as a fork ends under `ulimit -u 1`.
    #[test]
    fn a_limit_of_processes_is_told_as_one() {
        let error = io::Error::from(io::ErrorKind::WouldBlock);
        assert_eq!(not_started(&error), NO_PROCESSES);
        assert!(is_out_of_processes(
            "runtime: failed to create new OS thread (have 3 already; errno=11)"
        ));
        assert!(!is_out_of_processes("Error: unknown command \"version\""));
    }
}
