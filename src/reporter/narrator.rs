//! Tells a run as lines: what plain output prints and a terminal keeps in its scrollback.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{Event, EventKind, PodChanged};
use crate::names::ReleaseId;
use crate::state::{Phase, RunState};
use crate::wording;

use super::container;
use super::line::{Line, Subject, Tone};
use super::logs::{LogGate, LogLine, Passage};
use super::sentence::{self, LINE_LIMIT};
use super::text::{bounded, clean};

/// A reason to wait that is over sooner than this is nobody's business.
const SETTLED: Duration = Duration::from_secs(2);

/// Folds events and says what is new in each.
#[derive(Default)]
pub struct Narrator {
    state: RunState,
    logs: LogGate,
    /// What was said of each release since it last began, without its changing numbers.
    said: BTreeMap<ReleaseId, BTreeSet<String>>,
    /// Reasons to wait that have not lasted long enough yet: (key, text, from when it counts).
    unsettled: BTreeMap<ReleaseId, (String, String, Duration)>,
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
        lines.sort_by_key(|line| line.elapsed);
        lines
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
        match &event.kind {
            EventKind::PodChanged(pod) => self.tell_pod(pod, before, elapsed, lines),
            EventKind::ContainerLog {
                pod,
                container,
                role,
                attempt,
                line,
                ..
            } => {
                let text = bounded(clean(line).trim_end(), LINE_LIMIT);
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
                let on = bounded(&clean(on), LINE_LIMIT);
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
