//! The last lines of what failed: read once for each run of a container.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use crate::cluster::{Cluster, LogRequest};
use crate::event::{Evidence, PodChanged};
use crate::runner::ports::ObserveError;
use crate::snapshot::Uid;
use crate::verdict::LogOf;

/// Lines of each.
const LINES: u32 = 10;
/// How long a node may take to give them.
const PATIENCE: Duration = Duration::from_secs(5);

type Key = (Uid, String, u32);
type Answer = (Key, Result<Vec<String>, ObserveError>);

#[derive(Default)]
pub struct Proofs {
    asked: HashSet<Key>,
    open: FuturesUnordered<LocalBoxFuture<'static, Answer>>,
    kept: HashMap<Key, Vec<String>>,
    failures: Vec<String>,
}

impl Proofs {
    /// Asks for the lines, unless that was done. `pods` tell whether it is the present run.
    pub fn want(&mut self, cluster: &Cluster, log: &LogOf, pods: &[PodChanged]) {
        let key = key(log);
        let Ok(namespace) = log.namespace.parse() else {
            return;
        };
        if !self.asked.insert(key.clone()) {
            return;
        }
        let containers = pods.iter().filter(|pod| pod.pod == log.pod);
        let mut containers = containers.flat_map(|pod| &pod.containers);
        let container = containers.find(|container| container.name == log.container);
        let lines = cluster.tail(LogRequest {
            namespace,
            pod: log.pod.clone(),
            container: log.container.clone(),
            instance: None,
            previous: container.is_some_and(|container| log.attempt <= container.restarts),
            follow: false,
            tail_lines: Some(LINES),
            since: None,
        });
        let text = format!("the log of `{}` in `{}`", log.container, log.pod);
        let read = async move {
            let mut read = Vec::new();
            let mut lines = lines;
            while let Some(line) = lines.next().await {
                read.push(line?.text);
            }
            Ok::<_, ObserveError>(read)
        };
        let answer = async move {
            let read = tokio::time::timeout(PATIENCE, read).await;
            let late = || {
                let text = format!("{text} did not come within {}s", PATIENCE.as_secs());
                Err(ObserveError::Unreachable(text))
            };
            (key, read.unwrap_or_else(|_| late()))
        };
        self.open.push(answer.boxed_local());
    }

    /// Waits for the next that comes.
    pub async fn arrived(&mut self) {
        match self.open.next().await {
            Some(answer) => self.keep(answer),
            None => std::future::pending().await,
        }
    }

    pub async fn all_arrived(&mut self) {
        while let Some(answer) = self.open.next().await {
            self.keep(answer);
        }
    }

    pub fn evidence(&self, log: &LogOf) -> Option<Evidence> {
        let lines = self.kept.get(&key(log))?;
        Some(Evidence::Log {
            pod: log.pod.clone(),
            container: log.container.clone(),
            attempt: log.attempt,
            lines: lines.clone(),
        })
    }

    /// Why a log could not be read, a sentence each.
    pub fn failures(&self) -> Vec<String> {
        self.failures.clone()
    }

    fn keep(&mut self, (key, read): Answer) {
        match read {
            Ok(lines) => drop(self.kept.insert(key, lines)),
            // It is gone, which happens to logs.
            Err(ObserveError::NotFound(_) | ObserveError::Unexpected(_)) => {}
            Err(error) => {
                let text = error.to_string();
                if !self.failures.contains(&text) {
                    self.failures.push(text);
                }
            }
        }
    }
}

fn key(log: &LogOf) -> Key {
    (log.pod_uid.clone(), log.container.clone(), log.attempt)
}
