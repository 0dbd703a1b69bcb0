//! Containers that wait for something before the rest of their pod may start.

use super::host::Host;
use super::object::Object;
use super::pod::Container;
use super::script::{Awaited, Script};
use super::stack::{Release, Stack};

pub struct Waiter<'a> {
    /// The position of its release.
    pub at: usize,
    pub release: &'a Release,
    pub object: &'a Object,
    pub container: Container<'a>,
    pub script: Script,
}

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Of the release at this position.
    Object(usize, &'a Object),
    /// Nothing of that name is in the stack.
    Nothing,
    /// It may be there, from elsewhere.
    Foreign,
    /// It is in the cluster, if anywhere, and that has not been asked.
    Unseen,
}

impl Waiter<'_> {
    /// ``init container `wait` of Deployment `web` ``
    pub fn title(&self) -> String {
        let role = match self.object.hook {
            Some(_) => "container",
            None => "init container",
        };
        format!(
            "{role} `{}` of {}",
            self.container.name(),
            self.object.title()
        )
    }
}

impl Stack {
    /// Init containers, and the containers of hooks.
    pub(super) fn waiters(&self) -> Vec<Waiter<'_>> {
        let mut waiters = Vec::new();
        for (at, release, object) in self.objects() {
            let Some(pod) = object.pod() else { continue };
            let hooks = pod.mains().filter(|_| object.hook.is_some());
            for container in pod.inits().filter(|it| !it.is_sidecar()).chain(hooks) {
                waiters.push(Waiter {
                    at,
                    release,
                    object,
                    container,
                    script: Script::of(container),
                });
            }
        }
        waiters
    }

    /// Tells of everything that any of them waits for.
    pub(super) fn each_wait(&self, mut tell: impl FnMut(&Waiter<'_>, &Awaited, Target<'_>)) {
        for waiter in self.waiters() {
            for awaited in waiter.script.awaited() {
                tell(&waiter, &awaited, self.awaited_by(&waiter, &awaited));
            }
        }
    }

    fn awaited_by(&self, waiter: &Waiter<'_>, awaited: &Awaited) -> Target<'_> {
        let own = waiter.object.namespace.as_str();
        let namespace = awaited.namespace.as_deref().unwrap_or(own);
        if awaited.kind == "Host" {
            let Some(pod) = waiter.object.pod() else {
                return Target::Foreign;
            };
            return match self.host(&awaited.name, pod, own) {
                Host::Service(at) => self
                    .service(at, &awaited.name)
                    .map_or(Target::Foreign, |it| Target::Object(at, it)),
                Host::Nobody => Target::Nothing,
                Host::Unseen => Target::Unseen,
                Host::Elsewhere => Target::Foreign,
            };
        }
        if let Some((at, object)) = self.find(awaited.kind, namespace, &awaited.name).next() {
            return Target::Object(at, object);
        }
        let is_workload =
            ["Job", "Service", "Deployment", "StatefulSet", "DaemonSet"].contains(&awaited.kind);
        match self.is_there(awaited.kind, namespace, &awaited.name) {
            Some(true) => Target::Foreign,
            None if self.known.is_some() => Target::Unseen,
            _ if is_workload && self.is_ours(namespace) => Target::Nothing,
            _ => Target::Foreign,
        }
    }

    fn service(&self, at: usize, host: &str) -> Option<&Object> {
        let services = self.releases[at]
            .objects
            .iter()
            .filter(|it| it.is("Service"));
        let mut named = services.filter(|it| host.split('.').any(|label| label == it.name));
        named.next()
    }
}
