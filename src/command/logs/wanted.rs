//! Which containers' logs are wanted.

use regex::Regex;

use crate::cli::Logs;
use crate::cluster::LogInstance;
use crate::command::Context;
use crate::command::stacks::{Stack, View};
use crate::error::Failure;
use crate::event::{ContainerRole, ContainerView, PodChanged};
use crate::names::Namespace;
use crate::reporter::tail::Source;

/// One run of a container: its next run is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub source: Source,
    pub namespace: Namespace,
    pub instance: LogInstance,
    /// Another one follows it, or will: what crashed.
    former: bool,
}

pub struct Wanted {
    init: bool,
    hooks: bool,
    previous: bool,
    container: Option<Regex>,
}

impl Wanted {
    pub fn new(args: &Logs) -> Result<Wanted, Failure> {
        let compile = |pattern: &String| {
            Regex::new(pattern).map_err(|error| {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default();
                let why = why.trim_start_matches("error: ");
                Context::usage(format!("`{pattern}` is not a regular expression: {why}"))
            })
        };
        Ok(Wanted {
            init: args.init,
            hooks: args.hooks,
            previous: args.previous,
            container: args.container.as_ref().map(compile).transpose()?,
        })
    }

    /// The run of each container that was asked for, the present one or that before it: by
    /// release, pod and the order in which they start.
    pub fn present(&self, stacks: &[Stack], view: &View<'_>) -> Vec<Run> {
        let mut runs = self.all(stacks, view);
        runs.retain(|run| match self.previous {
            true => run.former,
            false => !run.instance.previous,
        });
        runs
    }

    /// Every run that there still is a log of, those before the present ones too.
    pub fn all(&self, stacks: &[Stack], view: &View<'_>) -> Vec<Run> {
        let mut runs = Vec::new();
        for (stack, seen) in stacks.iter().zip(view.seen()) {
            for (member, seen) in stack.releases.iter().zip(seen) {
                for pod in seen.assessment.iter().flat_map(|a| &a.pods) {
                    let release = (member.id.as_str(), &member.namespace);
                    self.of_pod(release, pod, view, &mut runs);
                }
            }
        }
        runs
    }

    fn of_pod(
        &self,
        (release, home): (&str, &Namespace),
        pod: &PodChanged,
        view: &View<'_>,
        runs: &mut Vec<Run>,
    ) {
        let Some(found) = view.pod(home, &pod.pod) else {
            return;
        };
        let Ok(namespace) = found.meta.namespace.parse::<Namespace>() else {
            return;
        };
        let hook = pod.containers.iter().any(|c| c.role == ContainerRole::Hook);
        for container in pod.containers.iter().filter(|c| self.takes(c, hook)) {
            let status = found.status_of(&container.name);
            let instances = status.map(LogInstance::all).unwrap_or_default();
            let waits = container.state.starts_with("waiting");
            runs.extend(instances.into_iter().map(|instance| Run {
                source: Source {
                    release: release.to_owned(),
                    namespace: namespace.to_string(),
                    pod: pod.pod.clone(),
                    container: container.name.clone(),
                    role: container.role,
                },
                namespace: namespace.clone(),
                former: instance.previous || waits,
                instance,
            }));
        }
    }

    /// `hook`: it is a container of a hook's pod.
    fn takes(&self, container: &ContainerView, hook: bool) -> bool {
        let named = self.container.as_ref();
        let any = !self.init && !self.hooks;
        (any || self.hooks && hook || self.init && container.role == ContainerRole::Init)
            && named.is_none_or(|pattern| pattern.is_match(&container.name))
    }
}
