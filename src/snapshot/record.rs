use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ObjectRef;

/// A revision of a helm release, as the labels of its Secret tell it
/// (helm `pkg/storage/driver/secrets.go`). The payload is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub namespace: String,
    /// helm's name of the release.
    pub release: String,
    pub revision: u32,
    pub status: RecordStatus,
    pub modified: Option<Timestamp>,
    pub marks: Marks,
}

impl Record {
    /// The last revision of each release, by namespace and name.
    pub fn last_of_each(records: Vec<Record>) -> Vec<Record> {
        let mut last: BTreeMap<(String, String), Record> = BTreeMap::new();
        for record in records {
            let key = (record.namespace.clone(), record.release.clone());
            let known = last.get(&key).map(|known| known.revision);
            if known.is_none_or(|known| known < record.revision) {
                last.insert(key, record);
            }
        }
        last.into_values().collect()
    }

    /// A run of this stack has made this very revision. helm copies labels into later revisions, so
    /// one that somebody else has made is none of ours.
    pub fn is_of(&self, stack: &str) -> bool {
        let Marks {
            revision,
            stack: of,
            ..
        } = &self.marks;
        *revision == Some(self.revision) && of.as_deref() == Some(stack)
    }

    /// helm was through with it, and it was made of these inputs.
    pub fn is_made_of(&self, stack: &str, inputs: &str) -> bool {
        self.status == RecordStatus::Deployed
            && self.is_of(stack)
            && self.marks.inputs.as_deref() == Some(inputs)
    }
}

/// Our own labels on a record. helm copies all labels into later revisions, so they speak of this
/// one only where `revision` is its own; and `verified` counts only where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// `stackctl.dev/stack`
    pub stack: Option<String>,
    /// `stackctl.dev/release`, the id in the profile
    pub release: Option<String>,
    /// `stackctl.dev/run`
    pub run: Option<String>,
    /// `stackctl.dev/revision`, the one that the run set out to make
    pub revision: Option<u32>,
    /// `stackctl.dev/verified`
    pub verified: Option<u32>,
    /// `stackctl.dev/inputs`, a digest of all that went into it
    pub inputs: Option<String>,
}

/// helm `pkg/release/common/status.go`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordStatus {
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

impl RecordStatus {
    pub fn parse(text: &str) -> RecordStatus {
        match text {
            "deployed" => RecordStatus::Deployed,
            "uninstalled" => RecordStatus::Uninstalled,
            "superseded" => RecordStatus::Superseded,
            "failed" => RecordStatus::Failed,
            "uninstalling" => RecordStatus::Uninstalling,
            "pending-install" => RecordStatus::PendingInstall,
            "pending-upgrade" => RecordStatus::PendingUpgrade,
            "pending-rollback" => RecordStatus::PendingRollback,
            _ => RecordStatus::Unknown,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            RecordStatus::Unknown => "unknown",
            RecordStatus::Deployed => "deployed",
            RecordStatus::Uninstalled => "uninstalled",
            RecordStatus::Superseded => "superseded",
            RecordStatus::Failed => "failed",
            RecordStatus::Uninstalling => "uninstalling",
            RecordStatus::PendingInstall => "pending-install",
            RecordStatus::PendingUpgrade => "pending-upgrade",
            RecordStatus::PendingRollback => "pending-rollback",
        }
    }

    /// A helm is at work on it, or died at it.
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            RecordStatus::PendingInstall
                | RecordStatus::PendingUpgrade
                | RecordStatus::PendingRollback
        )
    }
}

/// What one revision of a release consists of: names only, the manifests are dropped unread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    pub revision: u32,
    /// `php-fpm-0.3.0`
    pub chart: String,
    pub objects: Vec<ObjectRef>,
    pub hooks: Vec<Hook>,
    /// Those of the objects and hooks that stay when the release goes
    /// (`helm.sh/resource-policy: keep`).
    pub kept: Vec<ObjectRef>,
    /// StatefulSets with the names of their templates of claims.
    pub claims: Vec<(ObjectRef, String)>,
}

impl Contents {
    /// What goes with the release: its objects with their namespaces, those without one in the
    /// release's `own`, and without those that its chart keeps.
    pub fn removable(&self, own: &str) -> Vec<ObjectRef> {
        let goes = self.objects.iter().filter(|it| !self.kept.contains(it));
        goes.map(|object| object.placed(own)).collect()
    }

    /// A claim that a StatefulSet of the release has made for one of its pods
    /// (`k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_utils.go`).
    pub fn is_claim_of_set(&self, claim: &str) -> bool {
        self.claims.iter().any(|(set, template)| {
            let rest = claim.strip_prefix(&format!("{template}-{}-", set.name));
            rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_digit()))
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub object: ObjectRef,
    /// `pre-install`, `post-upgrade`, `test`, ...
    pub events: Vec<String>,
    pub weight: i64,
    /// It ran in this revision and was through.
    pub succeeded: bool,
}
