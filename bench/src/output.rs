//! Words for people go to stderr, tables to stdout.

use std::io::Write;

/// Writes a line for people.
pub fn say(text: &str) {
    // With nobody to read it there is nothing to do about it.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes a result.
pub fn data(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
