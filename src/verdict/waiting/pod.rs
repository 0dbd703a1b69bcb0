//! What a pod waits for, followed in the order in which a pod comes up.

use jiff::Timestamp;

use crate::event::ContainerRole;
use crate::snapshot::{
    ClusterEvent, Conditions, ContainerSpec, ContainerState, ContainerStatus, Pod, Terminated,
    World,
};

use super::super::cause::{Case, missing_of_volume as missing, pull_failure};
use super::super::digest::nodes;
use super::super::member::{Keeper, Member};
use super::super::missing::Missing;
use super::super::ready::is_pod_ready;
use super::super::view::position;
use super::super::words::{brief, exit, noun};
use super::super::{LogOf, Waiting};

/// None when nothing of it blocks.
pub fn blocked(case: &Case<'_>, member: &Member<'_>) -> Option<Waiting> {
    let (world, pod) = (case.world, member.pod);
    let name = &pod.meta.name;
    if pod.meta.deleting || matches!(pod.phase.as_str(), "Succeeded" | "Failed") {
        return None;
    }
    unscheduled(pod)
        .or_else(|| volume(world, pod))
        .or_else(|| init(case, pod))
        .or_else(|| main(case, member))
        .or_else(|| gate(pod))
        .map(|step| Waiting {
            on: format!("{name} {}", step.text),
            since: step.since,
            chain: chain(member, step.container.as_ref()),
            log_of: step.container.map(|container| LogOf {
                pod_uid: pod.meta.uid.clone(),
                namespace: pod.meta.namespace.clone(),
                pod: name.clone(),
                container: container.name,
                attempt: container.attempt,
            }),
        })
}

fn chain(member: &Member<'_>, container: Option<&Blocking>) -> Vec<String> {
    let pod = format!("pod/{}", member.pod.meta.name);
    let owner = member.owner.short();
    let mut chain = match owner == pod {
        true => vec![owner],
        false => vec![owner, pod],
    };
    chain.extend(container.map(|it| format!("{} {}", noun(it.role), it.name)));
    chain
}

/// Where a pod stands on its way.
struct Step {
    text: String,
    since: Option<Timestamp>,
    container: Option<Blocking>,
}

/// The container that holds its pod up.
struct Blocking {
    role: ContainerRole,
    name: String,
    /// The run that it is in, 1 for the first.
    attempt: u32,
}

impl Blocking {
    fn of(role: ContainerRole, spec: &ContainerSpec, status: Option<&ContainerStatus>) -> Blocking {
        Blocking {
            role,
            name: spec.name.clone(),
            attempt: status.map_or(0, |status| status.restarts) + 1,
        }
    }
}

impl Step {
    fn new(text: impl Into<String>, since: Option<Timestamp>) -> Step {
        Step {
            text: text.into(),
            since,
            container: None,
        }
    }

    fn of(self, container: Blocking) -> Step {
        Step {
            container: Some(container),
            ..self
        }
    }
}

fn unscheduled(pod: &Pod) -> Option<Step> {
    let scheduled = pod.conditions.condition("PodScheduled");
    match scheduled {
        Some(condition) if condition.is_true() => None,
        Some(condition) if condition.reason == "SchedulingGated" => {
            Some(Step::new("held back by a scheduling gate", condition.since))
        }
        Some(condition) if !condition.message.is_empty() => {
            let missing = Missing::in_message(&condition.message, &pod.meta.namespace);
            let why = missing.map_or_else(|| nodes(&condition.message), |m| m.sentence());
            let text = format!("unschedulable: {why}");
            Some(Step::new(text, condition.since))
        }
        _ if pod.node.is_none() => Some(Step::new("unscheduled", Some(pod.meta.created))),
        // It names its node itself.
        None if pod.conditions.is_empty() && pod.statuses.is_empty() => {
            let node = pod.node.as_deref().unwrap_or_default();
            let text = format!("not taken up by node `{node}`");
            Some(Step::new(text, Some(pod.meta.created)))
        }
        _ => None,
    }
}

/// Volumes and the sandbox come before any container; the kubelet tells of them in events only.
fn volume(world: &World, pod: &Pod) -> Option<Step> {
    let trouble = trouble_before_start(world, pod)?;
    let what = match trouble.reason.as_str() {
        "FailedCreatePodSandBox" => "no sandbox",
        "FailedAttachVolume" => "volume not attached",
        _ => "volume not mounted",
    };
    let why = match missing(&trouble.message, pod) {
        Some(missing) => missing.sentence(),
        None => brief(&trouble.message),
    };
    Some(Step::new(format!("{what}: {why}"), since_scheduled(pod)))
}

/// The last event that tells why the pod gets no volume or no sandbox; None once a container has begun.
pub fn trouble_before_start<'a>(world: &'a World, pod: &Pod) -> Option<&'a ClusterEvent> {
    const REASONS: [&str; 3] = [
        "FailedMount",
        "FailedAttachVolume",
        "FailedCreatePodSandBox",
    ];
    if has_begun(world, pod) {
        return None;
    }
    let mut events = world.past.events_about(&pod.meta.uid).iter();
    events.rfind(|event| REASONS.contains(&event.reason.as_str()))
}

/// Volumes and sandbox are there: the pod says so (since 1.29), or the kubelet has come to its
/// containers. Events of earlier trouble stay behind, while a large image is pulled, say.
fn has_begun(world: &World, pod: &Pod) -> bool {
    let begun = |status: &ContainerStatus| {
        status.container_id.is_some()
            || status.last.is_some()
            || !matches!(status.state, ContainerState::Waiting { .. })
    };
    let told = pod.conditions.condition("PodReadyToStartContainers");
    let events = world.past.events_about(&pod.meta.uid);
    told.is_some_and(crate::snapshot::Condition::is_true)
        || events.iter().any(|event| event.container.is_some())
        || pod.init_statuses.iter().chain(&pod.statuses).any(begun)
}

fn since_scheduled(pod: &Pod) -> Option<Timestamp> {
    pod.conditions
        .condition("PodScheduled")
        .and_then(|c| c.since)
}

fn init(case: &Case<'_>, pod: &Pod) -> Option<Step> {
    let initialized = pod.conditions.condition("Initialized");
    if initialized.is_some_and(crate::snapshot::Condition::is_true) {
        return None;
    }
    let mut since = since_scheduled(pod);
    for (spec, status) in pod.inits() {
        let done = status.is_some_and(|status| match &status.state {
            ContainerState::Terminated(end) if !spec.sidecar => end.exit_code == 0,
            _ => spec.sidecar && status.started == Some(true),
        });
        if !done {
            let label = match position(pod, &spec.name) {
                Some((i, n)) => format!("init {i}/{n} `{}`", spec.name),
                None => format!("sidecar `{}`", spec.name),
            };
            let (text, began) = container(case, pod, spec, status);
            let role = match spec.sidecar {
                true => ContainerRole::Sidecar,
                false => ContainerRole::Init,
            };
            let step = Step::new(format!("{label} {text}"), began.or(since));
            return Some(step.of(Blocking::of(role, spec, status)));
        }
        if let Some(ContainerState::Terminated(end)) = status.map(|s| &s.state) {
            since = end.finished.or(since);
        }
    }
    None
}

fn main(case: &Case<'_>, member: &Member<'_>) -> Option<Step> {
    let pod = member.pod;
    // A container of a Job need not be ready, only end.
    let ends = member.keeper == Keeper::Job || member.hook;
    let may_end = ends || pod.restart_policy != "Always";
    let open = |status: Option<&ContainerStatus>| match status.map(|it| (&it.state, it.ready)) {
        Some((ContainerState::Terminated(end), _)) => end.exit_code != 0 || !may_end,
        Some((_, ready)) => ends || !ready,
        None => true,
    };
    // One that has failed tells more than one that runs on beside it.
    let failed = |status: Option<&ContainerStatus>| match status.map(|it| &it.state) {
        Some(ContainerState::Terminated(end)) => end.exit_code != 0,
        Some(ContainerState::Waiting { .. }) => status.is_some_and(|it| it.last.is_some()),
        _ => false,
    };
    let open = pod.mains().filter(|(_, status)| open(*status));
    let (spec, status) = open.min_by_key(|(_, status)| !failed(*status))?;
    let blocking = Blocking::of(ContainerRole::Main, spec, status);
    if let Some(status) = status
        && let ContainerState::Running { since } = status.state
        && !ends
    {
        let step = Step::new(probe(case.world, pod, spec, status), since);
        return Some(step.of(blocking));
    }
    let (text, since) = container(case, pod, spec, status);
    Some(Step::new(format!("`{}` {text}", spec.name), since).of(blocking))
}

/// A container that runs and is not ready.
fn probe(world: &World, pod: &Pod, spec: &ContainerSpec, status: &ContainerStatus) -> String {
    let name = &spec.name;
    let starting = spec.has_startup_probe && status.started != Some(true);
    let kind = if starting { "Startup" } else { "Readiness" };
    let began = match status.state {
        ContainerState::Running { since } => since,
        _ => None,
    };
    let message = said_by_probe(world, pod, name, kind, began);
    match (message, starting) {
        (Some(message), true) => format!("startup probe of `{name}` fails: {}", brief(message)),
        (Some(message), false) => {
            format!("readiness probe of `{name}` fails: {}", brief(message))
        }
        (None, true) => format!("`{name}` starting up, its startup probe has not passed yet"),
        (None, false) => format!("`{name}` running, not ready yet"),
    }
}

/// Why a probe of a container failed, of the run that began then. `kind` is `Startup` or such.
fn said_by_probe<'a>(
    world: &'a World,
    pod: &Pod,
    container: &str,
    kind: &str,
    began: Option<Timestamp>,
) -> Option<&'a str> {
    let failed = format!("{kind} probe failed: ");
    let events = world.past.events_about(&pod.meta.uid).iter().rev();
    let mut told = events.filter(|event| {
        event.reason == "Unhealthy"
            && event.container.as_deref() == Some(container)
            && event.last_seen >= began
    });
    told.find_map(|event| {
        let said = event.message.strip_prefix(&failed)?;
        Some(said).filter(|said| !said.trim().is_empty())
    })
}

fn container(
    case: &Case<'_>,
    pod: &Pod,
    spec: &ContainerSpec,
    status: Option<&ContainerStatus>,
) -> (String, Option<Timestamp>) {
    let Some(status) = status else {
        return ("pending".to_owned(), None);
    };
    match &status.state {
        ContainerState::Running { since } if spec.sidecar => {
            let said = said_by_probe(case.world, pod, &spec.name, "Startup", *since);
            let text = match said {
                Some(said) => format!("running, its startup probe fails: {}", brief(said)),
                None => "running, not started up yet".to_owned(),
            };
            (text, *since)
        }
        ContainerState::Running { since } if case.repeats(pod, &spec.name).is_some() => {
            let line = case.repeats(pod, &spec.name).unwrap_or_default();
            (format!("keeps printing `{}`", brief(line)), *since)
        }
        ContainerState::Running { since } => ("running".to_owned(), *since),
        ContainerState::Terminated(end) if end.exit_code == 0 => {
            ("ended, to be started again".to_owned(), end.finished)
        }
        ContainerState::Terminated(end) => (format!("failed with {}", exit(end)), end.finished),
        ContainerState::Waiting { reason, message } => {
            let began = status.last.as_ref().and_then(|last| last.finished);
            (
                waiting(
                    case.world,
                    pod,
                    spec,
                    (reason, message),
                    status.last.as_ref(),
                ),
                began,
            )
        }
    }
}

fn waiting(
    world: &World,
    pod: &Pod,
    spec: &ContainerSpec,
    (reason, message): (&str, &str),
    last: Option<&Terminated>,
) -> String {
    match (reason, last) {
        ("" | "PodInitializing" | "ContainerCreating", _) if is_pulling(world, pod, spec) => {
            format!("pulling image {}", spec.image)
        }
        ("" | "PodInitializing" | "ContainerCreating", _) => "starting".to_owned(),
        // The kubelet tries and backs off in turns: one and the same trouble.
        ("ErrImagePull" | "ImagePullBackOff", _) => {
            let error = world.past.pull_error(&pod.meta.uid, &spec.name);
            let why = error.map_or_else(String::new, |error| format!(": {}", pull_failure(error)));
            format!("can't pull image {}{why}", spec.image)
        }
        ("CreateContainerConfigError" | "CreateContainerError", _) if !message.is_empty() => {
            format!("{reason}: {}", brief(message))
        }
        (reason, Some(last)) => format!("{reason} after {}", exit(last)),
        (reason, None) => reason.to_owned(),
    }
}

/// The last that was heard of its image is that the kubelet has begun to pull it.
fn is_pulling(world: &World, pod: &Pod, spec: &ContainerSpec) -> bool {
    world
        .past
        .events_about(&pod.meta.uid)
        .iter()
        .rfind(|event| event.container.as_deref() == Some(&spec.name))
        .is_some_and(|event| event.reason == "Pulling")
}

fn gate(pod: &Pod) -> Option<Step> {
    if is_pod_ready(pod) {
        return None;
    }
    let ready = pod.conditions.condition("Ready")?;
    let text = match ready.reason.as_str() {
        "ReadinessGatesNotReady" => {
            format!("waits for a readiness gate: {}", brief(&ready.message))
        }
        _ => "not ready yet".to_owned(),
    };
    Some(Step::new(text, ready.since))
}
