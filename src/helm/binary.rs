use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use super::environment;
use crate::process::{self, Program, Stop};

/// The oldest helm that has all we rely on: `--labels`, `--reset-values` beside it, and hooks
/// that are waited for when they are deleted.
const OLDEST: Version = Version {
    major: 3,
    minor: 14,
};

/// A helm that can be run, and its version.
#[derive(Debug, Clone)]
pub struct Binary {
    pub path: PathBuf,
    pub version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    #[error("no `helm` was found on the PATH")]
    Missing,
    #[error("`{}` is no program that can be run: {why}", path.display())]
    NotRunnable { path: PathBuf, why: String },
    #[error("`{}` is helm {found}, {OLDEST} or newer is needed", path.display())]
    TooOld { path: PathBuf, found: Version },
    #[error("`{}` does not answer like helm: {answer}", path.display())]
    NotHelm { path: PathBuf, answer: String },
}

impl Binary {
    /// Takes the helm at `given`, else the first on the PATH, and asks it for its version.
    ///
    /// # Errors
    /// No helm there, one that can't be started, or one that is too old.
    pub async fn find(given: Option<&Path>) -> Result<Binary, BinaryError> {
        let path = match given {
            Some(given) => which::which(given).map_err(|error| BinaryError::NotRunnable {
                path: given.to_owned(),
                why: error.to_string(),
            })?,
            None => which::which("helm").map_err(|_| BinaryError::Missing)?,
        };
        let mut ask = Program::new(&path).args(["version", "--template", "{{.Version}}"]);
        ask.env = environment::scrubbed(env::vars_os().map(|(key, _)| key));
        let ended = ask
            .run(&Stop::default())
            .await
            .map_err(|error| BinaryError::NotRunnable {
                path: path.clone(),
                why: error.to_string(),
            })?;
        let printed = process::lines(&ended.stdout);
        let answer = printed.first().cloned().unwrap_or_default();
        let Some(version) = Version::parse(&answer).filter(|_| ended.status.success()) else {
            let complaint = process::lines(&ended.stderr).pop();
            return Err(BinaryError::NotHelm {
                path,
                answer: complaint.unwrap_or(format!("`{answer}`")),
            });
        };
        if version < OLDEST {
            return Err(BinaryError::TooOld {
                path,
                found: version,
            });
        }
        Ok(Binary { path, version })
    }
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
}
