//! What happened to a pod's containers between two looks at it.

use std::time::Duration;

use jiff::Timestamp;

use crate::event::{ContainerRole, ContainerView, PodChanged};
use crate::wording;

use super::line::Tone;
use super::text::clean;

/// One thing that happened to a container. Two with the same key are the same news, if they
/// happened in different pods of one workload too.
pub struct Change {
    pub key: String,
    pub tone: Tone,
    pub text: String,
}

/// Endings, restarts and first signs of trouble, in the order of the containers.
pub fn changes(before: Option<&PodChanged>, pod: &PodChanged) -> Vec<Change> {
    let earlier = |name: &str| {
        let containers = before.map(|before| before.containers.iter());
        containers.and_then(|mut all| all.find(|container| container.name == name))
    };
    pod.containers
        .iter()
        .filter_map(|container| change(earlier(&container.name), container, &pod.owner))
        .collect()
}

fn change(before: Option<&ContainerView>, now: &ContainerView, owner: &str) -> Option<Change> {
    let unchanged =
        |before: &ContainerView| before.state == now.state && before.restarts == now.restarts;
    if before.is_some_and(unchanged) {
        return None;
    }
    let key = |what: &str| format!("{owner} {} {what} {}", now.name, now.restarts);
    let title = title(now);
    let is_done = now.state == "done";
    if is_done && !matches!(now.role, ContainerRole::Main | ContainerRole::Sidecar) {
        let took = ran(before, now).map(|took| format!(" ({})", wording::duration(took)));
        return Some(Change {
            key: key("done"),
            tone: Tone::Plain,
            text: format!("{title} done{}", took.unwrap_or_default()),
        });
    }
    let stopped = is_done && now.role == ContainerRole::Sidecar;
    let ended = stopped.then(|| "ended".to_owned());
    if let Some(how) = ended.or_else(|| failure(&now.state)) {
        return Some(Change {
            key: key("ended"),
            tone: Tone::Warn,
            text: format!("{title} {how}{}", nth(now.restarts)),
        });
    }
    // The end itself was too short to be seen: the kubelet already tries again.
    let restarted =
        before.is_some_and(|before| now.restarts > before.restarts && !is_failure(&before.state));
    restarted.then(|| Change {
        key: key("restarted"),
        tone: Tone::Warn,
        text: format!("{title} restarted{}", nth(now.restarts)),
    })
}

pub fn is_failure(state: &str) -> bool {
    failure(state).is_some()
}

/// `exit 3` and `signal 9` as the end of a sentence.
fn failure(state: &str) -> Option<String> {
    let exit = state.strip_prefix("exit ");
    let signal = state.strip_prefix("signal ");
    exit.map(|code| format!("ended with exit code {}", clean(code)))
        .or_else(|| signal.map(|number| format!("was ended by signal {}", clean(number))))
}

/// `init 2/3 migrate`, `sidecar proxy`, `container php-fpm`.
pub fn title(container: &ContainerView) -> String {
    let name = clean(&container.name);
    match (container.role, container.position) {
        (ContainerRole::Init, Some((place, all))) => format!("init {place}/{all} {name}"),
        (ContainerRole::Init, None) => format!("init {name}"),
        (ContainerRole::Sidecar, _) => format!("sidecar {name}"),
        (ContainerRole::Main, _) => format!("container {name}"),
        (ContainerRole::Hook, _) => format!("hook {name}"),
    }
}

fn nth(restarts: u32) -> String {
    match restarts {
        0 => String::new(),
        restarts => format!(", {}", wording::count(restarts as usize, "restart")),
    }
}

/// How long it ran, if it was seen running and the cluster tells both times.
fn ran(before: Option<&ContainerView>, now: &ContainerView) -> Option<Duration> {
    let before = before.filter(|before| before.state == "running")?;
    Some(between(before.since?, now.since?))
}

/// The time from one moment to a later one; nothing if it isn't later.
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
