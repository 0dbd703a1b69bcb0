//! The logs that matter, followed from their first line, with their ends kept: the kubelet, TTLs
//! and hook deletion remove them in the cluster.

mod kept;
mod repeats;
mod runs;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use futures::stream::{self, LocalBoxStream, SelectAll};
use futures::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ports::{Life, LogPart, LogTarget, Observer};
use crate::event::{ContainerRole, EventKind, Evidence, PodChanged};
use crate::names::ReleaseId;
use crate::snapshot::{self, Pod, Uid, World};
use crate::verdict::{Baseline, LogOf, Repeating};
use kept::{Kept, mark, plain};
use repeats::Repeats;
use runs::{life, runs};

/// Instances of containers whose logs are kept.
const KEPT: usize = 512;
const GONE: &str = "its log was gone before it could be read";
const NOT_KEPT: &str = "its log is not kept any more: too many came after it";

/// One run of a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    pub pod_uid: Uid,
    pub container: String,
    /// 1 for the first run of the container.
    pub attempt: u32,
}

/// A part of a log, or with None its end.
#[derive(Debug)]
pub struct LogItem {
    instance: Instance,
    part: Option<LogPart>,
}

/// What became of a part of a log.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Position of the release in the plan.
    pub step: usize,
    /// To be shown; None at the end of the log, and where it is no news.
    pub line: Option<Line>,
    /// The container has begun to repeat itself, or does so no more.
    pub turned: bool,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub pod: String,
    pub container: String,
    pub role: ContainerRole,
    pub attempt: u32,
    pub text: String,
}

impl Line {
    /// As it is told of its release.
    pub fn of(self, release: ReleaseId) -> EventKind {
        EventKind::ContainerLog {
            release,
            pod: self.pod,
            container: self.container,
            role: self.role,
            attempt: self.attempt,
            line: self.text,
        }
    }
}

/// A log that more may come of.
#[derive(Debug)]
struct Open {
    step: usize,
    pod: String,
    role: ContainerRole,
    /// For the stream.
    life: watch::Sender<Life>,
    /// Of containers that are meant to end.
    repeats: Option<Repeats>,
    /// Its lines are news.
    is_told: bool,
}

impl Open {
    fn tell(&self, life: Life) {
        self.life
            .send_if_modified(|told| std::mem::replace(told, life) != life);
    }

    fn is_ending(&self) -> bool {
        *self.life.borrow() != Life::Runs
    }
}

#[derive(Default)]
pub struct LogKeeper {
    streams: SelectAll<LocalBoxStream<'static, LogItem>>,
    asked: HashSet<Instance>,
    open: HashMap<Instance, Open>,
    kept: BTreeMap<Instance, Kept>,
    /// In the order in which they came, the oldest first.
    order: VecDeque<Instance>,
    /// No longer kept, for want of room.
    forgotten: HashSet<Instance>,
    repeating: Repeating,
    /// Ends the streams of a release.
    closers: HashMap<usize, CancellationToken>,
}

impl LogKeeper {
    /// Starts to follow what a pod's containers print: those that are meant to end always, others
    /// once they have failed.
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
            let ends = match container.role {
                ContainerRole::Init | ContainerRole::Hook => true,
                ContainerRole::Main => view.owner.starts_with("job/"),
                ContainerRole::Sidecar => false,
            };
            let old = before.ended(&pod.meta.uid, &container.name);
            for (run, failed) in runs(status, old) {
                if run.attempt <= old || !(ends || failed) {
                    continue;
                }
                let open = Open {
                    step,
                    pod: pod.meta.name.clone(),
                    role: container.role,
                    life: watch::Sender::new(life(pod, status, run.attempt)),
                    repeats: ends.then(|| Repeats::new(Instant::now())),
                    is_told: true,
                };
                self.open(observer, pod, &container.name, &run, open);
            }
        }
    }

    /// Reads the log of a run that was over before anybody watched: it proves something, and is no news.
    pub fn look_up(&mut self, observer: &dyn Observer, step: usize, of: &LogOf, world: &World) {
        let pod = world.pods.get(&of.pod_uid);
        let Some((pod, status)) = pod.and_then(|pod| Some((pod, pod.status_of(&of.container)?)))
        else {
            return;
        };
        let instances = status.instances().into_iter();
        for run in instances.filter(|run| run.attempt == of.attempt) {
            let open = Open {
                step,
                pod: of.pod.clone(),
                role: ContainerRole::Main,
                life: watch::Sender::new(life(pod, status, run.attempt)),
                repeats: None,
                is_told: false,
            };
            self.open(observer, pod, &of.container, &run, open);
        }
    }

    fn open(
        &mut self,
        observer: &dyn Observer,
        pod: &Pod,
        container: &str,
        run: &snapshot::Instance,
        open: Open,
    ) {
        let instance = Instance {
            pod_uid: pod.meta.uid.clone(),
            container: container.to_owned(),
            attempt: run.attempt,
        };
        if !self.asked.insert(instance.clone()) {
            return;
        }
        let target = LogTarget {
            namespace: pod.meta.namespace.clone(),
            pod: pod.meta.name.clone(),
            container: container.to_owned(),
            container_id: run.id.clone(),
            previous: run.previous,
            life: open.life.subscribe(),
        };
        let closed = self.closers.entry(open.step).or_default().clone();
        self.open.insert(instance.clone(), open);
        let parts = observer.log(target);
        self.streams
            .push(items(parts, instance, closed).boxed_local());
    }

    /// Takes note of what the watch tells of a pod.
    pub fn tell(&self, pod: &Pod) {
        for (instance, open) in &self.open {
            if instance.pod_uid == pod.meta.uid
                && let Some(status) = pod.status_of(&instance.container)
            {
                open.tell(life(pod, status, instance.attempt));
            }
        }
    }

    /// Takes note of the end of a pod. Another of its name may come.
    pub fn tell_gone(&self, pod: &Pod) {
        let of_pod = |(instance, _): &(&Instance, &Open)| instance.pod_uid == pod.meta.uid;
        for (_, open) in self.open.iter().filter(of_pod) {
            open.tell(Life::Ended);
        }
    }

    /// The next part of any log. Never ends: without logs it waits.
    pub async fn next(&mut self) -> LogItem {
        match self.streams.next().await {
            Some(item) => item,
            None => std::future::pending().await,
        }
    }

    /// Takes note of a part of a log. None where nobody waits for it any more.
    pub fn keep(&mut self, item: LogItem, now: Instant) -> Option<Heard> {
        let LogItem { instance, part } = item;
        let Some(part) = part else {
            let open = self.open.remove(&instance)?;
            return Some(Heard {
                step: open.step,
                line: None,
                turned: self.repeating.remove(&key(&instance)).is_some(),
            });
        };
        let kept = self.kept.entry(instance.clone()).or_default();
        if !kept.says_something() {
            self.order.push_back(instance.clone());
        }
        let text = match part {
            LogPart::Line(line) => {
                let line = plain(&line);
                kept.push(&line);
                line
            }
            LogPart::Lost(why) => {
                kept.lose(&why);
                mark(&why)
            }
        };
        self.forget();
        let open = self.open.get_mut(&instance)?;
        let heard = Heard {
            step: open.step,
            line: open.is_told.then(|| Line {
                pod: open.pod.clone(),
                container: instance.container.clone(),
                role: open.role,
                attempt: instance.attempt,
                text: text.clone(),
            }),
            turned: false,
        };
        if let Some(repeats) = &mut open.repeats {
            repeats.heard(&text, now);
        }
        let turned = self.turn(&instance, now);
        Some(Heard { turned, ..heard })
    }

    /// Makes room; the logs that have ended go first.
    fn forget(&mut self) {
        while self.order.len() > KEPT {
            let ended = self.order.iter().position(|i| !self.open.contains_key(i));
            let Some(oldest) = self.order.remove(ended.unwrap_or_default()) else {
                return;
            };
            self.kept.remove(&oldest);
            self.forgotten.insert(oldest);
        }
    }

    /// Containers that print nothing new, with what they keep printing.
    pub fn repeating(&self) -> &Repeating {
        &self.repeating
    }

    /// When the next container counts as repeating itself if nothing new comes.
    pub fn next_turn(&self) -> Option<Instant> {
        let still = self
            .open
            .iter()
            .filter(|(instance, _)| !self.repeating.contains_key(&key(instance)));
        still
            .filter_map(|(_, open)| open.repeats.as_ref()?.from())
            .min()
    }

    /// Takes note of the containers that repeat themselves by now. Returns the positions of their
    /// releases.
    pub fn turns(&mut self, now: Instant) -> Vec<usize> {
        let due = |open: &Open| {
            let from = open.repeats.as_ref().and_then(Repeats::from);
            from.is_some_and(|from| from <= now)
        };
        let new: Vec<Instance> = self
            .open
            .iter()
            .filter(|(i, open)| due(open) && !self.repeating.contains_key(&key(i)))
            .map(|(instance, _)| instance.clone())
            .collect();
        let mut steps = Vec::new();
        for instance in new {
            self.turn(&instance, now);
            steps.extend(self.open.get(&instance).map(|open| open.step));
        }
        steps
    }

    /// Returns whether it is another than before.
    fn turn(&mut self, instance: &Instance, now: Instant) -> bool {
        let open = self.open.get(instance);
        let Some(repeats) = open.and_then(|open| open.repeats.as_ref()) else {
            return false;
        };
        let key = key(instance);
        if repeats.from().is_some_and(|from| from <= now) {
            let line = repeats.last().to_owned();
            self.repeating.insert(key, line).is_none()
        } else {
            self.repeating.remove(&key).is_some()
        }
    }

    /// Lines may still come.
    pub fn is_open(&self, of: &LogOf) -> bool {
        self.open.contains_key(&instance(of, of.attempt))
    }

    /// The container has ended, and its last lines are still to come.
    pub fn is_ending(&self, of: &LogOf) -> bool {
        let open = self.open.get(&instance(of, of.attempt));
        open.is_some_and(Open::is_ending)
    }

    /// The last lines of a container that has ended are still to come.
    pub fn is_behind(&self) -> bool {
        self.open.values().any(Open::is_ending)
    }

    /// Ends the streams of a release.
    pub fn close(&mut self, step: usize) {
        let closed: Vec<Instance> = self
            .open
            .extract_if(|_, open| open.step == step)
            .map(|(instance, _)| instance)
            .collect();
        for instance in closed {
            self.repeating.remove(&key(&instance));
        }
        if let Some(closer) = self.closers.remove(&step) {
            closer.cancel();
        }
    }

    /// The last lines of that run of the container, or of the last one before it that said anything.
    /// Where there are none, why, unless it just printed nothing.
    pub fn evidence(&self, of: &LogOf, lines: usize, world: &World) -> Option<Evidence> {
        let said = |attempt: &u32| {
            let kept = self.kept.get(&instance(of, *attempt));
            kept.filter(|kept| kept.says_something())
        };
        let found = (1..=of.attempt)
            .rev()
            .find_map(|attempt| Some((attempt, said(&attempt)?.tail(lines))));
        let (attempt, lines) = found.or_else(|| {
            let instance = instance(of, of.attempt);
            let is_gone = !world.pods.contains_key(&of.pod_uid);
            let why = if self.forgotten.contains(&instance) {
                NOT_KEPT
            } else if is_gone && !self.asked.contains(&instance) {
                GONE
            } else {
                return None;
            };
            Some((of.attempt, vec![mark(why)]))
        })?;
        Some(Evidence::Log {
            pod: of.pod.clone(),
            container: of.container.clone(),
            attempt,
            lines,
        })
    }
}

fn key(instance: &Instance) -> (Uid, String) {
    (instance.pod_uid.clone(), instance.container.clone())
}

fn instance(of: &LogOf, attempt: u32) -> Instance {
    Instance {
        pod_uid: of.pod_uid.clone(),
        container: of.container.clone(),
        attempt,
    }
}

fn items(
    parts: LocalBoxStream<'static, LogPart>,
    instance: Instance,
    closed: CancellationToken,
) -> impl futures::Stream<Item = LogItem> {
    let end = LogItem {
        instance: instance.clone(),
        part: None,
    };
    let closed = async move { closed.cancelled().await }.boxed_local();
    parts
        .take_until(closed)
        .map(move |part| LogItem {
            instance: instance.clone(),
            part: Some(part),
        })
        .chain(stream::iter([end]))
}
