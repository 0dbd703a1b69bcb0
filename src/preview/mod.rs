//! What an `up` would change, told without doing it.
//!
//! The room owns the comparison: what is there, and what the API server says would be there. `look`
//! asks helm and the cluster, everything else is pure. No value of a Secret leaves it: they are told
//! by keyed digests.

mod diff;
mod look;
mod saved;
mod secret;
mod text;

pub use diff::Field;
pub use look::{LookError, Looked, look};
pub use saved::{Moved, Saved};
pub use text::text;

use serde::Serialize;
use serde_json::Value;

use crate::keyed::Key;
use crate::names::{Namespace, ReleaseId, ReleaseName, StackName};

/// What an `up` of a stack would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    pub stack: StackName,
    pub namespace: Namespace,
    pub context: String,
    /// In an order in which they could start.
    pub releases: Vec<ReleasePreview>,
    /// Releases of the stack that the profile names no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<Orphan>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Orphan {
    pub release: ReleaseName,
    pub namespace: Namespace,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReleasePreview {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    pub chart: String,
    /// What it waits for; it starts beside all others.
    pub needs: Vec<String>,
    pub action: Action,
    /// The one that helm would make.
    pub revision: u32,
    /// Objects that change, in helm's order.
    pub objects: Vec<ObjectPreview>,
    /// How many stay as they are.
    pub unchanged: usize,
    /// Hooks that would run, `pre-install job/seed`.
    pub hooks: Vec<String>,
    /// Commands of the profile that would run, `before: the command `./backup.sh``.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// Workloads whose pods are made anew, with the number of pods.
    pub restarts: Vec<Restart>,
    /// It was applied with the very inputs of now.
    #[serde(skip)]
    pub applied: bool,
    /// Why helm would not even begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What becomes of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Install,
    Upgrade,
    /// An upgrade that changes no object.
    Unchanged,
    /// The API server would refuse something of it.
    Fail,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectPreview {
    /// `deployment/web`
    pub object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub change: Change,
    /// What changes in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Why it would fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Create,
    Change,
    Delete,
    /// It leaves the release and stays in the cluster (`helm.sh/resource-policy: keep`).
    Keep,
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restart {
    pub object: String,
    pub pods: u64,
}

/// An object of a release, as it is and as it would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// `deployment/web`
    pub object: String,
    pub namespace: Option<String>,
    pub before: Option<Value>,
    pub after: After,
}

/// What would become of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    Is(Value),
    /// The API server would say no.
    Refused(String),
    /// Its namespace or its kind comes with the run.
    New,
    Deleted,
    Kept,
}

impl ReleasePreview {
    /// Takes in what was found out about the release's objects.
    pub fn compare(&mut self, compared: &[Compared], key: &Key) {
        for one in compared {
            match one.preview(key) {
                Some(object) => self.objects.push(object),
                None => self.unchanged += 1,
            }
            self.restarts.extend(one.restart());
        }
        let any = |change| self.objects.iter().any(|it| it.change == change);
        // What another manager keeps stays so, as long as helm has nothing to bring.
        let stays = self.applied && any(Change::Fail) && !any(Change::Create);
        self.action = match self.action {
            Action::Upgrade if self.objects.is_empty() || stays => Action::Unchanged,
            _ if any(Change::Fail) => Action::Fail,
            action => action,
        };
        if self.applied && self.action == Action::Unchanged {
            // helm is not started.
            self.hooks.clear();
            self.commands.clear();
        }
    }
}

impl Preview {
    pub fn changes_something(&self) -> bool {
        self.releases
            .iter()
            .any(|release| release.action != Action::Unchanged)
    }

    pub fn fails(&self) -> bool {
        self.releases
            .iter()
            .any(|release| release.action == Action::Fail)
    }
}

impl Compared {
    /// None where nothing changes.
    fn preview(&self, key: &Key) -> Option<ObjectPreview> {
        let (change, fields, why) = match (&self.before, &self.after) {
            (_, After::Refused(why)) => (Change::Fail, Vec::new(), Some(why.clone())),
            (None, After::Deleted | After::Kept) => return None,
            (Some(_), After::Deleted) => (Change::Delete, Vec::new(), None),
            (Some(_), After::Kept) => (Change::Keep, Vec::new(), None),
            (_, After::New) | (None, After::Is(_)) => (Change::Create, Vec::new(), None),
            (Some(before), After::Is(after)) => {
                let fields =
                    diff::fields(&secret::masked(before, key), &secret::masked(after, key));
                if fields.is_empty() {
                    return None;
                }
                (Change::Change, fields, None)
            }
        };
        Some(ObjectPreview {
            object: self.object.clone(),
            namespace: self.namespace.clone(),
            change,
            fields,
            why,
        })
    }

    /// The pods of a workload whose template changes are made anew.
    fn restart(&self) -> Option<Restart> {
        let (Some(before), After::Is(after)) = (&self.before, &self.after) else {
            return None;
        };
        let is_workload = ["Deployment", "StatefulSet", "DaemonSet"]
            .iter()
            .any(|kind| after["kind"] == *kind);
        let template = "/spec/template";
        if !is_workload || before.pointer(template) == after.pointer(template) {
            return None;
        }
        let pods = match after["kind"] == "DaemonSet" {
            true => &after["status"]["desiredNumberScheduled"],
            false => &after["spec"]["replicas"],
        };
        Some(Restart {
            object: self.object.clone(),
            pods: pods.as_u64().unwrap_or(1),
        })
    }
}

#[cfg(test)]
mod tests;
