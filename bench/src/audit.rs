//! The API server's audit log: who asked for what, and when the cluster first showed something.
//!
//! One JSON object a line, as `audit.k8s.io/v1` defines them. The log is written before the request
//! is answered, so what a client has seen is in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// A log that grows.
#[derive(Debug)]
pub struct AuditLog(PathBuf);

/// A place in the log, to read on from later.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    offset: u64,
    at: Timestamp,
}

/// One request, or with a watch its begin or its end.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    #[serde(rename = "auditID")]
    pub id: String,
    pub verb: String,
    pub user: User,
    #[serde(default)]
    pub user_agent: String,
    #[serde(default)]
    pub object_ref: Object,
    #[serde(rename = "requestReceivedTimestamp")]
    pub received: Timestamp,
    /// The body, where the policy keeps it.
    #[serde(default)]
    pub request_object: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// Empty where a connection broke before anybody was known.
    #[serde(default)]
    pub username: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
}

/// Whose requests they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    Stackctl,
    /// stackctl, which has a container's log streamed.
    Logs,
    Helm,
    /// What else came from outside with the kubeconfig of the sandbox, as helmfile's own.
    Other,
}

impl AuditLog {
    pub fn at(path: PathBuf) -> AuditLog {
        AuditLog(path)
    }

    /// Remembers its present end.
    ///
    /// # Errors
    /// There is no such file.
    pub fn mark(&self) -> Result<Mark> {
        let about = std::fs::metadata(&self.0).context("reading the audit log")?;
        Ok(Mark {
            offset: about.len(),
            at: Timestamp::now(),
        })
    }

    /// Returns what was asked after the mark.
    ///
    /// # Errors
    /// The log can't be read or has lines of another form.
    pub fn since(&self, mark: Mark) -> Result<Vec<Entry>> {
        let mut file = File::open(&self.0).context("reading the audit log")?;
        file.seek(SeekFrom::Start(mark.offset))?;
        read(BufReader::new(file), mark.at)
    }
}

/// Entries of requests that came at or after `from`.
fn read(mut log: impl BufRead, from: Timestamp) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut line = String::new();
    while log.read_line(&mut line)? > 0 {
        // The last line may be half written.
        if line.ends_with('\n') {
            let entry: Entry = serde_json::from_str(&line)
                .with_context(|| format!("a line of the audit log: {line}"))?;
            // The end of a watch that began before is written now.
            if entry.received >= from {
                entries.push(entry);
            }
        }
        line.clear();
    }
    Ok(entries)
}

/// Returns how many requests each client from outside made; kubectl's are the benchmark's own and
/// not counted.
pub fn requests(entries: &[Entry]) -> BTreeMap<Client, usize> {
    let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
    for entry in entries {
        if let Some(client) = client(entry) {
            // A watch is written twice under one id.
            clients.insert(&entry.id, client);
        }
    }
    let mut counts = BTreeMap::new();
    for client in clients.into_values() {
        *counts.entry(client).or_insert(0) += 1;
    }
    counts
}

/// The client from outside that made a request, if it was one that is compared.
fn client(entry: &Entry) -> Option<Client> {
    if entry.user.username != "admin" {
        return None;
    }
    let agent = entry.user_agent.as_str();
    match agent.split('/').next().unwrap_or_default() {
        "stackctl" if entry.object_ref.subresource == "log" => Some(Client::Logs),
        "stackctl" => Some(Client::Stackctl),
        "Helm" | "helm" => Some(Client::Helm),
        "kubectl" => None,
        _ => Some(Client::Other),
    }
}

/// When a pod was given to a node, and when the kubelet told that it was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodTimes {
    pub given: Timestamp,
    pub ready: Timestamp,
}

/// Returns the times of a namespace's pods by their names. Pods that did not become ready are left
/// out.
pub fn pods(entries: &[Entry], namespace: &str) -> BTreeMap<String, PodTimes> {
    let of_pod = |subresource: &'static str| {
        entries.iter().filter(move |entry| {
            let object = &entry.object_ref;
            object.resource == "pods"
                && object.subresource == subresource
                && object.namespace == namespace
        })
    };
    let mut pods = BTreeMap::new();
    for given in of_pod("binding") {
        let name = &given.object_ref.name;
        let readies =
            of_pod("status").filter(|entry| entry.object_ref.name == *name && tells_ready(entry));
        if let Some(ready) = readies.map(|entry| entry.received).min() {
            let given = given.received;
            pods.insert(name.clone(), PodTimes { given, ready });
        }
    }
    pods
}

fn tells_ready(entry: &Entry) -> bool {
    let conditions = entry.request_object["status"]["conditions"].as_array();
    let is_ready =
        |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    conditions.is_some_and(|all| all.iter().any(is_ready))
}

/// Returns when the cluster first showed that an init container in this namespace had ended twice
/// with the same exit code: when the kubelet's request that says so came in.
pub fn second_exit(entries: &[Entry], namespace: &str, code: i64) -> Option<Timestamp> {
    let shows = |entry: &&Entry| {
        let object = &entry.object_ref;
        object.resource == "pods"
            && object.subresource == "status"
            && object.namespace == namespace
            && entry.request_object["status"]["initContainerStatuses"]
                .as_array()
                .is_some_and(|all| all.iter().any(|status| exits(status, code) >= 2))
    };
    entries
        .iter()
        .filter(shows)
        .map(|entry| entry.received)
        .min()
}

/// How often a container is known to have ended with this code, from its status. A container that
/// runs again has ended as often as it was restarted; one that ended, or waits for its next
/// restart, once more.
fn exits(status: &Value, code: i64) -> u64 {
    let restarts = status["restartCount"].as_u64().unwrap_or(0);
    let (state, last) = (&status["state"], &status["lastState"]);
    let ended = |state: &Value| state["terminated"]["exitCode"].as_i64();
    let waits = state
        .get("waiting")
        .is_some_and(|waiting| !waiting.is_null());
    match ended(state) {
        Some(now) => restarts + u64::from(now == code),
        None if ended(last) == Some(code) => restarts + u64::from(waits),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = include_str!("../fixtures/audit.jsonl");

    fn entries(from: &str) -> Vec<Entry> {
        read(LOG.as_bytes(), from.parse().unwrap()).unwrap()
    }

    const BEGIN: &str = "2026-01-02T00:00:00Z";

    #[test]
    fn requests_are_told_apart_by_who_made_them() {
        let counts = requests(&entries(BEGIN));
        let expected = [(Client::Stackctl, 2), (Client::Helm, 1), (Client::Other, 1)];
        assert_eq!(counts, BTreeMap::from(expected));
    }

    #[test]
    fn a_watch_from_before_the_mark_is_not_counted_at_its_end() {
        let counts = requests(&entries("2026-01-02T00:00:03Z"));
        assert_eq!(counts.get(&Client::Stackctl), Some(&1));
    }

    #[test]
    fn the_second_exit_is_the_first_write_that_has_it() {
        let at = second_exit(&entries(BEGIN), "bench-cause", 3).unwrap();
        assert_eq!(at.to_string(), "2026-01-02T00:00:06.123456Z");
    }

    #[test]
    fn another_namespace_or_another_code_is_no_second_exit() {
        assert_eq!(second_exit(&entries(BEGIN), "other", 3), None);
        assert_eq!(second_exit(&entries(BEGIN), "bench-cause", 4), None);
    }

    #[test]
    fn a_pod_is_ready_when_it_is_told_so_first() {
        let times = PodTimes {
            given: "2026-01-02T00:00:08.1Z".parse().unwrap(),
            ready: "2026-01-02T00:00:10.6Z".parse().unwrap(),
        };
        let expected = BTreeMap::from([("a-1".to_owned(), times)]);
        assert_eq!(pods(&entries(BEGIN), "bench-chains"), expected);
    }

    #[test]
    fn a_line_that_is_half_written_is_left_for_later() {
        let half = &LOG[..LOG.len() - 10];
        let all = read(LOG.as_bytes(), BEGIN.parse().unwrap()).unwrap().len();
        let read = read(half.as_bytes(), BEGIN.parse().unwrap()).unwrap();
        assert_eq!(read.len(), all - 1);
    }

    #[test]
    fn how_often_a_container_ended() {
        let status = |text: &str| exits(&serde_json::from_str(text).unwrap(), 3);
        let first = r#"{"restartCount":0,"state":{"terminated":{"exitCode":3}},"lastState":{}}"#;
        assert_eq!(status(first), 1);
        let again = r#"{"restartCount":1,"state":{"running":{}},"lastState":{"terminated":{"exitCode":3}}}"#;
        assert_eq!(status(again), 1);
        let waits = r#"{"restartCount":1,"state":{"waiting":{}},"lastState":{"terminated":{"exitCode":3}}}"#;
        assert_eq!(status(waits), 2);
        let second = r#"{"restartCount":1,"state":{"terminated":{"exitCode":3}},"lastState":{"terminated":{"exitCode":3}}}"#;
        assert_eq!(status(second), 2);
        let fine = r#"{"restartCount":1,"state":{"terminated":{"exitCode":0}},"lastState":{"terminated":{"exitCode":3}}}"#;
        assert_eq!(status(fine), 1);
    }
}
