//! The parts of the tree's lines: symbols, what a release is at, and its pods.

use std::time::Duration;

use crate::event::{ContainerRole, ContainerView, HookPhase, PodChanged, Verb};
use crate::output::Palette;
use crate::state::{Phase, ReleaseState, Waiting};
use crate::wording;

use super::Now;
use super::container::{between, is_failure, title};
use super::text::clean;

/// A terminal narrower than this gets pods by the last part of their names.
pub const WIDE: usize = 70;
/// The random end of a pod's name; what is shorter is a number of a StatefulSet's.
const HASH: usize = 5;
const FRAME: Duration = Duration::from_millis(200);

/// The symbols in front of lines, coloured.
pub struct Marks {
    pub done: String,
    pub failed: String,
    pub blocked: String,
    pub pending: String,
    pub active: String,
}

impl Marks {
    pub fn new(palette: &Palette, elapsed: Duration) -> Marks {
        let frames = match palette.unicode {
            true => ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"].as_slice(),
            false => ["-", "\\", "|", "/"].as_slice(),
        };
        let frame = elapsed.as_millis() / FRAME.as_millis() % frames.len() as u128;
        Marks {
            done: palette.good(palette.symbol("✔", "+")),
            failed: palette.bad(palette.symbol("✘", "x")),
            blocked: palette.warn(palette.symbol("⊘", "!")),
            pending: palette.dim(palette.symbol("○", ".")),
            active: frames
                .get(frame as usize)
                .copied()
                .unwrap_or("-")
                .to_owned(),
        }
    }

    pub fn of(&self, phase: &Phase) -> &str {
        match phase {
            Phase::Pending => &self.pending,
            Phase::Running | Phase::Waiting => &self.active,
            Phase::Ready | Phase::Removed => &self.done,
            Phase::Failed(_) => &self.failed,
            Phase::Blocked(_) | Phase::Cancelled => &self.blocked,
        }
    }
}

/// A pod that is not through yet.
pub struct Detail {
    pub failing: bool,
    pub pod: String,
    pub text: String,
}

/// What an active release is at: `0/2  waits for ...`. A reason that the details below tell
/// already, of which the first `shown` will be there, is left out.
pub fn progress(
    release: &ReleaseState,
    verb: Verb,
    now: Now,
    details: &[Detail],
    shown: usize,
) -> String {
    let mut parts = Vec::new();
    if let Some((ready, desired)) = release.workload() {
        parts.push(format!("{ready}/{desired}"));
    }
    let mut hooks = release.hooks.iter();
    let hook = hooks.find(|(_, hook)| hook.phase == HookPhase::Running);
    match (&release.waiting, hook) {
        (Some(waiting), _) => {
            let on = clean(&waiting.on);
            if !details
                .iter()
                .take(shown)
                .any(|detail| mentions(&on, &detail.pod))
            {
                parts.push(format!("{on} {}", lasting(waiting, now)));
            }
        }
        (None, Some(((kind, name), hook))) => {
            let took = wording::duration(now.elapsed.saturating_sub(hook.started));
            let kind = clean(kind).to_lowercase();
            parts.push(format!("hook {kind}/{} {took}", clean(name)));
        }
        (None, None) if !details.is_empty() => {
            if shown == 0 {
                parts.extend(details.first().map(|detail| detail.text.clone()));
            }
        }
        (None, None) if release.phase == Phase::Running => parts.push(at_work(verb).to_owned()),
        (None, None) => {}
    }
    let leaving = release.pods.values().filter(|pod| pod.outgoing).count();
    if leaving > 0 && release.phase == Phase::Waiting {
        parts.push(format!("{} leaving", wording::count(leaving, "old pod")));
    }
    parts.join("  ")
}

/// How long a release has waited for this: by the cluster's clock where that is known.
pub fn lasting(waiting: &Waiting, now: Now) -> String {
    wording::duration(match waiting.since {
        Some(since) => between(since, now.at),
        None => now.elapsed.saturating_sub(waiting.noticed),
    })
}

/// The release's new pods that are not ready, those in trouble first.
pub fn details(release: &ReleaseState, now: Now, columns: usize) -> Vec<Detail> {
    let mut details: Vec<Detail> = release
        .pods
        .values()
        .filter(|pod| !pod.outgoing && (!is_through(pod) || is_awaited(release, pod)))
        .map(|pod| detail(pod, release.waiting.as_ref(), now, columns))
        .collect();
    details.sort_by_key(|detail| !detail.failing);
    details
}

/// The release says that it waits for this very pod: a job's, say, that runs and is to end.
fn is_awaited(release: &ReleaseState, pod: &PodChanged) -> bool {
    let waiting = release.waiting.as_ref();
    waiting.is_some_and(|waiting| about(&clean(&waiting.on), &clean(&pod.pod)).is_some())
}

/// What is said of an object, in a text that begins with its name: not with that of `db-10`, where
/// `db-1` is meant.
fn about<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(name)?;
    (!rest.starts_with(belongs_to_name)).then_some(rest)
}

/// A name stands in a text as a whole.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name)
        .any(|(at, _)| about(&text[at..], name).is_some() && !text[..at].ends_with(belongs_to_name))
}

fn belongs_to_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// All containers ready, or all done.
fn is_through(pod: &PodChanged) -> bool {
    pod.status == "Completed"
        || (!pod.containers.is_empty()
            && pod.containers.iter().all(|container| match container.role {
                ContainerRole::Init => container.state == "done",
                ContainerRole::Sidecar | ContainerRole::Main | ContainerRole::Hook => {
                    container.ready
                }
            }))
}

fn detail(pod: &PodChanged, waiting: Option<&Waiting>, now: Now, columns: usize) -> Detail {
    let name = clean(&pod.pod);
    let short = match name.rsplit_once('-') {
        Some((_, last)) if columns < WIDE && last.len() >= HASH => last,
        _ => &name,
    };
    let open = open_containers(pod);
    let about = waiting.and_then(|it| about(&clean(&it.on), &name).map(str::to_owned));
    // The release waits for this pod, but not for what its containers show: no node, no volume.
    let other = waiting.zip(about.as_deref()).and_then(|(waiting, about)| {
        let what = about.trim_start();
        let told = open.iter().any(|container| mentions(what, &container.name));
        (!told && !what.is_empty()).then(|| format!("{what} {}", lasting(waiting, now)))
    });
    let progress: Vec<String> = open
        .iter()
        .map(|container| {
            let why = about.as_deref().and_then(|about| why(container, about));
            progress_of(container, why.as_deref(), now)
        })
        .collect();
    let text = match (other, progress.is_empty()) {
        (Some(other), _) => other,
        (None, false) => progress.join(", "),
        (None, true) => clean(&pod.status),
    };
    Detail {
        failing: pod.containers.iter().any(is_in_trouble),
        text: format!("{short}  {text}"),
        pod: name,
    }
}

/// The containers that the pod is at: the init container whose turn it is, then, once those are
/// through, whatever is not ready; always what is in trouble.
fn open_containers(pod: &PodChanged) -> Vec<&ContainerView> {
    let is_open_init = |container: &&ContainerView| {
        container.role == ContainerRole::Init
            && !["done", "pending"].contains(&container.state.as_str())
    };
    let turn = pod.containers.iter().find(is_open_init);
    pod.containers
        .iter()
        .filter(|container| match (turn, container.role) {
            (Some(turn), _) if turn.name == container.name => true,
            (Some(_), _) | (None, ContainerRole::Init) => is_in_trouble(container),
            (None, _) => !container.ready && container.state != "pending",
        })
        .collect()
}

fn is_in_trouble(container: &ContainerView) -> bool {
    let waiting = container.state.strip_prefix("waiting: ");
    let harmless = ["PodInitializing", "ContainerCreating"];
    is_failure(&container.state)
        || waiting.is_some_and(|reason| !harmless.contains(&reason))
        || (container.restarts > 0 && !container.ready && container.state != "done")
}

/// What the kubelet says beside its reason, out of what the release says that it waits for.
fn why(container: &ContainerView, about: &str) -> Option<String> {
    let reason = clean(container.state.strip_prefix("waiting: ")?);
    let container = format!("`{}` {reason}: ", clean(&container.name));
    about.split_once(&container).map(|(_, why)| why.to_owned())
}

/// `init 2/3 migrate running 41s, 2 restarts`.
fn progress_of(container: &ContainerView, why: Option<&str>, now: Now) -> String {
    let state = clean(&container.state);
    let state = state.strip_prefix("waiting: ").unwrap_or(&state);
    let state = match (state, container.role) {
        ("running", ContainerRole::Main | ContainerRole::Sidecar) => "running, not ready",
        (state, _) => state,
    };
    let mut text = format!("{} {state}", title(container));
    if let Some(why) = why {
        text.push_str(&format!(": {why}"));
    }
    if let Some(since) = container.since {
        text.push(' ');
        text.push_str(&wording::duration(between(since, now.at)));
    }
    if container.restarts > 0 {
        let restarts = wording::count(container.restarts as usize, "restart");
        text.push_str(&format!(", {restarts}"));
    }
    text
}

/// What a release does between its start and its end.
pub fn at_work(verb: Verb) -> &'static str {
    match verb {
        Verb::Up => "helm is at work",
        Verb::Down => "is going",
        Verb::Rollback => "goes back",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_gets_no_words_about_another_whose_name_begins_like_its_own() {
        assert_eq!(about("db-10 has no node", "db-1"), None);
        assert_eq!(about("db-1 has no node", "db-1"), Some(" has no node"));
        assert!(!mentions("waits for pod/db-10: no node", "db-1"));
        assert!(!mentions("waits for pod/my-db-1", "db-1"));
        assert!(mentions("db-10 and db-1: no node", "db-1"));
        assert!(mentions("init 1/2 `db-1`", "db-1"));
    }
}
