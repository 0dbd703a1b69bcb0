use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ObjectRef, Uid, World};
use crate::names::{Namespace, ReleaseName, StackName};

/// A revision of a helm release, as the labels of its Secret tell it
/// (helm `pkg/storage/driver/secrets.go`). The payload is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub namespace: String,
    /// helm's name of the release.
    pub release: String,
    pub revision: u32,
    /// Of the Secret: a release that is installed anew has the numbers of before, and other records.
    pub uid: Uid,
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
    pub fn is_of(&self, stack: &StackId) -> bool {
        self.marks.revision == Some(self.revision) && stack.owns(self)
    }

    /// helm has it still, or a removal of it is not through.
    pub fn is_there(&self) -> bool {
        self.status != RecordStatus::Uninstalled || self.is_half_removed()
    }

    /// Another stack than this one, whose run has made this very revision, as people are told of it.
    pub fn other_owner(&self, stack: &StackId) -> Option<String> {
        let owner = self.marks.stack.as_deref()?;
        if self.marks.revision != Some(self.revision) {
            return None;
        }
        if owner != stack.name.as_str() {
            return Some(format!("stack `{owner}`"));
        }
        let home = self.marks.home.as_deref()?;
        let is_elsewhere = home != stack.namespace.as_str();
        is_elsewhere.then(|| format!("stack `{owner}` of namespace `{home}`"))
    }

    /// helm was through with bringing the release back to that revision.
    pub fn is_back_at(&self, stack: &StackId, target: u32) -> bool {
        self.status == RecordStatus::Deployed
            && self.is_of(stack)
            && self.marks.target == Some(target)
    }

    /// A run has uninstalled it and what helm left of it is not all removed.
    pub fn is_half_removed(&self) -> bool {
        self.status == RecordStatus::Uninstalled && self.marks.removal == Some(self.revision)
    }

    /// A run has seen this very revision ready.
    pub fn is_verified(&self) -> bool {
        self.status == RecordStatus::Deployed && self.marks.verified == Some(self.revision)
    }

    /// helm was through with it, and it was made of these inputs.
    pub fn is_made_of(&self, stack: &StackId, inputs: &str) -> bool {
        self.status == RecordStatus::Deployed
            && self.is_of(stack)
            && self.marks.inputs.as_deref() == Some(inputs)
    }
}

/// A stack, as helm's records tell it from others: name and namespace together are its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackId {
    pub name: StackName,
    /// The stack's own, wherever its releases are.
    pub namespace: Namespace,
    /// Releases that are known to be its. They say whose a record is that bears a name alone.
    pub listed: BTreeSet<(Namespace, ReleaseName)>,
}

impl StackId {
    /// A stack of which nothing is remembered.
    pub fn new(name: StackName, namespace: Namespace) -> StackId {
        StackId {
            name,
            namespace,
            listed: BTreeSet::new(),
        }
    }

    /// The record bears this stack's mark. Marks of before name no namespace: they count where the
    /// release is known to be its, for any stack of that name may have it.
    pub fn owns(&self, record: &Record) -> bool {
        let Record { marks, .. } = record;
        marks.stack.as_deref() == Some(self.name.as_str())
            && match &marks.home {
                Some(home) => home == self.namespace.as_str(),
                None => self.lists(record),
            }
    }

    fn lists(&self, record: &Record) -> bool {
        let mut listed = self.listed.iter();
        listed.any(|(namespace, release)| {
            namespace.as_str() == record.namespace && release.as_str() == record.release
        })
    }
}

/// The events of helm's hooks of a removal, in their order (helm `pkg/release/v1/hook.go`).
const DELETE: [&str; 2] = ["pre-delete", "post-delete"];

/// Our own labels on a record. helm copies all labels into later revisions, so they speak of this
/// one only where `revision` is its own; and `verified` counts only where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// `stackctl.dev/stack`
    pub stack: Option<String>,
    /// `stackctl.dev/home`, the stack's own namespace
    pub home: Option<String>,
    /// `stackctl.dev/release`, the id in the profile
    pub release: Option<String>,
    /// `stackctl.dev/run`
    pub run: Option<String>,
    /// `stackctl.dev/revision`, the one that the run set out to make
    pub revision: Option<u32>,
    /// `stackctl.dev/rolled-back`, the revision that this very one was made from by a rollback
    pub target: Option<u32>,
    /// `stackctl.dev/removal`, the revision whose removal has begun and is not through
    pub removal: Option<u32>,
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

    /// helm leaves it behind only when it is not let end.
    pub fn is_half_done(self) -> bool {
        self.is_pending() || self == RecordStatus::Uninstalling
    }
}

/// What one revision of a release consists of: names only, the manifests are dropped unread. Each
/// object has the namespace where it lives, or none where its kind has none; one of a kind that was
/// not served when this was read has the release's, if it names none.
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
    /// What helm has applied and we can't read: nothing is known of its objects.
    pub unread: Vec<Unread>,
    /// helm was ended before it was through with the revision, by a signal or with its run.
    pub is_cut_off: bool,
}

/// A part of a revision that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The line of the manifest that the document begins at.
    Document(usize),
    /// The hook of this name.
    Hook(String),
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unread::Document(line) => {
                write!(f, "the document that starts at line {line} of the manifest")
            }
            Unread::Hook(name) => write!(f, "the hook `{name}`"),
        }
    }
}

impl Unread {
    /// A warning of it, with what becomes of its object.
    pub fn warning(&self, release: &impl std::fmt::Display, so: &str) -> String {
        format!("{self} of release `{release}` can't be read: {so}")
    }
}

impl Contents {
    /// It has hooks that helm runs once the objects are there.
    pub fn has_later_hooks(&self) -> bool {
        const LATER: [&str; 3] = ["post-install", "post-upgrade", "post-rollback"];
        let mut events = self.hooks.iter().flat_map(|hook| &hook.events);
        events.any(|event| LATER.contains(&event.as_str()))
    }

    /// The hooks that helm runs while it removes the release, and nothing else of it.
    pub fn of_removal(&self) -> Contents {
        let is_of_removal =
            |hook: &&Hook| hook.events.iter().any(|it| DELETE.contains(&it.as_str()));
        Contents {
            revision: self.revision,
            hooks: self.hooks.iter().filter(is_of_removal).cloned().collect(),
            ..Contents::default()
        }
    }

    /// When helm runs this hook of a removal: `pre-delete` or `post-delete`.
    pub fn delete_event(&self, object: &ObjectRef) -> &'static str {
        let hook = self.hooks.iter().find(|hook| hook.object == *object);
        let is_later = hook.is_some_and(|hook| hook.events.iter().any(|it| it == DELETE[1]));
        DELETE[usize::from(is_later)]
    }

    /// Hooks that are there for others once helm has made them.
    pub fn lasting_hooks(&self) -> Vec<LastingHook> {
        let left = |it: &&Hook| it.leaves(self.revision) == Leaves::Object;
        let lasting = |hook: &Hook| LastingHook {
            object: hook.object.clone(),
            on_upgrade: hook.is_on(&UPGRADE),
        };
        self.hooks.iter().filter(left).map(lasting).collect()
    }

    /// What there is to watch of the revision: its objects, and those that its hooks leave.
    pub fn to_watch(&self) -> Vec<ObjectRef> {
        let hooks = self.lasting_hooks().into_iter().map(|it| it.object);
        self.objects.iter().cloned().chain(hooks).collect()
    }

    /// What there is to judge of a revision that was seen ready: Jobs that have gone since are past.
    /// Of those that may not be seen, it is not known whether they have.
    pub fn once_ready(&self, world: &World) -> Contents {
        let is_past = |it: &ObjectRef| {
            it.may_go_once_ready() && world.job(it).is_none() && !world.is_hidden(it)
        };
        let objects = self.objects.iter().filter(|it| !is_past(it));
        Contents {
            objects: objects.cloned().collect(),
            ..self.clone()
        }
    }

    /// It is an object or a hook of the release.
    pub fn has(&self, object: &ObjectRef) -> bool {
        let mut hooks = self.hooks.iter();
        self.objects.contains(object) || hooks.any(|hook| hook.object == *object)
    }

    /// What goes with the release: its objects, without those that its chart keeps.
    pub fn removable(&self) -> Vec<ObjectRef> {
        let goes = self.objects.iter().filter(|it| !self.kept.contains(it));
        goes.cloned().collect()
    }

    /// A claim that a StatefulSet of the release, whose `own` namespace this is, has made for one of
    /// its pods
    /// (`k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_utils.go`).
    pub fn is_claim_of_set(&self, own: &str, namespace: &str, claim: &str) -> bool {
        self.claims.iter().any(|(set, template)| {
            if set.namespace.as_deref().unwrap_or(own) != namespace {
                return false;
            }
            let rest = claim.strip_prefix(&format!("{template}-{}-", set.name));
            rest.is_some_and(is_ordinal)
        })
    }
}

/// As the pods of a StatefulSet are numbered.
pub fn is_ordinal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub object: ObjectRef,
    /// `pre-install`, `post-upgrade`, `test`, ...
    pub events: Vec<String>,
    pub weight: i64,
    /// It ran in this revision, whatever has become of it.
    pub ran: bool,
    /// It ran in this revision and was through.
    pub succeeded: bool,
    /// helm leaves it there when it was through.
    pub stays: bool,
}

impl Hook {
    /// Some revision of the release may have made its object: `helm test` and `helm rollback` need not
    /// ever have been run.
    pub fn may_have_run(&self) -> bool {
        const ON_REQUEST: [&str; 4] = ["test", "test-success", "pre-rollback", "post-rollback"];
        self.ran
            || self
                .events
                .iter()
                .any(|it| !ON_REQUEST.contains(&it.as_str()))
    }

    fn is_on(&self, events: &[&str]) -> bool {
        self.events.iter().any(|own| events.contains(&own.as_str()))
    }

    /// What of it others may wait for, once helm has made this revision.
    pub fn leaves(&self, revision: u32) -> Leaves {
        let runs = match revision {
            1 => self.is_on(&INSTALL),
            _ => self.is_on(&UP),
        };
        match runs {
            false => Leaves::NotRun,
            // What it was made for is done.
            true if RUN.contains(&self.object.kind.as_str()) => Leaves::Done,
            true if self.stays => Leaves::Object,
            true => Leaves::Nothing,
        }
    }

    /// Others may wait for it, once helm has made this revision.
    pub fn leaves_something(&self, revision: u32) -> bool {
        matches!(self.leaves(revision), Leaves::Object | Leaves::Done)
    }
}

/// What a hook leaves for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Its object.
    Object,
    /// It was a Job or a Pod, and helm has waited for its end.
    Done,
    /// helm has deleted what it made.
    Nothing,
    /// helm has had no reason to run it in this revision or an earlier one.
    NotRun,
}

/// Kinds that helm waits for as hooks (helm `pkg/kube/wait.go`).
const RUN: [&str; 2] = ["Job", "Pod"];

/// Hooks of what brings a release up.
const UP: [&str; 4] = ["pre-install", "post-install", "pre-upgrade", "post-upgrade"];
const INSTALL: [&str; 2] = ["pre-install", "post-install"];
const UPGRADE: [&str; 2] = ["pre-upgrade", "post-upgrade"];

/// An object that helm makes as a hook, and that stays: a Secret, a ServiceAccount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastingHook {
    #[serde(flatten)]
    pub object: ObjectRef,
    /// An upgrade makes it again; else a first install alone does.
    pub on_upgrade: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Observation, Watched};

    #[test]
    fn of_a_revision_that_was_ready_a_job_that_is_away_is_past() {
        let object = |api_version: &str, kind: &str| ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: Some("shop".into()),
            name: "seed".into(),
        };
        let (job, config) = (object("batch/v1", "Job"), object("v1", "ConfigMap"));
        let other = object("batch.example.com/v1", "Job");
        let contents = Contents {
            objects: vec![job, config.clone(), other.clone()],
            ..Contents::default()
        };
        let mut world = World::default();
        assert_eq!(contents.once_ready(&world).objects, [config, other]);
        world.apply(&Observation::Hidden(Watched {
            group: "batch".into(),
            kind: "Job".into(),
            resource: "jobs".into(),
            namespace: Some("shop".into()),
        }));
        assert_eq!(contents.once_ready(&world), contents);
    }

    /// A record of release `x` in `namespace`, as a run of a stack `shop` has made it.
    fn record(namespace: &str, home: Option<&str>) -> Record {
        Record {
            namespace: namespace.into(),
            release: "x".into(),
            revision: 1,
            uid: Uid::from("record"),
            status: RecordStatus::Deployed,
            modified: None,
            marks: Marks {
                stack: Some("shop".into()),
                home: home.map(str::to_owned),
                revision: Some(1),
                ..Marks::default()
            },
        }
    }

    #[test]
    fn stacks_of_one_name_are_told_apart_by_their_namespaces() {
        let stack =
            |namespace: &str| StackId::new("shop".parse().unwrap(), namespace.parse().unwrap());
        let (one, two) = (stack("one"), stack("two"));
        for namespace in ["one", "two", "three"] {
            let record = record(namespace, Some("one"));
            assert!(one.owns(&record) && record.is_of(&one), "{namespace}");
            assert!(!two.owns(&record) && !record.is_of(&two), "{namespace}");
            assert_eq!(record.other_owner(&one), None);
            let told = record.other_owner(&two);
            assert_eq!(told.as_deref(), Some("stack `shop` of namespace `one`"));
        }
        let unnamed = record("two", None);
        assert!(!two.owns(&unnamed) && !one.owns(&unnamed));
        let known = StackId {
            listed: [("two".parse().unwrap(), "x".parse().unwrap())].into(),
            ..one
        };
        assert!(known.owns(&unnamed));
        assert!(!known.owns(&record("two", Some("two"))));
        assert!(!known.owns(&record("three", None)));
    }
}
