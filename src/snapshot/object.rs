use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The identity that the API server gave an object; a new object of an old name has another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Uid(pub Arc<str>);

impl From<String> for Uid {
    fn from(text: String) -> Uid {
        Uid(text.into())
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> String {
        uid.0.as_ref().to_owned()
    }
}

impl From<&str> for Uid {
    fn from(text: &str) -> Uid {
        Uid(text.into())
    }
}

/// An object by its kind and name, as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `apps/v1`, `v1`, `stable.example.com/v1`.
    pub api_version: String,
    pub kind: String,
    /// None where the object has none, or the manifest leaves it to the release's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
}

/// An object that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surveyed {
    #[serde(flatten)]
    pub object: ObjectRef,
    /// None where it can't be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// It is being deleted.
    #[serde(skip)]
    pub is_going: bool,
}

impl Surveyed {
    /// Of which nothing was seen.
    pub fn unseen(object: ObjectRef) -> Surveyed {
        Surveyed {
            object,
            share: None,
            is_going: false,
        }
    }
}

/// What helm holds of an object, as a digest of the names of its fields. It is another once somebody
/// else has set one of them to another value, or has taken it away
/// (`k8s.io/apimachinery`, `meta/v1/types.go`, `ManagedFieldsEntry`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub String);

/// An object that is still there, though it is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lingering {
    pub object: ObjectRef,
    pub uid: Uid,
    /// Others own it, and it goes with them.
    pub is_owned: bool,
    /// It is being deleted.
    pub is_going: bool,
    /// Who has to be done with it first.
    pub finalizers: Vec<String>,
}

/// An object that a removal has left: this very one, and none that comes in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remaining {
    #[serde(flatten)]
    pub object: ObjectRef,
    pub uid: Uid,
}

impl Lingering {
    /// It is one of these, and not another in its place.
    pub fn is_among(&self, remaining: &[Remaining]) -> bool {
        let mut same = remaining.iter();
        same.any(|it| it.object == self.object && it.uid == self.uid)
    }
}

/// A field of helm's that somebody else has set to another value and keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    pub object: ObjectRef,
    /// `.spec.replicas`
    pub field: String,
    /// `kubectl-edit`
    pub manager: String,
}

/// What others have done to objects of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Those that are not as helm's manifest says any more.
    pub changed: Vec<ObjectRef>,
    /// Fields of them for whose sake helm would be refused.
    pub contested: Vec<Contested>,
}

impl ObjectRef {
    /// The API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(g, _)| g)
    }

    /// A Job of a release that was seen ready may go: its `ttlSecondsAfterFinished` takes it away
    /// (KEP-592), and what it came to stays true.
    pub fn may_go_once_ready(&self) -> bool {
        self.group() == "batch" && self.kind == "Job"
    }

    /// A hook's object of this kind stays whatever is asked for when its release is removed: what
    /// others have in it would go too.
    pub fn stays_for_good(&self) -> bool {
        const KINDS: [&str; 3] = ["CustomResourceDefinition", "Namespace", "PersistentVolume"];
        KINDS.contains(&self.kind.as_str())
    }

    /// It is named so.
    pub fn is_called(&self, kind: &str, name: &str) -> bool {
        self.is_of(kind) && self.name == name
    }

    /// It is of this kind, written in any case, singular or plural.
    pub fn is_of(&self, kind: &str) -> bool {
        let (own, kind) = (self.kind.to_lowercase(), kind.to_lowercase());
        own == kind || plurals(&own).contains(&kind)
    }

    /// `deployment/php-fpm`: how people name it.
    pub fn short(&self) -> String {
        self.to_string()
    }
}

/// As kinds are written in the plural, but for those whose definition says otherwise
/// (`k8s.io/apimachinery/pkg/api/meta/restmapper.go`, `UnsafeGuessKindToResource`). Definitions name
/// `gateways` as the language has it, which that guess does not.
fn plurals(kind: &str) -> Vec<String> {
    match kind.as_bytes().last() {
        _ if kind == "endpoints" => vec![kind.to_owned()],
        Some(b's') => vec![format!("{kind}es")],
        Some(b'y') => vec![
            format!("{}ies", &kind[..kind.len() - 1]),
            format!("{kind}s"),
        ],
        _ => vec![format!("{kind}s")],
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    pub uid: Uid,
    pub namespace: String,
    pub name: String,
    /// Counts changes of the spec; 0 where the kind has none.
    pub generation: i64,
    pub created: Timestamp,
    pub deleting: bool,
    /// The controller among the owners.
    pub owner: Option<Owner>,
    /// `pod-template-hash` of ReplicaSets and their pods, else `controller-revision-hash`.
    pub revision_hash: Option<String>,
    /// `helm.sh/hook` is among the annotations.
    pub hook: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub uid: Uid,
    pub kind: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    pub reason: String,
    pub message: String,
    pub since: Option<Timestamp>,
    /// The object's generation that it speaks of, where a kind that has no type of its own says so.
    pub observed_generation: Option<i64>,
}

impl Condition {
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// Finds a condition by its type.
pub trait Conditions {
    fn condition(&self, kind: &str) -> Option<&Condition>;
}

impl Conditions for [Condition] {
    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.iter().find(|c| c.kind == kind)
    }
}

/// An event in the sense of the cluster: best effort, kept for an hour, counted up when repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterEvent {
    pub uid: Uid,
    /// What it is about.
    pub about: ObjectRef,
    pub about_uid: Uid,
    /// Container that it is about, from `fieldPath` (`spec.initContainers{migrate}`).
    pub container: Option<String>,
    pub warning: bool,
    pub reason: String,
    pub message: String,
    pub count: u32,
    pub last_seen: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::ObjectRef;

    #[test]
    fn kinds_are_written_as_for_kubectl() {
        let is_of = |kind: &str, written: &str| {
            let object = ObjectRef {
                api_version: "v1".into(),
                kind: kind.into(),
                namespace: None,
                name: "web".into(),
            };
            object.is_called(written, "web") && !object.is_called(written, "web-1")
        };
        for (kind, written) in [
            ("Job", "job"),
            ("Job", "jobs"),
            ("Deployment", "Deployments"),
            ("Ingress", "ingresses"),
            ("NetworkPolicy", "networkpolicies"),
            ("Endpoints", "endpoints"),
            ("Gadget", "gadgets"),
        ] {
            assert!(is_of(kind, written), "{kind} {written}");
        }
        assert!(!is_of("Job", "cronjobs"));
    }
}
