//! A plan that is kept in a file, to be carried out only if nothing has moved since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{After, Compared, Orphan};
use crate::keyed::{Digest, Key};
use crate::manifest::Field;
use crate::names::{Namespace, ReleaseId, StackName};

/// The shape that is written; a reader refuses another.
const SCHEMA: u32 = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    schema: u32,
    pub stack: StackName,
    pub namespace: Namespace,
    pub context: String,
    /// Releases that were asked for; none stands for all.
    pub selected: Vec<ReleaseId>,
    pub only: bool,
    pub key: Key,
    pub releases: Vec<SavedRelease>,
    /// Releases of the stack that the profile did not name any more.
    pub orphans: Vec<Orphan>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRelease {
    pub id: ReleaseId,
    /// Of the chart, its values and all else that goes into it, whatever becomes of them: `up` lets helm
    /// at a release when it is another.
    pub sources: String,
    /// Of what helm renders; of a chart that may render differently each time, of the commands alone.
    pub inputs: Digest,
    /// Of such a chart, the digests of all fields that are the same each time, by digests of their
    /// names; and of the others, what they have in common.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub same: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub varying: BTreeMap<String, String>,
    /// Of what is in the cluster: the last revision, as [`Base`] has it, and the objects.
    pub cluster: Digest,
}

/// What a release goes on from. It stays the same while `up` puts right what an earlier helm has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// The one that helm would make.
    pub revision: u32,
    /// The one before it failed, or is pending and is taken to have failed.
    pub is_unfinished: bool,
}

/// What helm renders for a release.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    pub text: String,
    /// In the place of the text, of a chart that may render differently each time.
    pub fields: BTreeMap<String, Field>,
}

/// A release that is not as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    Inputs(ReleaseId),
    Cluster(ReleaseId),
    /// It was not in the plan, or is not in the profile any more.
    Release(ReleaseId),
}

impl Saved {
    pub fn new(
        stack: StackName,
        namespace: Namespace,
        context: String,
        (selected, only): (Vec<ReleaseId>, bool),
        key: Key,
    ) -> Saved {
        Saved {
            schema: SCHEMA,
            stack,
            namespace,
            context,
            selected,
            only,
            key,
            releases: Vec::new(),
            orphans: Vec::new(),
        }
    }

    /// # Errors
    /// Why this is no plan that can be carried out.
    pub fn read(text: &str) -> Result<Saved, String> {
        let saved: Saved = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match saved.schema {
            SCHEMA => Ok(saved),
            other => Err(format!(
                "it is of schema {other}, this stackctl reads {SCHEMA}"
            )),
        }
    }

    /// Takes in what a release is made of, and what there is of it in the cluster.
    pub fn add(
        &mut self,
        id: &ReleaseId,
        rendered: &Rendered,
        sources: String,
        (base, compared): (Base, &[Compared]),
    ) {
        let before: Vec<Value> = compared
            .iter()
            .map(|one| steady(one.before.as_ref()))
            .collect();
        let deleted = compared
            .iter()
            .filter(|one| one.after == After::Deleted)
            .count();
        let cluster = serde_json::json!([base.revision, base.is_unfinished, before, deleted]);
        let cluster = cluster.to_string();
        let short = |text: &str| self.key.digest(text.as_bytes()).short().to_owned();
        let (mut same, mut varying) = (BTreeMap::new(), BTreeMap::new());
        for (name, field) in &rendered.fields {
            match field {
                Field::Same(value) => same.insert(short(name), short(&value.to_string())),
                Field::Varies(common) => varying.insert(short(name), short(common)),
            };
        }
        self.releases.push(SavedRelease {
            id: id.clone(),
            sources,
            inputs: self.key.digest(rendered.text.as_bytes()),
            same,
            varying,
            cluster: self.key.digest(cluster.as_bytes()),
        });
    }

    /// What has moved between this plan and one that was made just now with the same key.
    pub fn moved(&self, now: &Saved) -> Vec<Moved> {
        let find =
            |all: &[SavedRelease], id: &ReleaseId| all.iter().find(|it| it.id == *id).cloned();
        let mut moved = Vec::new();
        for then in &self.releases {
            match find(&now.releases, &then.id) {
                None => moved.push(Moved::Release(then.id.clone())),
                Some(it) if !then.is_made_as(&it) => moved.push(Moved::Inputs(it.id)),
                Some(it) if it.cluster != then.cluster => moved.push(Moved::Cluster(it.id)),
                Some(_) => {}
            }
        }
        let new = now
            .releases
            .iter()
            .filter(|it| find(&self.releases, &it.id).is_none());
        moved.extend(new.map(|it| Moved::Release(it.id.clone())));
        moved
    }

    /// Orphans of this moment that this plan does not tell of.
    pub fn untold<'a>(&self, now: &'a Saved) -> Vec<&'a Orphan> {
        let orphans = now.orphans.iter();
        orphans.filter(|it| !self.orphans.contains(it)).collect()
    }
}

impl SavedRelease {
    /// A field that varies may be the same twice by chance: it counts where it does so both times, or
    /// neither time.
    fn is_made_as(&self, other: &SavedRelease) -> bool {
        let agree = |one: &SavedRelease, other: &SavedRelease| {
            let same = one.same.iter().all(|(name, value)| {
                other.varying.contains_key(name) || other.same.get(name) == Some(value)
            });
            let varying = one.varying.iter().all(|(name, common)| {
                let now = other.varying.get(name);
                now.is_none_or(|now| now == common)
            });
            same && varying
        };
        self.sources == other.sources
            && self.inputs == other.inputs
            && agree(self, other)
            && agree(other, self)
    }
}

/// An object without what changes while nobody changes it. A Job that goes by itself once it has
/// ended is as good as gone.
fn steady(object: Option<&Value>) -> Value {
    let goes = |object: &&Value| {
        object["kind"] == "Job" && !object["spec"]["ttlSecondsAfterFinished"].is_null()
    };
    let mut object = object.filter(|it| !goes(it)).cloned().unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for key in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(key);
        }
    }
    object
}
