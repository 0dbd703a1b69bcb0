//! Tells a run as lines: what plain output prints and a terminal keeps in its scrollback.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{Event, EventKind, Health, PodChanged};
use crate::names::ReleaseId;
use crate::state::{Phase, RunState};
use crate::wording;

use super::container;
use super::line::{Line, Subject, Tone};
use super::logs::{LogGate, LogLine, Passage};
use super::sentence::{self, LINE_LIMIT};
use super::text::{bounded, clean, clean_log, told};

/// A reason to wait that is over sooner than this is nobody's business.
const SETTLED: Duration = Duration::from_secs(2);

/// A kind of which one release may bring dozens.
const DEFINITION: &str = "CustomResourceDefinition";

/// Folds events and says what is new in each.
#[derive(Default)]
pub struct Narrator {
    state: RunState,
    logs: LogGate,
    /// What was said of each release since it last began, without its changing numbers.
    said: BTreeMap<ReleaseId, BTreeSet<String>>,
    /// Reasons to wait that have not lasted long enough yet: (key, text, from when it counts).
    unsettled: BTreeMap<ReleaseId, (String, String, Duration)>,
    /// Releases with definitions that are ready and not told yet, and from when that counts.
    definitions: BTreeMap<ReleaseId, Duration>,
}

impl Narrator {
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// The lines that are due once this event has happened.
    pub fn handle(&mut self, event: &Event) -> Vec<Line> {
        let mut lines = self.settle(Duration::from_millis(event.elapsed_ms));
        let before = self.observe(&event.kind);
        self.state.apply(event);
        self.tell(event, &before, &mut lines);
        lines
    }

    /// The lines that are due because time has passed.
    pub fn tick(&mut self, elapsed: Duration) -> Vec<Line> {
        self.settle(elapsed)
    }

    fn settle(&mut self, elapsed: Duration) -> Vec<Line> {
        let due: Vec<ReleaseId> = self
            .unsettled
            .iter()
            .filter(|(_, (_, _, at))| *at < elapsed)
            .map(|(id, _)| id.clone())
            .collect();
        let mut lines = Vec::new();
        for id in due {
            if let Some((key, text, at)) = self.unsettled.remove(&id)
                && self.is_news(&id, &key)
            {
                lines.push(self.line(&id, at, Tone::Plain, text));
            }
        }
        let due = self.definitions.iter().filter(|(_, at)| **at < elapsed);
        let due: Vec<ReleaseId> = due.map(|(id, _)| id.clone()).collect();
        for id in due {
            self.tell_definitions(&id, elapsed, &mut lines);
        }
        lines.sort_by_key(|line| line.elapsed);
        lines
    }

    /// An operator brings dozens of definitions, which are ready at about the same time: one line for
    /// all of them, unless that the release is ready says it.
    fn tell_definitions(&mut self, id: &ReleaseId, elapsed: Duration, lines: &mut Vec<Line>) {
        let Some(release) = self.state.release(id) else {
            return;
        };
        if self.definitions.remove(id).is_none() || sentence::is_all_ready(release) {
            return;
        }
        let objects = release.objects.iter();
        let ready = objects.filter(|(key, it)| key.kind == DEFINITION && it.ready >= it.desired);
        let names: Vec<&String> = ready.map(|(key, _)| &key.name).collect();
        let text = match names.as_slice() {
            [] => return,
            [name] => format!("{}/{} ready", DEFINITION.to_lowercase(), clean(name)),
            names => format!("{} {DEFINITION}s ready", names.len()),
        };
        if self.is_news(id, &text) {
            lines.push(self.line(id, elapsed, Tone::Plain, text));
        }
    }

    /// What must be kept from before the event to see what it changes.
    fn observe(&self, kind: &EventKind) -> Before {
        let release = kind.release().and_then(|id| self.state.release(id));
        match (kind, release) {
            (EventKind::PodChanged(pod), Some(release)) => Before {
                pod: release.pods.get(&pod.pod).cloned(),
                ..Before::default()
            },
            (EventKind::ReleaseReady { .. }, Some(release)) => Before {
                was_ready: release.phase == Phase::Ready,
                ..Before::default()
            },
            _ => Before::default(),
        }
    }

    fn is_news(&mut self, id: &ReleaseId, key: &str) -> bool {
        let said = self.said.entry(id.clone()).or_default();
        said.insert(key.to_owned())
    }

    fn line(&self, id: &ReleaseId, elapsed: Duration, tone: Tone, text: String) -> Line {
        let position = self.state.position(id).unwrap_or_default();
        Line {
            elapsed,
            subject: Subject::Release(position, id.to_string()),
            tone,
            text,
        }
    }

    fn tell(&mut self, event: &Event, before: &Before, lines: &mut Vec<Line>) {
        let elapsed = Duration::from_millis(event.elapsed_ms);
        if let Some((tone, text)) = sentence::of_run(&event.kind) {
            let stack = self.state.run.as_ref().map(|run| run.stack.to_string());
            lines.push(Line {
                elapsed,
                subject: Subject::Stack(stack.unwrap_or_default()),
                tone,
                text,
            });
        }
        let Some(id) = event.kind.release() else {
            return;
        };
        if event.kind.is_terminal() {
            self.unsettled.remove(id);
            if let Some(number) = self.logs.take_left_out(id) {
                lines.push(self.line(id, elapsed, Tone::Log, left_out(number)));
            }
        }
        if event.kind.is_terminal() || matches!(event.kind, EventKind::ReleaseDeployed { .. }) {
            self.tell_definitions(id, elapsed, lines);
        }
        match &event.kind {
            EventKind::ObjectChanged { kind, health, .. } if kind == DEFINITION => {
                if *health == Health::Ready {
                    let at = elapsed + SETTLED;
                    self.definitions.entry(id.clone()).or_insert(at);
                }
            }
            EventKind::PodChanged(pod) => self.tell_pod(pod, before, elapsed, lines),
            EventKind::ContainerLog {
                pod,
                container,
                role,
                attempt,
                line,
                ..
            } => {
                let text = bounded(clean_log(line).trim_end(), LINE_LIMIT);
                let Some(release) = self.state.release(id) else {
                    return;
                };
                let whose = LogLine {
                    pod,
                    container,
                    role: *role,
                    attempt: *attempt,
                    text: &text,
                };
                match self.logs.pass(release, &whose, elapsed) {
                    Passage::Hide => return,
                    Passage::Show => {}
                    Passage::ShowAfter(number) => {
                        lines.push(self.line(id, elapsed, Tone::Log, left_out(number)));
                    }
                }
                let text = format!("| {}: {text}", clean(container));
                lines.push(self.line(id, elapsed, Tone::Log, text));
            }
            EventKind::ReleaseWaiting { on, .. } => {
                let on = bounded(&told(on), LINE_LIMIT);
                let key = format!("waits {}", self.without_numbers(id, &on));
                let settled = elapsed + SETTLED;
                match self.unsettled.get_mut(id) {
                    Some((known, text, _)) if *known == key => *text = format!("waits for {on}"),
                    _ => {
                        let waiting = (key, format!("waits for {on}"), settled);
                        self.unsettled.insert(id.clone(), waiting);
                    }
                }
            }
            kind => {
                if matches!(
                    kind,
                    EventKind::ReleaseStarted { .. }
                        | EventKind::ReleaseRollingBack { .. }
                        | EventKind::ReleaseDegraded { .. }
                ) {
                    self.said.remove(id);
                }
                let release = self.state.release(id).filter(|_| !before.was_ready);
                let verb = self.state.verb();
                if let Some(told) =
                    release.and_then(|release| sentence::of_release(release, verb, kind, elapsed))
                    && (told.repeats || self.is_news(id, &told.text))
                {
                    lines.push(self.line(id, elapsed, told.tone, told.text));
                }
            }
        }
    }

    fn tell_pod(
        &mut self,
        pod: &PodChanged,
        before: &Before,
        elapsed: Duration,
        lines: &mut Vec<Line>,
    ) {
        let release = self.state.release(&pod.release);
        let is_old = before.pod.is_none() && release.is_some_and(|release| release.unchanged);
        if pod.outgoing || is_old {
            return;
        }
        for change in container::changes(before.pod.as_ref(), pod) {
            if self.is_news(&pod.release, &change.key) {
                lines.push(self.line(&pod.release, elapsed, change.tone, change.text));
            }
        }
    }

    /// The same reason with other numbers or of a sister pod is no news.
    fn without_numbers(&self, id: &ReleaseId, on: &str) -> String {
        let pods = self.state.release(id).map(|release| &release.pods);
        let word = |word: &str| {
            let bare = word.trim_start_matches("pod/");
            match pods.and_then(|pods| pods.get(bare)) {
                Some(pod) => pod.owner.clone(),
                None if word.chars().all(|c| !c.is_alphabetic()) => "#".to_owned(),
                None => word.to_owned(),
            }
        };
        on.split_whitespace()
            .map(word)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[derive(Default)]
struct Before {
    pod: Option<PodChanged>,
    was_ready: bool,
}

fn left_out(number: usize) -> String {
    format!("| ({} left out here)", wording::count(number, "line"))
}
