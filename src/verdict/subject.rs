//! The objects of the release that can be judged, each with what is known of it.

use crate::snapshot::{
    Claim, Custom, Hook, Job, Leaves, Meta, ObjectRef, Pod, Service, Uid, Workload, WorkloadKind,
    World,
};

use super::ready::{JobPhase, job_phase};
use super::scope::Scope;

/// An object or hook of the release.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// With its namespace.
    pub object: ObjectRef,
    pub body: Body<'a>,
    pub hook: bool,
    /// See [`Scope::is_stale`].
    pub stale: bool,
}

/// The object as the cluster has it.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    Workload(&'a Workload),
    Job(&'a Job),
    Pod(&'a Pod),
    Claim(&'a Claim),
    Service(&'a Service),
    Custom(&'a Custom),
    Missing,
}

impl Body<'_> {
    pub fn meta(&self) -> Option<&Meta> {
        match self {
            Body::Workload(workload) => Some(&workload.meta),
            Body::Job(job) => Some(&job.meta),
            Body::Pod(pod) => Some(&pod.meta),
            Body::Claim(claim) => Some(&claim.meta),
            Body::Service(service) => Some(&service.meta),
            Body::Custom(custom) => Some(&custom.meta),
            Body::Missing => None,
        }
    }

    pub fn uid(&self) -> Option<&Uid> {
        self.meta().map(|meta| &meta.uid)
    }
}

/// Hooks that were seen in this run first, then the objects that have readiness, both in the
/// order of the release.
pub fn subjects<'a>(world: &'a World, scope: &Scope<'_>) -> Vec<Subject<'a>> {
    let hooks = scope.contents.hooks.iter().filter_map(|hook| {
        let object = hook.object.clone();
        let body = seen(world, scope, &object)?;
        let waited_for = matches!(body, Body::Job(_) | Body::Pod(_));
        let is_new = !scope.before.had(body.uid()?);
        (waited_for && is_new).then_some(Subject {
            object,
            body,
            hook: true,
            stale: false,
        })
    });
    let objects = scope.contents.objects.iter().filter_map(|object| {
        let body = seen(world, scope, object)?;
        let stale = body.meta().is_some_and(|meta| scope.is_stale(meta));
        Some(Subject {
            object: object.clone(),
            body,
            hook: false,
            stale,
        })
    });
    hooks.chain(objects).collect()
}

/// What hooks have made for others, of the kinds that have readiness.
pub fn left_by_hooks<'a>(world: &'a World, scope: &Scope<'_>) -> Vec<Subject<'a>> {
    let revision = scope.contents.revision;
    let hooks = scope.contents.hooks.iter();
    let left = hooks.filter(|hook| hook.leaves(revision) == Leaves::Object);
    let subject = |hook: &Hook| {
        Some(Subject {
            body: seen(world, scope, &hook.object)?,
            object: hook.object.clone(),
            hook: true,
            stale: false,
        })
    };
    left.filter_map(subject).collect()
}

/// None for a kind that has no readiness. Kinds that the cluster's owners have added are judged
/// from when they are seen, though they vanish, and where their status may not be seen: many of them
/// carry none, and then nothing is waited for.
fn seen<'a>(world: &'a World, scope: &Scope<'_>, object: &ObjectRef) -> Option<Body<'a>> {
    let found = match (object.group(), object.kind.as_str()) {
        ("apps", kind) => {
            if ![
                WorkloadKind::Deployment,
                WorkloadKind::StatefulSet,
                WorkloadKind::DaemonSet,
                WorkloadKind::ReplicaSet,
            ]
            .iter()
            .any(|known| known.as_str() == kind)
            {
                return None;
            }
            world.workload(object).map(Body::Workload)
        }
        ("batch", "Job") => (world.job(object))
            .or_else(|| departed(world, scope, object))
            .map(Body::Job),
        ("", "ReplicationController") => world.workload(object).map(Body::Workload),
        ("", "Pod") => world.pod(object).map(Body::Pod),
        ("", "PersistentVolumeClaim") => world.claim(object).map(Body::Claim),
        ("", "Service") => world.service(object).map(Body::Service),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom(world, object),
        _ => return custom(world, object),
    };
    Some(found.unwrap_or(Body::Missing))
}

/// A Job that has ended in this run and was then taken away, by its TTL or its hook's delete
/// policy: what it came to stays true.
fn departed<'a>(world: &'a World, scope: &Scope<'_>, object: &ObjectRef) -> Option<&'a Job> {
    world.past.job(object).filter(|job| {
        let ended = matches!(job_phase(job), JobPhase::Complete | JobPhase::Failed(_));
        ended && !scope.before.had_settled(&job.meta.uid)
    })
}

/// Cluster-scoped objects have an empty namespace, whichever was thought of before their kind was
/// served.
fn custom<'a>(world: &'a World, object: &ObjectRef) -> Option<Body<'a>> {
    let at = |namespace: &str| ObjectRef {
        namespace: Some(namespace.to_owned()),
        ..object.clone()
    };
    let places = [object.clone(), at("")];
    let there = places.iter().find_map(|it| world.custom(it));
    let is_missed = |it| world.has_lost_custom(it) || world.is_hidden(it);
    match there {
        Some(custom) => Some(Body::Custom(custom)),
        None => places.iter().any(is_missed).then_some(Body::Missing),
    }
}
