//! How a command ends badly: a kind, which is the exit code, what was being done and why it could
//! not be, and hints on what to do.

use std::fmt::Display;
use std::io::{self, Write};

use crate::output::{self, Palette};

/// The classes of failure; their numbers are the program's exit codes and a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bug of ours.
    Unexpected,
    Usage,
    /// The profile, a chart or the plan is not valid.
    Invalid,
    /// helm is missing or too old, the cluster can't be reached or says no.
    Environment,
    ReleaseFailed,
    /// The deadline passed with nothing doomed.
    DeadlinePassed,
    /// Another run has the stack.
    Locked,
    /// There are changes, and that was the question.
    Changes,
    Interrupted,
    Terminated,
}

impl Kind {
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Unexpected => 1,
            Kind::Usage => 2,
            Kind::Invalid => 3,
            Kind::Environment => 4,
            Kind::ReleaseFailed => 5,
            Kind::DeadlinePassed => 6,
            Kind::Locked => 7,
            Kind::Changes => 8,
            Kind::Interrupted => 130,
            Kind::Terminated => 143,
        }
    }
}

/// What `main` prints and turns into an exit code.
#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    /// What was being done, then what stood in the way. None where all has been said already.
    pub message: Option<String>,
    /// Further lines, shown as they are.
    pub details: Vec<String>,
    pub hints: Vec<String>,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Display) -> Failure {
        Failure {
            kind,
            message: Some(message.to_string()),
            details: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// The run has told its story; only the exit code is left to give.
    pub fn told(kind: Kind) -> Failure {
        Failure {
            kind,
            message: None,
            details: Vec::new(),
            hints: Vec::new(),
        }
    }

    pub fn hint(mut self, hint: impl Display) -> Failure {
        self.hints.push(hint.to_string());
        self
    }

    pub fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Failure {
        self.hints.extend(hints);
        self
    }

    pub fn details(mut self, details: impl IntoIterator<Item = String>) -> Failure {
        self.details.extend(details);
        self
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn render(&self, to: &mut dyn Write, palette: Palette) -> io::Result<()> {
        if let Some(message) = &self.message {
            writeln!(to, "{} {message}", palette.bad("error:"))?;
        }
        for line in &self.details {
            writeln!(to, "{line}")?;
        }
        for hint in &self.hints {
            writeln!(to, "{} {}", palette.bold("hint:"), output::completed(hint))?;
        }
        if self.kind == Kind::Unexpected {
            writeln!(
                to,
                "{} this is a bug in stackctl; please report it with the command and this message",
                palette.bold("hint:")
            )?;
        }
        Ok(())
    }
}

/// What nobody foresaw: the whole chain on one line.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::new(Kind::Unexpected, format!("{error:#}"))
    }
}

/// The machine said no: a full disk, a lack of files or memory. Not our bug.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::new(Kind::Environment, error)
    }
}
