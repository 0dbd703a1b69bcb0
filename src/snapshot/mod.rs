//! What the watches saw of the cluster: plain values, rich enough to judge readiness and to
//! name a cause, with nothing of Kubernetes' client libraries in them and nothing secret.
//!
//! `cluster/` makes them, `verdict/` reads them, [`World`] keeps the newest of each.

mod object;
mod pod;
mod record;
mod workload;
mod world;

use std::fmt;
use std::time::Duration;

pub use object::{
    ClusterEvent, Condition, Conditions, Contested, Drift, Lingering, Meta, ObjectRef, Owner,
    Remaining, Share, Surveyed, Uid,
};
pub use pod::{ContainerSpec, ContainerState, ContainerStatus, Instance, Pod, Terminated, Volume};
pub use record::{
    Contents, Hook, LastingHook, Leaves, Marks, Record, RecordStatus, StackId, Unread, is_ordinal,
};
pub use workload::{
    Claim, Custom, Definition, Endpoints, Job, ReplicaSet, Service, StorageClass, UpdateStrategy,
    Workload, WorkloadKind,
};
pub use world::{Exit, Loss, World};

/// The newest state of one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Snapshot {
    Pod(Pod),
    Workload(Workload),
    ReplicaSet(ReplicaSet),
    Job(Job),
    Claim(Claim),
    StorageClass(StorageClass),
    Service(Service),
    Endpoints(Endpoints),
    Event(ClusterEvent),
    Custom(Custom),
    Record(Record),
}

/// What a watch tells: an object as it is now, or that it is no more.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    Seen(Snapshot),
    /// Carries the last known state, so that a reader knows what it lost.
    Gone(Snapshot),
    /// A watch can't go on for now: what is watched, and why. Sent once per outage.
    Interrupted {
        what: String,
        why: String,
    },
    /// Objects of this kind may not be seen there, and never were: nothing is known of them.
    Hidden(Watched),
    /// Now they are seen.
    Visible(Watched),
    /// The answer to a question: there is no such object.
    Absent(ObjectRef),
    /// The watch goes on again.
    Resumed {
        what: String,
    },
    /// The API server as a whole does not answer, for so long already. Sent once per outage.
    Unreachable {
        since: Duration,
        why: String,
    },
    /// It answers again.
    Reachable,
}

/// The objects of one kind in one place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Watched {
    pub group: String,
    pub kind: String,
    /// The plural, as people call it: `deployments`, `certificates.cert-manager.io`.
    pub resource: String,
    /// None for the whole cluster.
    pub namespace: Option<String>,
}

impl Watched {
    fn has(&self, group: &str, kind: &str, namespace: Option<&str>) -> bool {
        let is_there = self.namespace.is_none() || self.namespace.as_deref() == namespace;
        is_there && self.kind == kind && self.group == group
    }
}

/// `deployments in namespace `shop``
impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Watched {
            resource,
            namespace,
            ..
        } = self;
        match namespace {
            Some(namespace) => write!(f, "{resource} in namespace `{namespace}`"),
            None => write!(f, "{resource} of the cluster"),
        }
    }
}
