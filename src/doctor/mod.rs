//! Whether an `up` could work here: what was looked at, what is wrong, and what helps. Pure: others
//! ask helm, the cluster and this machine.

mod escalation;
mod rights;
mod text;

use serde::Serialize;

pub use escalation::{Grant, RoleRef, Source, grants, held};
pub use rights::{Rendered, Want, lacking, wants};
pub use text::text;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `helm`, `cluster`, `rights`, ...
    pub about: &'static str,
    pub state: State,
    /// One sentence.
    pub says: String,
    /// What helps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Good,
    /// An `up` would work, less well.
    Warning,
    /// It would stop an `up`.
    Problem,
}

impl Check {
    fn new(about: &'static str, state: State, says: impl Into<String>) -> Check {
        Check {
            about,
            state,
            says: says.into(),
            hints: Vec::new(),
        }
    }

    pub fn good(about: &'static str, says: impl Into<String>) -> Check {
        Check::new(about, State::Good, says)
    }

    pub fn warning(about: &'static str, says: impl Into<String>) -> Check {
        Check::new(about, State::Warning, says)
    }

    pub fn problem(about: &'static str, says: impl Into<String>) -> Check {
        Check::new(about, State::Problem, says)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Check {
        self.hints.push(hint.into());
        self
    }
}

/// Something would stop an `up`.
pub fn would_stop(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.state == State::Problem)
}
