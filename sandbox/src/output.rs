//! The only place that writes: words for people go to stderr, data to stdout.
//!
//! A failed write is ignored on purpose: a reader that went away must not stop a half-built cluster
//! from being finished or taken down.

use std::io::{IsTerminal, Write};

/// Writes one line for a person to stderr.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes one line of data, such as a path, to stdout.
pub fn data(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes bytes to stdout as they are.
pub fn raw(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

/// Returns whether a person is watching stderr.
#[must_use]
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Renders a time span the one way it is shown everywhere: `0.8s`, `41s`, `3m12s`.
#[must_use]
pub fn duration(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", span.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        _ => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn durations_are_shown_one_way() {
        assert_eq!(duration(Duration::from_millis(840)), "0.8s");
        assert_eq!(duration(Duration::from_secs(41)), "41s");
        assert_eq!(duration(Duration::from_secs(192)), "3m12s");
    }
}
