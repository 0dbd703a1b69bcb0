//! What an `up` would change, told without doing it.
//!
//! The room owns the comparison: what is there, and what the API server says would be there. `look`
//! asks helm and the cluster, everything else is pure. No value of a Secret leaves it: they are told
//! by keyed digests.

mod crds;
mod definitions;
mod diff;
mod leftover;
mod look;
mod moving;
mod needs;
mod objects;
mod saved;
mod secret;
mod standing;
mod text;

pub use diff::Field;
pub use look::{LookError, Looked, Request, look};
pub use saved::{Base, Moved, Rendered, Saved};
pub use text::text;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::keyed::Key;
use crate::manifest::Varying;
use crate::mask;
use crate::names::{Namespace, ReleaseId, ReleaseName, StackName};
#[cfg(doc)]
use crate::snapshot::ObjectRef;

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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Those of them that are other than in the last revision that was deployed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed_hooks: Vec<String>,
    /// Commands of the profile that would run, `before: the command `./backup.sh``.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// Workloads whose pods are made anew, with the number of pods.
    pub restarts: Vec<Restart>,
    /// What the chart renders differently each time, so that an upgrade brings something else than
    /// this plan shows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub varying: Vec<Varying>,
    /// What this does not show, or helm does not do, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// It was applied with the very inputs of now.
    #[serde(skip)]
    pub applied: Option<Applied>,
    /// What an earlier helm has left: `revision 1 failed: `up` takes it up again`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_behind: Option<String>,
    /// Why helm would not even begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What helps then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// A revision that was made of the very inputs of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub revision: u32,
    /// It was seen ready.
    pub verified: bool,
    /// Commands of the profile that would run though helm would not.
    pub commands: Vec<String>,
}

/// What becomes of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Install,
    Upgrade,
    /// helm is not started.
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
    /// What is to be known of it beside: `its kind comes with strimzi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
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
    pub api_version: String,
    pub kind: String,
    pub namespace: Option<String>,
    pub before: Option<Value>,
    pub after: After,
    /// What is to be known of it beside.
    pub note: Option<String>,
    /// See [`ObjectRef::may_go_once_ready`].
    pub may_go_once_ready: bool,
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
        let known = mask::known();
        let verified = self.applied.as_ref().is_some_and(|it| it.verified);
        // What is no reason to start helm, though helm would make it again.
        let mut gone = Vec::new();
        for one in compared {
            match one.preview(key) {
                Some(mut object) => {
                    secret::hide(&mut object.fields, key, &known);
                    if verified && one.has_gone() {
                        gone.push(self.objects.len());
                    }
                    self.objects.push(object);
                }
                None => self.unchanged += 1,
            }
            self.restarts.extend(one.restart());
        }
        let reasons = self.objects.iter().enumerate();
        let reasons = reasons.filter(|(at, _)| !gone.contains(at));
        let reasons: Vec<Change> = reasons.map(|(_, it)| it.change).collect();
        // What another manager keeps stays so, as long as helm has nothing to bring.
        let stays = reasons.is_empty()
            || reasons.contains(&Change::Fail) && !reasons.contains(&Change::Create);
        let applied = self.applied.as_ref().filter(|_| stays);
        match (self.action, applied) {
            (Action::Upgrade, Some(applied)) => {
                self.action = Action::Unchanged;
                self.commands.clone_from(&applied.commands);
                self.hooks.clear();
                let mut places = 0..;
                self.objects
                    .retain(|_| places.next().is_none_or(|at| !gone.contains(&at)));
            }
            _ if reasons.contains(&Change::Fail) => self.action = Action::Fail,
            _ => {}
        }
    }
}

impl Preview {
    /// `up` would start a helm, or a command of the profile.
    pub fn changes_something(&self) -> bool {
        self.releases
            .iter()
            .any(|release| release.action != Action::Unchanged || !release.commands.is_empty())
    }

    pub fn fails(&self) -> bool {
        self.releases
            .iter()
            .any(|release| release.action == Action::Fail)
    }
}

impl Compared {
    fn objects(&self) -> impl Iterator<Item = &Value> {
        let after = match &self.after {
            After::Is(after) => Some(after),
            After::Refused(_) | After::New | After::Deleted | After::Kept => None,
        };
        self.before.iter().chain(after)
    }

    fn is_created(&self) -> bool {
        self.before.is_none() && matches!(self.after, After::Is(_) | After::New)
    }

    /// It was there when the release was ready, and may be away since.
    fn has_gone(&self) -> bool {
        self.may_go_once_ready && self.is_created()
    }

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
            note: self.note.clone(),
        })
    }

    /// The pods of a workload whose template changes are made anew, but for those that wait until
    /// somebody deletes them or its `partition` comes to them.
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
        let (spec, strategy) = (&after["spec"], &after["spec"]["updateStrategy"]);
        if strategy["type"] == "OnDelete" || spec["paused"] == true {
            return None;
        }
        let pods = match after["kind"] == "DaemonSet" {
            true => &after["status"]["desiredNumberScheduled"],
            false => &spec["replicas"],
        };
        let partition = strategy["rollingUpdate"]["partition"].as_u64();
        let pods = pods.as_u64().unwrap_or(1);
        let pods = pods.saturating_sub(partition.unwrap_or(0));
        (pods > 0 || partition.is_none()).then(|| Restart {
            object: self.object.clone(),
            pods,
        })
    }
}

#[cfg(test)]
mod tests;
