//! From what helm printed to why it failed: a cause, one sentence, the way down to it, and what to
//! do. Pure: text and what we know of the release in, a [`Refusal`] out.
//!
//! helm has one exit code for every failure and its texts are made for eyes, so each family reads
//! the texts of helm 3 and 4, of the API server and of Go's templates that it knows. A text that
//! nobody knows is handed on as it is. Values of objects are taken out before anything is read.

mod access;
mod chart;
mod conflict;
mod hook;
mod kind;
mod lock;
mod object;
mod ownership;
mod parse;
mod schema;
mod server;
mod size;
mod template;
mod webhook;

use std::process::ExitStatus;

use super::Version;
use super::args::Connection;
use crate::names::{Namespace, ReleaseName};
use crate::process;
use crate::runner::ports::{MissingKind, Refusal, Trouble};
use crate::wording::shell_word;
use parse::Said;

/// Lines of helm's output that a failure carries.
const OUTPUT_LINES: usize = 20;
/// Characters of one of them; a Go struct can fill a screen.
const LINE_LIMIT: usize = 500;
/// Characters of a foreign text inside a sentence.
const SENTENCE_LIMIT: usize = 300;

/// What we know of the release, for sentences and for commands that can be pasted.
#[derive(Debug)]
pub struct About<'a> {
    pub release: &'a ReleaseName,
    pub namespace: &'a Namespace,
    /// The chart as the user knows it.
    pub chart: &'a str,
    pub connection: &'a Connection,
    pub version: Version,
    /// It was to be uninstalled.
    pub uninstalls: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    Template,
    RenderedYaml,
    Schema,
    ValuesFile,
    NoChart,
    Dependency,
    KubeVersion,
    Immutable,
    Invalid,
    Ownership,
    FieldConflict,
    Changed,
    NameInUse,
    Pending,
    MissingKinds(Vec<MissingKind>),
    NoNamespace,
    Forbidden,
    Credentials,
    Quota,
    Denied,
    WebhookUnreachable,
    Unreachable,
    TimedOut,
    Hook,
    Killed,
    Unknown,
}

/// Why helm failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    cause: Cause,
    sentence: String,
    chain: Vec<String>,
    hints: Vec<String>,
    /// What is shown instead of helm's last lines.
    lines: Option<Vec<String>>,
}

impl Failure {
    fn new(cause: Cause, sentence: impl Into<String>) -> Failure {
        Failure {
            cause,
            sentence: sentence.into(),
            chain: Vec::new(),
            hints: Vec::new(),
            lines: None,
        }
    }

    fn through(mut self, link: impl Into<String>) -> Failure {
        self.chain.push(link.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }
}

/// Reads what helm printed to stderr before it ended badly.
pub fn refusal(about: &About<'_>, status: ExitStatus, stderr: &[String]) -> Refusal {
    let said = Said::read(stderr);
    let failure = failure(about, status, &said);
    Refusal {
        trouble: trouble(&failure.cause),
        sentence: failure.sentence,
        chain: failure.chain,
        hints: failure.hints,
        output: failure.lines.unwrap_or_else(|| shown(&said)),
    }
}

/// The families in the order in which they are asked: a text may hold the words of several, as a
/// webhook that can't be reached has a connection that was refused in it.
fn failure(about: &About<'_>, status: ExitStatus, said: &Said) -> Failure {
    const FAMILIES: [fn(&About<'_>, &Said) -> Option<Failure>; 14] = [
        schema::find,
        chart::find,
        size::find,
        access::find,
        template::find,
        lock::find,
        ownership::find,
        kind::find,
        webhook::find,
        conflict::find,
        object::find,
        server::find,
        hook::find,
        hook::find_any_timeout,
    ];
    if let Some(signal) = process::killed_by(status) {
        return server::killed(about, signal);
    }
    if said.text.is_empty() {
        let status = status
            .code()
            .map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
        return Failure::new(
            Cause::Unknown,
            format!("helm ended with {status} and gave no reason"),
        );
    }
    let known = FAMILIES.iter().find_map(|family| family(about, said));
    known.unwrap_or_else(|| {
        let text = parse::brief(&said.text, SENTENCE_LIMIT);
        Failure::new(Cause::Unknown, format!("helm says: {text}"))
    })
}

fn trouble(cause: &Cause) -> Trouble {
    match cause {
        Cause::Unreachable => Trouble::Unreachable,
        Cause::MissingKinds(kinds) => Trouble::MissingKinds(kinds.clone()),
        Cause::Hook | Cause::TimedOut | Cause::Killed | Cause::Unknown => Trouble::Unclear,
        _ => Trouble::Clear,
    }
}

/// The end of what helm printed, without what only speaks to who types commands.
fn shown(said: &Said) -> Vec<String> {
    let from = said.lines.len().saturating_sub(OUTPUT_LINES);
    let lines = said.lines[from..].iter();
    lines.map(|line| parse::brief(line, LINE_LIMIT)).collect()
}

impl About<'_> {
    /// `helm history web -n shop --kube-context prod`
    fn helm(&self, verb_and_rest: &str) -> String {
        let connection = self.connected("--kube-context");
        format!("helm {verb_and_rest} -n {}{connection}", self.namespace)
    }

    /// `kubectl --context prod -n shop delete service/web`
    fn kubectl(&self, namespace: Option<&str>, verb_and_rest: &str) -> String {
        let connection = self.connected("--context");
        let place = namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
        format!("kubectl{connection}{place} {verb_and_rest}")
    }

    /// ` --kubeconfig FILE --context prod`, as far as they were given.
    fn connected(&self, context_flag: &str) -> String {
        let mut flags = String::new();
        if let Some(file) = &self.connection.kubeconfig {
            flags += &format!(" --kubeconfig {}", shell_word(&file.to_string_lossy()));
        }
        if let Some(context) = &self.connection.context {
            flags += &format!(" {context_flag} {}", shell_word(context));
        }
        flags
    }
}
