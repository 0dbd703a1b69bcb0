//! The stack that is looked at: its releases with what helm renders for them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::object::Object;
use super::pod::{Container, PodSpec};
use super::rules;
use crate::manifest::ManifestError;
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::profile::{Place, Profile};

#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// In topological order.
    pub releases: Vec<Release>,
    /// What a cluster says, where one was asked.
    pub known: Option<Known>,
}

#[derive(Debug, Clone)]
pub struct Release {
    pub id: ReleaseId,
    pub namespace: String,
    /// Seconds that it may take.
    pub timeout: u64,
    pub(super) objects: Vec<Object>,
    /// Templates as they are written, before helm renders them, by the names that helm gives them.
    pub(super) templates: Vec<(PathBuf, String)>,
    /// Positions of the releases that are ready, or on the way, before it starts.
    pub(super) before: BTreeSet<usize>,
    /// Needs that another need implies, with their places in the profile.
    pub(super) redundant: Vec<(ReleaseId, Place)>,
}

/// What the rules want to know of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// `API_VERSION KIND` of what it serves, as far as the stack names it.
    pub served: BTreeSet<(String, String)>,
    /// Kind, namespace and name of objects that are there, as far as the stack names them.
    pub existing: BTreeSet<(String, String, String)>,
}

/// What a host name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// A Service of this release.
    Service(usize),
    /// A name inside the cluster that no Service of the stack has.
    Nobody,
    /// Somewhere else, or no name of a host.
    Elsewhere,
}

impl Release {
    /// # Errors
    /// The manifest can't be read.
    pub fn new(
        plan: &Plan,
        profile: &Profile,
        at: usize,
        manifest: &str,
        templates: Vec<(PathBuf, String)>,
    ) -> Result<Release, ManifestError> {
        let step = &plan.steps()[at];
        let reduced = plan.reduced_needs();
        let released = profile.releases.iter().find(|it| it.id == step.id);
        let needs = released.map_or(&[][..], |it| &it.needs);
        let is_redundant = |id: &ReleaseId| {
            let position = step
                .needs
                .iter()
                .find(|&&need| plan.steps()[need].id == *id);
            position.is_some_and(|need| !reduced[at].contains(need))
        };
        Ok(Release {
            id: step.id.clone(),
            namespace: step.namespace.to_string(),
            timeout: step.timeout.as_secs(),
            objects: Object::all(manifest, step.namespace.as_str())?,
            templates,
            before: before(plan, at),
            redundant: needs
                .iter()
                .filter(|need| is_redundant(&need.id))
                .map(|need| (need.id.clone(), need.place))
                .collect(),
        })
    }
}

/// All that a step needs, near or far.
fn before(plan: &Plan, at: usize) -> BTreeSet<usize> {
    let mut before = BTreeSet::new();
    let mut open = plan.steps()[at].needs.clone();
    while let Some(need) = open.pop() {
        if before.insert(need) {
            open.extend(&plan.steps()[need].needs);
        }
    }
    before
}

impl Stack {
    /// Each object with its release's position.
    pub(super) fn objects(&self) -> impl Iterator<Item = (usize, &Release, &Object)> {
        let releases = self.releases.iter().enumerate();
        releases.flat_map(|(at, release)| release.objects.iter().map(move |o| (at, release, o)))
    }

    /// Each container of each object that is a pod or makes some.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&Release, &Object, Container<'_>)> {
        self.objects().flat_map(|(_, release, object)| {
            let containers = object.pod().into_iter().flat_map(PodSpec::containers);
            containers.map(move |container| (release, object, container))
        })
    }

    /// The objects that this one may be, each with its release's position.
    pub(super) fn find<'a, 'n>(
        &'a self,
        kind: &'n str,
        namespace: &'n str,
        name: &'n str,
    ) -> impl Iterator<Item = (usize, &'a Object)> + use<'a, 'n> {
        let found = self.objects().filter(move |(_, _, object)| {
            object.kind == kind && object.namespace == namespace && object.name == name
        });
        found.map(|(at, _, object)| (at, object))
    }

    /// It is in the cluster already, whoever made it.
    pub(super) fn exists(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.known
            .as_ref()
            .is_some_and(|known| known.existing.contains(&key))
    }

    /// What a name of a host stands for, seen from a namespace (the resolver's search list:
    /// `NAMESPACE.svc.cluster.local`, `svc.cluster.local`, `cluster.local`).
    pub(super) fn host(&self, host: &str, namespace: &str) -> Host {
        let is_name = |label: &str| {
            let mut chars = label.chars();
            chars.next().is_some_and(|c| c.is_ascii_lowercase())
                && label
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        let host = host
            .trim_end_matches('.')
            .trim_end_matches(".cluster.local");
        let inside = host.ends_with(".svc");
        let labels: Vec<&str> = host.trim_end_matches(".svc").split('.').collect();
        if !labels.iter().all(|label| is_name(label)) || host == "localhost" {
            return Host::Elsewhere;
        }
        let service = |name: &str, namespace: &str| {
            let at = self
                .find("Service", namespace, name)
                .next()
                .map(|(at, _)| at);
            at.map(Host::Service).or_else(|| {
                self.exists("Service", namespace, name)
                    .then_some(Host::Elsewhere)
            })
        };
        match labels.as_slice() {
            [name] => service(name, namespace).unwrap_or(Host::Nobody),
            // A pod of a headless Service, or a Service of another namespace.
            [first, second] => service(second, namespace)
                .filter(|_| !inside)
                .or_else(|| service(first, second))
                .unwrap_or(if inside {
                    Host::Nobody
                } else {
                    Host::Elsewhere
                }),
            [_, second, third] if inside => service(second, third).unwrap_or(Host::Nobody),
            _ => Host::Elsewhere,
        }
    }

    /// Each kind with its version, once.
    pub fn kinds(&self) -> BTreeSet<(String, String)> {
        let kinds = self
            .objects()
            .map(|(_, _, it)| (it.api_version.clone(), it.kind.clone()));
        kinds.collect()
    }

    /// Kind, namespace and name of what the stack speaks of and does not make itself.
    pub fn outsiders(&self) -> BTreeSet<(String, String, String)> {
        let mut named = BTreeSet::new();
        for (_, _, object) in self.objects() {
            let Some(pod) = object.pod() else { continue };
            let uses = pod
                .uses()
                .into_iter()
                .map(|it| (it.kind, it.name.to_owned()));
            let hosts = rules::hosts(pod).map(|(_, host)| ("Service", host.to_owned()));
            let all = uses
                .chain(hosts)
                .map(|(kind, name)| (kind, object.namespace.clone(), name));
            named.extend(all.map(|(kind, namespace, name)| (kind.to_owned(), namespace, name)));
        }
        for waiter in self.waiters() {
            for awaited in waiter.script.awaited() {
                let kind = match awaited.kind {
                    "Host" => "Service",
                    kind => kind,
                };
                let namespace = awaited.namespace.unwrap_or(waiter.object.namespace.clone());
                named.insert((kind.to_owned(), namespace, awaited.name));
            }
        }
        named.retain(|(kind, namespace, name)| {
            !name.contains('.') && self.find(kind, namespace, name).next().is_none()
        });
        named
    }

    /// This namespace is one that a release of the stack goes to.
    pub(super) fn is_ours(&self, namespace: &str) -> bool {
        self.releases
            .iter()
            .any(|release| release.namespace == namespace)
    }
}
