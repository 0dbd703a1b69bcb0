use std::fmt;
use std::path::PathBuf;

use super::excerpt::{Excerpt, printable};

/// Messages longer than this are cut: they may quote what the user wrote.
const LONGEST_MESSAGE: usize = 400;

/// One thing that is wrong, or doubtful, in a profile or a file it names.
///
/// The parts are for whoever draws it with colours; `Display` is the plain rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named, or as it was reached from the profile.
    pub file: PathBuf,
    /// Where in the file; `None` when the file as a whole is meant or can't be read.
    pub excerpt: Option<Excerpt>,
    /// A lower-case fragment, one line, safe for a terminal.
    pub message: String,
    /// What to do about it, each one line, without the `hint:` in front.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic about a file as a whole.
    pub(super) fn about(file: PathBuf, message: &str) -> Diagnostic {
        Diagnostic {
            file,
            excerpt: None,
            message: one_line(message),
            hints: Vec::new(),
        }
    }

    /// Adds a hint, to read after the ones there are.
    pub fn hint(&mut self, hint: impl AsRef<str>) -> &mut Diagnostic {
        self.hints.push(one_line(hint.as_ref()));
        self
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: message`, the source line with a caret, then the hints, each
    /// on a line of its own. No line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "{}:{}:", excerpt.line, excerpt.column)?;
        }
        write!(f, " {}", self.message)?;
        if let Some(excerpt) = &self.excerpt {
            let number = excerpt.line.to_string();
            let margin = " ".repeat(number.len());
            let pad = " ".repeat(excerpt.caret);
            let carets = "^".repeat(excerpt.width);
            let line = format!("{number} | {}", excerpt.text);
            write!(f, "\n{}\n{margin} | {pad}{carets}", line.trim_end())?;
        }
        for hint in &self.hints {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a profile, in the order of the file. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProfileErrors {
    /// Of very many the first, and a last one that counts the others.
    pub shown: Vec<Diagnostic>,
    /// How many there are in all.
    pub count: usize,
}

impl ProfileErrors {
    /// All of these.
    pub fn of(all: Vec<Diagnostic>) -> ProfileErrors {
        ProfileErrors {
            count: all.len(),
            shown: all,
        }
    }
}

impl fmt::Display for ProfileErrors {
    /// The diagnostics with an empty line between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.shown.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

/// Text that quotes a user, made harmless: no control characters, and not endless.
fn one_line(text: &str) -> String {
    let mut line: String = text.chars().take(LONGEST_MESSAGE).map(printable).collect();
    if text.chars().nth(LONGEST_MESSAGE).is_some() {
        line.push('…');
    }
    line
}
