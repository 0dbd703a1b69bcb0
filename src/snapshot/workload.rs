use super::{Condition, Conditions, Meta, ObjectRef, Uid};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    /// One that no Deployment has made.
    ReplicaSet,
    ReplicationController,
}

impl WorkloadKind {
    pub fn as_str(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::StatefulSet => "StatefulSet",
            WorkloadKind::DaemonSet => "DaemonSet",
            WorkloadKind::ReplicaSet => "ReplicaSet",
            WorkloadKind::ReplicationController => "ReplicationController",
        }
    }

    /// Its controller replaces pods when their template changes. The others only count them
    /// (`k8s.io/kubernetes/pkg/controller/replicaset/replica_set.go`).
    pub fn has_revisions(self) -> bool {
        !matches!(
            self,
            WorkloadKind::ReplicaSet | WorkloadKind::ReplicationController
        )
    }
}

/// An object that keeps pods. Numbers are as the API gives them, missing ones 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    pub kind: WorkloadKind,
    pub meta: Meta,
    pub observed_generation: i64,
    /// `spec.replicas` (1 when left out), or `status.desiredNumberScheduled` of a DaemonSet.
    pub desired: u32,
    /// Pods there are, of any revision.
    pub current: u32,
    pub updated: u32,
    pub ready: u32,
    pub available: u32,
    pub strategy: UpdateStrategy,
    /// A StatefulSet that goes on to its next pod only when the one before is ready
    /// (`podManagementPolicy: OrderedReady`); false for the other kinds.
    pub ordered: bool,
    pub paused: bool,
    /// Annotation `deployment.kubernetes.io/revision` of a Deployment, which its present
    /// ReplicaSet carries too; 0 until its controller has set it, and for the other kinds.
    pub revision: u64,
    /// Of a StatefulSet; equal when a roll-out is through.
    pub current_revision: String,
    pub update_revision: String,
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateStrategy {
    /// Of a StatefulSet, pods with an ordinal below `partition` stay on the old revision.
    Rolling {
        partition: u32,
    },
    Recreate,
    OnDelete,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaSet {
    pub meta: Meta,
    /// Annotation `deployment.kubernetes.io/revision`; the newest is the Deployment's present one.
    pub revision: u64,
    pub desired: u32,
    pub ready: u32,
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub meta: Meta,
    /// None for a work queue, where one success is enough.
    pub completions: Option<u32>,
    pub parallelism: u32,
    pub backoff_limit: u32,
    /// `spec.managedBy`: a controller that is not Kubernetes' own (KEP-4368).
    pub managed_by: Option<String>,
    pub suspended: bool,
    pub active: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub conditions: Vec<Condition>,
}

impl Job {
    pub fn is_complete(&self) -> bool {
        self.holds("Complete")
    }

    /// It is complete, or has failed for good.
    pub fn has_ended(&self) -> bool {
        self.is_complete() || self.holds("Failed")
    }

    fn holds(&self, kind: &str) -> bool {
        let condition = self.conditions.condition(kind);
        condition.is_some_and(Condition::is_true)
    }
}

/// A PersistentVolumeClaim.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub meta: Meta,
    pub phase: String,
    pub storage_class: Option<String>,
    pub volume: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageClass {
    pub uid: Uid,
    pub name: String,
    pub is_default: bool,
    pub waits_for_first_consumer: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub meta: Meta,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub kind: String,
    pub has_selector: bool,
    /// A load balancer has given it an address.
    pub has_ingress: bool,
    /// The ports of its pods that it leads to, by number or name.
    pub target_ports: Vec<String>,
}

/// An EndpointSlice: who answers for a Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoints {
    pub meta: Meta,
    pub service: String,
    /// The pods behind the ready addresses, by uid.
    pub ready_pods: Vec<Uid>,
    /// Ready addresses, with and without a pod.
    pub ready: u32,
    /// It names ports at which these answer. One without any leads nowhere, unless the Service has
    /// none either.
    pub has_ports: bool,
}

/// An object of any other kind, read by generation and the usual conditions.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom {
    pub object: ObjectRef,
    pub meta: Meta,
    pub observed_generation: Option<i64>,
    pub conditions: Vec<Condition>,
    /// Of a CustomResourceDefinition: the kind that it brings.
    pub definition: Option<Definition>,
}

impl Custom {
    /// As of a kind whose status is written with all the rest: writing it makes a generation of its
    /// own, so the one that it names is always past.
    #[must_use]
    pub fn written_whole(mut self) -> Custom {
        self.observed_generation = None;
        for condition in &mut self.conditions {
            condition.observed_generation = None;
        }
        self
    }
}

/// A kind that a CustomResourceDefinition brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub group: String,
    pub kind: String,
    /// It prints the `Ready` condition of its objects in a column, and has a place of its own for their
    /// status, so each will have one.
    pub promises_ready: bool,
}
