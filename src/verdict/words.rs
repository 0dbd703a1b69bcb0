//! The words that sentences are made of, and what can be read from the cluster's own.

use crate::event::ContainerRole;
use crate::snapshot::Terminated;
use crate::wording::signal_name;

/// How a container is spoken of: init container `migrate`.
pub fn container(role: ContainerRole, name: &str) -> String {
    format!("{} `{name}`", noun(role))
}

pub fn noun(role: ContainerRole) -> &'static str {
    match role {
        ContainerRole::Init => "init container",
        ContainerRole::Sidecar => "sidecar",
        ContainerRole::Main | ContainerRole::Hook => "container",
    }
}

/// `once`, `twice`, `3 times`.
pub fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// `exit code 3`, `exit code 137 (signal 9, SIGKILL)`, `exit code 137 (out of memory)`.
pub fn exit(end: &Terminated) -> String {
    let code = end.exit_code;
    if end.signal != 0 {
        let name = signal_name(end.signal).map_or_else(String::new, |name| format!(" ({name})"));
        return format!("signal {}{name}", end.signal);
    }
    if end.reason == "OOMKilled" {
        return format!("exit code {code} (out of memory)");
    }
    // Shells and runtimes report a death by signal as 128 and its number.
    let signal = code - 128;
    match signal_name(signal) {
        Some(name) => format!("exit code {code} (signal {signal}, {name})"),
        None => format!("exit code {code}"),
    }
}

/// The first line, shortened to what fits into a sentence.
pub fn brief(text: &str) -> String {
    const LIMIT: usize = 160;
    let line = text.lines().next().unwrap_or("").trim();
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// What follows the last `: `: in errors that wrap errors, the one that started it.
pub fn innermost(error: &str) -> String {
    brief(error.rsplit(": ").next().unwrap_or(error))
}

#[cfg(test)]
mod tests {
    use super::super::build::end;
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "é".repeat(200);
        assert_eq!(brief(&long), format!("{}...", "é".repeat(160)));
        assert_eq!(brief("one.\ntwo"), "one");
    }

    #[test]
    fn ends_say_what_ended_them() {
        let said = |code, signal, reason| exit(&end(code, signal, reason));
        assert_eq!(said(3, 0, "Error"), "exit code 3");
        assert_eq!(said(137, 0, "Error"), "exit code 137 (signal 9, SIGKILL)");
        assert_eq!(said(137, 0, "OOMKilled"), "exit code 137 (out of memory)");
        assert_eq!(said(0, 11, "Error"), "signal 11 (SIGSEGV)");
        assert_eq!(said(0, 40, "Error"), "signal 40");
        assert_eq!(said(255, 0, "Error"), "exit code 255");
    }
}
