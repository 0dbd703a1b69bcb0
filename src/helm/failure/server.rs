//! The API server does not answer, or helm itself was ended.

use super::parse::{Said, after, brief};
use super::{About, Cause, Failure, SENTENCE_LIMIT};
use crate::wording::signal_name;

/// What Go's network code and the API server say when there is no answer.
const NO_ANSWER: [&str; 14] = [
    "connection refused",
    "connection reset by peer",
    "i/o timeout",
    "no such host",
    "no route to host",
    "network is unreachable",
    "TLS handshake timeout",
    "http2: client connection lost",
    "unexpected EOF",
    ": EOF",
    "etcdserver: ",
    "the server is currently unable to handle the request",
    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    "Service Unavailable",
];

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let is_lost = |text: &str| NO_ANSWER.iter().any(|mark| text.contains(mark));
    // One for each object that was under way.
    let mut lines = said.block.iter().map(String::as_str);
    let first = lines.find(|line| is_lost(line) && request(line).is_some());
    let text = first.unwrap_or(&said.text);
    let marked = [
        "kubernetes cluster unreachable: ",
        "Kubernetes cluster unreachable: ",
    ];
    let marked = marked.iter().find_map(|mark| after(text, mark));
    let request = request(marked.unwrap_or(text));
    if marked.is_none() && !(is_lost(text) && (request.is_some() || text.contains("etcdserver: ")))
    {
        return None;
    }
    let (host, why) = match request {
        Some((host, why)) => (Some(host), why),
        None => (None, marked.unwrap_or(text)),
    };
    let why = brief(plain(why), SENTENCE_LIMIT);
    let sentence = match host {
        Some(host) => format!("the API server at `{host}` does not answer: {why}"),
        None => format!("the API server does not answer: {why}"),
    };
    let info = about.kubectl(None, "cluster-info");
    Some(
        Failure::new(Cause::Unreachable, sentence)
            .hint(format!("run this again when `{info}` answers")),
    )
}

/// The host and what follows in `Get "https://HOST/PATH": WHY`.
fn request(text: &str) -> Option<(&str, &str)> {
    const VERBS: [&str; 5] = ["Get \"", "Post \"", "Patch \"", "Put \"", "Delete \""];
    let rest = VERBS.iter().find_map(|verb| after(text, verb))?;
    let (url, why) = rest.split_once("\": ")?;
    let host = url.split_once("://")?.1;
    Some((host.split('/').next()?, why))
}

/// Without the wraps of Go's network code: `dial tcp 10.0.0.1:6443: connect: connection refused`.
fn plain(why: &str) -> &str {
    match why.starts_with("dial tcp") || why.starts_with("read tcp") {
        true => why.rsplit(": ").next().unwrap_or(why),
        false => why,
    }
}

/// The kernel's way out when memory is short is signal 9, and whoever else kills leaves no trace
/// either.
pub fn killed(about: &About<'_>, signal: i32) -> Failure {
    const KILL: i32 = 9;
    let name = signal_name(signal).map_or_else(String::new, |name| format!(" ({name})"));
    let sentence = match signal {
        KILL => format!("helm was killed by signal {signal}{name}, most often for want of memory"),
        _ => format!("helm was ended by signal {signal}{name}"),
    };
    let failure = Failure::new(Cause::Killed, sentence);
    let failure = match signal {
        KILL => failure.hint("fewer at once need less memory: `--parallel 2`"),
        _ => failure,
    };
    let history = about.helm(&format!("history {}", about.release));
    failure.hint(format!(
        "it may have left the release locked: `{history}` shows whether its last revision is pending"
    ))
}
