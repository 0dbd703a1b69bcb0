//! The names that stackctl passes around, each a type of its own, so that a release id
//! can't be taken for a helm release name. A value of one of these types is valid.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is no name. Reads as the end of "`X` is not a valid release id: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("it is empty")]
    Empty,
    #[error("it has {length} characters, {limit} at most are allowed")]
    TooLong { length: usize, limit: usize },
    #[error("`{0}` is not allowed: lower-case letters, digits and `-` only")]
    Character(char),
    #[error("it must start and end with a lower-case letter or a digit")]
    Edge,
}

/// A DNS-1123 label: the rule for namespaces and for every name we take
/// (Kubernetes `apimachinery/pkg/util/validation`, `IsDNS1123Label`).
fn check_label(text: &str, limit: usize) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if let Some(odd) = text.chars().find(|&c| !allowed(c) && c != '-') {
        return Err(InvalidName::Character(odd));
    }
    if text.len() > limit {
        return Err(InvalidName::TooLong {
            length: text.len(),
            limit,
        });
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(InvalidName::Edge);
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $limit:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The longest text that is such a name, in characters.
            pub const LIMIT: usize = $limit;

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check_label(text, Self::LIMIT)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// The name of a stack; with its namespace it is the stack's identity.
    StackName,
    53
);
name!(
    /// The id of a release inside a profile: the key under `releases`.
    ReleaseId,
    53
);
name!(
    /// The name under which helm knows a release. Helm allows 53 characters
    /// (helm `pkg/chart/v2/util/validate_name.go`).
    ReleaseName,
    53
);
name!(
    /// A Kubernetes namespace.
    Namespace,
    63
);

impl From<ReleaseId> for ReleaseName {
    /// A release is called by its id unless the profile says otherwise; the limits agree.
    fn from(id: ReleaseId) -> ReleaseName {
        ReleaseName(id.0)
    }
}

/// What identifies one run of `up` or `down`: sortable by its start, unique beyond doubt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunId(String);

impl RunId {
    /// `20260102-030405-9f3a`: the start in UTC and four hex digits of `salt`.
    pub fn new(start: jiff::Timestamp, salt: u16) -> RunId {
        RunId(format!("{}-{salt:04x}", start.strftime("%Y%m%d-%H%M%S")))
    }

    /// What others have written where a run stands.
    pub fn foreign(text: &str) -> RunId {
        RunId(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the cluster is called where the program runs in a pod of it: no context that kubectl knows.
pub const IN_CLUSTER: &str = "in-cluster";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        assert_eq!(
            "php-fpm".parse::<ReleaseId>().map(String::from),
            Ok("php-fpm".into())
        );
        let why = |text: &str| text.parse::<ReleaseId>().unwrap_err().to_string();
        assert_eq!(why(""), "it is empty");
        assert_eq!(
            why("PHP"),
            "`P` is not allowed: lower-case letters, digits and `-` only"
        );
        assert_eq!(
            why("-a"),
            "it must start and end with a lower-case letter or a digit"
        );
        assert_eq!(
            why(&"a".repeat(54)),
            "it has 54 characters, 53 at most are allowed"
        );
        assert!("a".repeat(63).parse::<Namespace>().is_ok());
    }

    #[test]
    fn a_run_id_tells_its_start() {
        let start: jiff::Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(
            RunId::new(start, 0x9f3a).to_string(),
            "20260102-030405-9f3a"
        );
    }
}
