//! The stack that is looked at: its releases with what helm renders for them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::host;
use super::object::Object;
use super::pod::{Container, PodSpec};
use super::rules;
use crate::manifest::{self, Readable, Varying};
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::profile::{Place, Profile, Until};

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
    /// It was rendered with what the cluster serves and has.
    pub on_cluster: bool,
    /// Kinds that the cluster has refused to render it with, each with its version.
    pub unserved: BTreeSet<(String, String)>,
    /// It has commands before helm.
    pub runs_before: bool,
    /// It has commands once it is ready.
    pub runs_after: bool,
    pub(super) objects: Vec<Object>,
    /// Lines at which documents begin that helm has rendered and that can't be read.
    pub unread: Vec<usize>,
    /// Templates as they are written, before helm renders them, by the names that helm gives them.
    pub(super) templates: Vec<(PathBuf, String)>,
    /// Positions of the releases that are ready, or on the way, before it starts.
    pub(super) before: BTreeSet<usize>,
    /// Needs on objects of other releases.
    pub(super) parts: Vec<Part>,
    /// Needs that another need implies, with their places in the profile.
    pub(super) redundant: Vec<(ReleaseId, Place)>,
    /// What another rendering has different.
    pub(super) varying: Vec<Varying>,
}

/// A need on one object of another release.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Position of that release.
    pub need: usize,
    pub until: Until,
    pub place: Place,
}

impl Part {
    pub fn names(&self, it: &Object) -> bool {
        matches!(&self.until, Until::Object { kind, name } if it.reference().is_called(kind, name))
    }

    pub fn is_of_kind(&self, it: &Object) -> bool {
        matches!(&self.until, Until::Object { kind, .. } if it.reference().is_of(kind))
    }
}

/// What the rules want to know of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// `API_VERSION KIND` of what it serves, as far as the stack names it.
    pub served: BTreeSet<(String, String)>,
    /// Kind, namespace and name of objects that are there, as far as the stack names them.
    pub existing: BTreeSet<(String, String, String)>,
    /// The same of objects that may not be asked for.
    pub hidden: BTreeSet<(String, String, String)>,
}

impl Release {
    pub fn new(
        plan: &Plan,
        profile: &Profile,
        at: usize,
        manifest: &str,
        templates: Vec<(PathBuf, String)>,
    ) -> Release {
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
        let position = |id: &ReleaseId| plan.steps().iter().position(|it| it.id == *id);
        let parts = needs.iter().filter_map(|need| {
            let is_part = matches!(need.until, Until::Object { .. });
            Some(Part {
                need: position(&need.id).filter(|_| is_part)?,
                until: need.until.clone(),
                place: need.place,
            })
        });
        let Readable { read, unread } = manifest::readable_wholes(manifest);
        Release {
            unread,
            parts: parts.collect(),
            id: step.id.clone(),
            namespace: step.namespace.to_string(),
            timeout: step.timeout.as_secs(),
            on_cluster: false,
            unserved: BTreeSet::new(),
            runs_before: !step.before.is_empty(),
            runs_after: !step.after.is_empty(),
            objects: Object::all(read, step.namespace.as_str()),
            templates,
            before: plan.before(at).into_iter().collect(),
            redundant: needs
                .iter()
                .filter(|need| is_redundant(&need.id))
                .map(|need| (need.id.clone(), need.place))
                .collect(),
            varying: Vec::new(),
        }
    }

    /// Takes in two renderings of its chart.
    pub fn compare(&mut self, one: &str, other: &str) {
        self.varying = manifest::twice(one, other).varying;
    }
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

    /// The definitions of a custom resource, each with its release's position.
    pub(super) fn definition<'a>(
        &'a self,
        object: &'a Object,
    ) -> impl Iterator<Item = (usize, &'a Object)> {
        let brings = |it: &Object| {
            it.is("CustomResourceDefinition")
                && it.text("/spec/names/kind") == Some(object.kind.as_str())
                && it.text("/spec/group") == Some(object.group())
        };
        let all = self.objects().filter(move |(_, _, it)| brings(it));
        all.map(|(at, _, it)| (at, it))
    }

    /// It is in the cluster already, whoever made it; none where no cluster has said.
    pub(super) fn is_there(&self, kind: &str, namespace: &str, name: &str) -> Option<bool> {
        let known = self.known.as_ref()?;
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        match known.hidden.contains(&key) {
            true => None,
            false => Some(known.existing.contains(&key)),
        }
    }

    /// Why it is not known whether something is there.
    pub(super) fn unasked(&self) -> &'static str {
        match self.known {
            Some(_) => "whether it is there may not be asked of this cluster",
            None => "`--cluster` looks whether it is there",
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
            let uses = uses.map(|(kind, name)| (kind.to_owned(), object.namespace.clone(), name));
            named.extend(uses);
            for (_, host) in rules::hosts(pod) {
                named.extend(host::services(host, &object.namespace));
            }
        }
        for waiter in self.waiters() {
            for awaited in waiter.script.awaited() {
                let namespace = awaited.namespace.unwrap_or(waiter.object.namespace.clone());
                if awaited.kind == "Host" {
                    named.extend(host::services(&awaited.name, &namespace));
                } else {
                    named.insert((awaited.kind.to_owned(), namespace, awaited.name));
                }
            }
        }
        named.retain(|(kind, namespace, name)| self.find(kind, namespace, name).next().is_none());
        named
    }

    /// This namespace is one that a release of the stack goes to.
    pub(super) fn is_ours(&self, namespace: &str) -> bool {
        self.releases
            .iter()
            .any(|release| release.namespace == namespace)
    }
}
