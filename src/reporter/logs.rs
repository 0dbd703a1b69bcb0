//! Which container log lines people see: one voice per workload, and no flood.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::event::ContainerRole;
use crate::names::ReleaseId;
use crate::state::ReleaseState;

/// Log lines of one release within a second; what is more is counted, not shown.
const LINES_A_SECOND: u32 = 100;
/// Lines of one container that are remembered.
const HEARD: usize = 2000;

/// Lets through the init, hook and job containers' lines. Of a workload's several pods only one
/// speaks, the first that did, until it is gone: the others say the same. A container that is
/// started again is heard only where it says something new.
#[derive(Default)]
pub struct LogGate {
    /// The pods that speak, by release and container.
    voices: BTreeMap<(ReleaseId, String), Vec<String>>,
    rates: BTreeMap<ReleaseId, Rate>,
    /// What each container has said, and in which attempt first.
    heard: BTreeMap<(ReleaseId, String), HashMap<String, u32>>,
}

#[derive(Default)]
struct Rate {
    second: u64,
    shown: u32,
    left_out: usize,
}

/// One line of a container's log, and whose it is.
pub struct LogLine<'a> {
    pub pod: &'a str,
    pub container: &'a str,
    pub role: ContainerRole,
    pub attempt: u32,
    pub text: &'a str,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Passage {
    Show,
    /// Show it, after a note that so many lines were left out.
    ShowAfter(usize),
    Hide,
}

impl LogGate {
    pub fn pass(&mut self, release: &ReleaseState, line: &LogLine, elapsed: Duration) -> Passage {
        if line.text.is_empty() || !self.speaks(release, line) || self.is_echo(release, line) {
            return Passage::Hide;
        }
        let rate = self.rates.entry(release.id.clone()).or_default();
        let mut left_out = 0;
        if rate.second != elapsed.as_secs() {
            left_out = std::mem::take(&mut rate.left_out);
            rate.second = elapsed.as_secs();
            rate.shown = 0;
        }
        if rate.shown >= LINES_A_SECOND {
            rate.left_out += 1;
            return Passage::Hide;
        }
        rate.shown += 1;
        match left_out {
            0 => Passage::Show,
            number => Passage::ShowAfter(number),
        }
    }

    /// Takes the count of lines that were left out of this release's logs and not told yet.
    pub fn take_left_out(&mut self, release: &ReleaseId) -> Option<usize> {
        let rate = self.rates.get_mut(release)?;
        Some(std::mem::take(&mut rate.left_out)).filter(|number| *number > 0)
    }

    fn is_echo(&mut self, release: &ReleaseState, line: &LogLine) -> bool {
        let container = (release.id.clone(), line.container.to_owned());
        let heard = self.heard.entry(container).or_default();
        match heard.get(line.text) {
            Some(first) => *first < line.attempt,
            None => {
                if heard.len() < HEARD {
                    heard.insert(line.text.to_owned(), line.attempt);
                }
                false
            }
        }
    }

    fn speaks(&mut self, release: &ReleaseState, line: &LogLine) -> bool {
        let pod = release.pods.get(line.pod);
        let wanted = match line.role {
            ContainerRole::Init | ContainerRole::Hook => true,
            ContainerRole::Sidecar => false,
            ContainerRole::Main => pod.is_some_and(|pod| {
                let kind = pod.owner.split('/').next().unwrap_or_default();
                kind.eq_ignore_ascii_case("job")
            }),
        };
        if !wanted || pod.is_some_and(|pod| pod.outgoing) {
            return false;
        }
        let voices = self
            .voices
            .entry((release.id.clone(), line.container.to_owned()))
            .or_default();
        if voices.iter().any(|voice| voice == line.pod) {
            return true;
        }
        let Some(pod) = pod else {
            voices.push(line.pod.to_owned());
            return true;
        };
        voices.retain(|voice| release.pods.get(voice).is_some_and(|other| !other.outgoing));
        let of_same_owner = |voice: &String| {
            let other = release.pods.get(voice);
            other.is_some_and(|other| other.owner == pod.owner)
        };
        if voices.iter().any(of_same_owner) {
            return false;
        }
        voices.push(line.pod.to_owned());
        true
    }
}
