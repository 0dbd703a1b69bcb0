use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use futures::StreamExt;
use futures::stream::{self, LocalBoxStream, SelectAll};

use super::ports::{LogTarget, Observer};
use crate::event::{ContainerRole, Evidence, PodChanged};
use crate::snapshot::{ContainerState, ContainerStatus, Pod, Uid};
use crate::verdict::{Baseline, LogOf};

/// Lines kept of each instance of a container: what a verdict shows as proof.
const KEPT_LINES: usize = 50;

/// One run of a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    pub pod_uid: Uid,
    pub container: String,
    /// 1 for the first run of the container.
    pub attempt: u32,
}

/// A line of a log, or with None its end.
#[derive(Debug)]
pub struct LogItem {
    pub instance: Instance,
    pub line: Option<String>,
}

/// Whose log it is, for the event that carries a line.
#[derive(Debug, Clone)]
pub struct Source {
    /// Position of the release in the plan.
    pub step: usize,
    pub pod: String,
    pub role: ContainerRole,
}

/// Follows the logs that matter from their first line and keeps their ends: the kubelet, TTLs and
/// hook deletion remove them in the cluster.
#[derive(Default)]
pub struct LogKeeper {
    streams: SelectAll<LocalBoxStream<'static, LogItem>>,
    asked: HashSet<Instance>,
    open: HashMap<Instance, Source>,
    kept: BTreeMap<Instance, VecDeque<String>>,
}

impl LogKeeper {
    /// Starts to follow what a pod's containers print: init and hook containers always, others once
    /// they have failed.
    pub fn follow(
        &mut self,
        observer: &dyn Observer,
        step: usize,
        pod: &Pod,
        view: &PodChanged,
        before: &Baseline,
    ) {
        for container in &view.containers {
            let Some(status) = pod.status_of(&container.name) else {
                continue;
            };
            let always = matches!(container.role, ContainerRole::Init | ContainerRole::Hook);
            for run in runs(status) {
                if run.attempt <= before.ended(&pod.meta.uid, &container.name)
                    || !(always || run.failed)
                {
                    continue;
                }
                let instance = Instance {
                    pod_uid: pod.meta.uid.clone(),
                    container: container.name.clone(),
                    attempt: run.attempt,
                };
                if !self.asked.insert(instance.clone()) {
                    continue;
                }
                let target = LogTarget {
                    namespace: pod.meta.namespace.clone(),
                    pod: pod.meta.name.clone(),
                    container: container.name.clone(),
                    container_id: run.container_id,
                    previous: run.previous,
                };
                let source = Source {
                    step,
                    pod: pod.meta.name.clone(),
                    role: container.role,
                };
                self.open.insert(instance.clone(), source);
                self.streams
                    .push(items(observer.log(target), instance).boxed_local());
            }
        }
    }

    /// The next line of any log. Never ends: without logs it waits.
    pub async fn next(&mut self) -> LogItem {
        match self.streams.next().await {
            Some(item) => item,
            None => std::future::pending().await,
        }
    }

    /// Takes note of a line. Returns whose it is, if it is to be shown.
    pub fn keep(&mut self, item: &LogItem) -> Option<Source> {
        let Some(line) = &item.line else {
            self.open.remove(&item.instance);
            return None;
        };
        let lines = self.kept.entry(item.instance.clone()).or_default();
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line.clone());
        self.open.get(&item.instance).cloned()
    }

    /// Lines may still come.
    pub fn is_open(&self, of: &LogOf) -> bool {
        self.open.contains_key(&instance(of, of.attempt))
    }

    /// The last lines of that run of the container, or of the last one before it that said anything.
    pub fn evidence(&self, of: &LogOf, lines: usize) -> Option<Evidence> {
        let said = |attempt: &u32| self.kept.get(&instance(of, *attempt));
        let attempt = (1..=of.attempt)
            .rev()
            .find(|attempt| said(attempt).is_some())?;
        let kept = said(&attempt)?;
        Some(Evidence::Log {
            pod: of.pod.clone(),
            container: of.container.clone(),
            attempt,
            lines: kept
                .iter()
                .skip(kept.len().saturating_sub(lines))
                .cloned()
                .collect(),
        })
    }
}

fn instance(of: &LogOf, attempt: u32) -> Instance {
    Instance {
        pod_uid: of.pod_uid.clone(),
        container: of.container.clone(),
        attempt,
    }
}

fn items(
    lines: LocalBoxStream<'static, String>,
    instance: Instance,
) -> impl futures::Stream<Item = LogItem> {
    let end = LogItem {
        instance: instance.clone(),
        line: None,
    };
    lines
        .map(move |line| LogItem {
            instance: instance.clone(),
            line: Some(line),
        })
        .chain(stream::iter([end]))
}

struct Run {
    attempt: u32,
    container_id: String,
    failed: bool,
    previous: bool,
}

/// The runs of a container whose logs can be had now: the present one, and the one before.
fn runs(status: &ContainerStatus) -> Vec<Run> {
    let present = status.restarts + 1;
    let mut runs = Vec::new();
    let waiting = matches!(status.state, ContainerState::Waiting { .. });
    if let Some(last) = &status.last
        && let Some(container_id) = last.container_id.clone()
    {
        runs.push(Run {
            attempt: if waiting { present } else { status.restarts },
            container_id,
            failed: last.exit_code != 0,
            // While the container waits for its next start, the last one is still the present one.
            previous: !waiting,
        });
    }
    let now = match &status.state {
        ContainerState::Running { .. } => status.container_id.clone().map(|id| (id, false)),
        ContainerState::Terminated(end) => {
            let id = end.container_id.clone().or(status.container_id.clone());
            id.map(|id| (id, end.exit_code != 0))
        }
        ContainerState::Waiting { .. } => None,
    };
    if let Some((container_id, failed)) = now {
        runs.push(Run {
            attempt: present,
            container_id,
            failed,
            previous: false,
        });
    }
    runs
}
