//! What the cluster remembers of a stack between runs: the graph, what each release consisted of
//! when it was last seen ready, the sets that were verified together, and the last runs. The
//! releases themselves are the truth: what is remembered wrongly, or not at all, makes a run do
//! more, never less.

mod document;
#[cfg(test)]
mod tests;
mod way_back;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{EventKind, Holder, Outcome, Verb};
use crate::keyed::Key;
use crate::names::{Namespace, ReleaseId, ReleaseName, RunId, StackName};
use crate::plan::{Plan, Rollback, Step};
use crate::snapshot::{LastingHook, Remaining, StackId, Surveyed, Uid};

use document::readable;
pub use document::{Document, Unreadable};
pub use way_back::{NoWayBack, Obstacle, Present, Unreachable, WayBack, Why};

/// The shape that is written; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;
/// Runs that are remembered.
const RUNS: usize = 20;
/// Sets of revisions that are remembered.
const SETS: usize = 10;

/// What the cluster remembers of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackRecord {
    pub schema: u32,
    pub stack: StackName,
    pub namespace: Namespace,
    /// The profile's file name, without its folder.
    pub profile: String,
    /// Of the digests of what goes into the releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    #[serde(deserialize_with = "readable")]
    pub releases: Vec<StackRelease>,
    /// Releases that the profile named once and that are still there, for the order of their removal.
    #[serde(
        default,
        deserialize_with = "readable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub orphans: Vec<StackRelease>,
    /// What was verified together, the oldest first, each unlike the one before.
    #[serde(
        default,
        deserialize_with = "readable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub sets: Vec<VerifiedSet>,
    /// What a rollback has begun to go back to, until that is verified or an `up` follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<VerifiedSet>,
    #[serde(
        default,
        deserialize_with = "readable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub left: Vec<Left>,
    /// The last runs, the oldest first.
    #[serde(
        default,
        deserialize_with = "readable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub runs: Vec<PastRun>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackRelease {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    /// Name and version, `php-fpm-0.3.0`.
    pub chart: String,
    pub needs: Vec<ReleaseId>,
    /// The profile says that it can't go back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// A revision that was seen ready, and what it consisted of then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub revision: u32,
    /// helm's record of it. None where an earlier version has written this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Uid>,
    pub objects: Vec<Surveyed>,
    /// Objects that hooks have made and that were there, or that helm had deleted by mistake.
    #[serde(
        default,
        deserialize_with = "readable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub hooks: Vec<LastingHook>,
}

/// Revisions that were ready together at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedSet {
    pub run: RunId,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub releases: BTreeMap<ReleaseId, u32>,
    /// Which releases these were. Nothing is known of that where an earlier version has written this.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<ReleaseId, Identity>,
    /// A rollback has gone away from it, or its revisions were made again by one: it is a way back
    /// only for whoever names it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
}

/// Which release stood behind an id, and which record of helm's behind its revision: helm counts anew
/// when a release is installed anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub release: ReleaseName,
    pub namespace: Namespace,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Uid>,
}

/// What removals have left of a release that is gone, and what a later one takes away that is to take
/// volumes too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub release: ReleaseName,
    pub namespace: Namespace,
    #[serde(deserialize_with = "readable")]
    pub objects: Vec<Remaining>,
}

impl Left {
    pub fn is_of(&self, release: &ReleaseName, namespace: &Namespace) -> bool {
        self.release == *release && self.namespace == *namespace
    }

    /// What of all that is of one release.
    pub fn of(all: &[Left], release: &ReleaseName, namespace: &Namespace) -> Vec<Remaining> {
        let own = all.iter().filter(|it| it.is_of(release, namespace));
        own.flat_map(|it| it.objects.iter().cloned()).collect()
    }
}

/// A run, as `history` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    pub by: Holder,
    /// None for a run that was killed, or is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RunEnd>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    pub at: Timestamp,
    pub outcome: Outcome,
    #[serde(deserialize_with = "readable")]
    pub releases: Vec<EndedRelease>,
    /// Every release was ready at the end, be it at a revision that it went back to.
    #[serde(default)]
    pub together: bool,
    /// It had failed before, and this is how all was after it went back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<WentBack>,
}

/// That a run which had failed went back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentBack {
    /// To what this run had verified.
    pub to: RunId,
    /// What had failed before.
    pub failed: Vec<ReleaseId>,
}

/// What became of a release in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedRelease {
    pub id: ReleaseId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    pub end: ReleaseEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseEnd {
    Ready,
    /// Ready without helm: it was as it is to be.
    Unchanged,
    Failed,
    Blocked,
    Cancelled,
    /// It was cancelled before its turn.
    NotStarted,
    Removed,
}

impl ReleaseEnd {
    /// The end that an event seals, of a release that had begun by then or not.
    pub fn of(event: &EventKind, had_begun: bool) -> Option<ReleaseEnd> {
        match event {
            EventKind::ReleaseReady { .. } => Some(ReleaseEnd::Ready),
            EventKind::ReleaseFailed { .. } => Some(ReleaseEnd::Failed),
            EventKind::ReleaseBlocked { .. } => Some(ReleaseEnd::Blocked),
            EventKind::ReleaseCancelled { .. } if !had_begun => Some(ReleaseEnd::NotStarted),
            EventKind::ReleaseCancelled { .. } => Some(ReleaseEnd::Cancelled),
            EventKind::ReleaseRemoved { .. } => Some(ReleaseEnd::Removed),
            _ => None,
        }
    }
}

impl StackRecord {
    /// Of a stack of which nothing is remembered.
    pub fn empty(stack: &StackName, namespace: &Namespace) -> StackRecord {
        StackRecord::new(stack.clone(), namespace.clone(), "")
    }

    /// A record of the present shape, without releases.
    pub fn new(stack: StackName, namespace: Namespace, profile: &str) -> StackRecord {
        StackRecord {
            schema: SCHEMA,
            stack,
            namespace,
            profile: profile.to_owned(),
            key: None,
            releases: Vec::new(),
            orphans: Vec::new(),
            sets: Vec::new(),
            target: None,
            left: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Takes in what a profile says now: `whole` is the plan of all that it names, `charts` are the
    /// names and versions of those that have been looked at. What it names no more is an orphan.
    pub fn take_in(&mut self, profile: &str, whole: &Plan, charts: &HashMap<ReleaseId, String>) {
        profile.clone_into(&mut self.profile);
        let is_orphan = |it: &&StackRelease| !whole.has(it.namespace.as_str(), it.release.as_str());
        let before = self.releases.iter().chain(&self.orphans);
        let orphans = before.filter(is_orphan).cloned().collect();
        let id = |&need: &usize| whole.steps()[need].id.clone();
        let release = |step: &Step| {
            let before = self.release(&step.id);
            // Under another name, or elsewhere, it is another release.
            let before =
                before.filter(|it| it.release == step.release && it.namespace == step.namespace);
            let chart = charts.get(&step.id);
            let chart = chart.or_else(|| before.map(|before| &before.chart));
            StackRelease {
                id: step.id.clone(),
                release: step.release.clone(),
                namespace: step.namespace.clone(),
                chart: chart.cloned().unwrap_or_default(),
                needs: step.needs.iter().map(id).collect(),
                forward_only: step.rollback == Rollback::ForwardOnly,
                verified: before.and_then(|before| before.verified.clone()),
            }
        };
        self.releases = whole.steps().iter().map(release).collect();
        self.orphans = orphans;
    }

    /// By which the stack is known in helm's records.
    pub fn id(&self) -> StackId {
        let all = self.releases.iter().chain(&self.orphans);
        StackId {
            listed: all
                .map(|it| (it.namespace.clone(), it.release.clone()))
                .collect(),
            ..StackId::new(self.stack.clone(), self.namespace.clone())
        }
    }

    pub fn release(&self, id: &ReleaseId) -> Option<&StackRelease> {
        self.releases.iter().find(|release| release.id == *id)
    }

    /// Nothing of it is there but what a removal has left.
    pub fn is_gone(&self) -> bool {
        self.releases.is_empty()
    }

    /// Takes note of what has been left of releases; nothing more is, where that is nothing.
    pub fn leave(&mut self, left: &[Left]) {
        let is_new = |it: &Left| left.iter().any(|new| new.is_of(&it.release, &it.namespace));
        self.left.retain(|known| !is_new(known));
        let some = left.iter().filter(|it| !it.objects.is_empty());
        self.left.extend(some.cloned());
    }

    /// What is remembered of a stack that is gone: what has been left of it.
    pub fn remains(&self) -> StackRecord {
        let (stack, namespace) = (self.stack.clone(), self.namespace.clone());
        StackRecord {
            left: self.left.clone(),
            ..StackRecord::new(stack, namespace, &self.profile)
        }
    }

    /// The newest set that no rollback has gone away from.
    pub fn newest_set(&self) -> Option<&VerifiedSet> {
        self.sets.iter().rev().find(|set| !set.left)
    }

    /// Takes note of what a rollback is going back to: the same for whoever takes it up again.
    pub fn go_back(&mut self, to: &VerifiedSet) {
        let newer = self.sets.iter_mut().rev();
        for set in newer.take_while(|set| set.run != to.run) {
            set.left = true;
        }
        self.target = Some(to.clone());
    }

    /// Forgets of the largest release what it consisted of, so that it is looked at again. Returns
    /// which that was, None where nothing of that kind is left.
    pub fn forget_largest(&mut self) -> Option<ReleaseId> {
        let size = |it: &&mut StackRelease| it.verified.as_ref().map_or(0, |it| it.objects.len());
        let largest = self.releases.iter_mut().max_by_key(size)?;
        largest.verified.take()?;
        Some(largest.id.clone())
    }

    /// Takes note of a run that begins. The oldest is forgotten.
    pub fn begin(&mut self, by: Holder) {
        if by.verb == Verb::Up {
            self.target = None;
        }
        // A write whose answer was lost is made once more.
        self.runs.retain(|past| past.by.run != by.run);
        self.runs.push(PastRun { by, end: None });
        let surplus = self.runs.len().saturating_sub(RUNS);
        self.runs.drain(..surplus);
    }

    /// Takes note of the end of the run of this name, and of the revisions that it has verified.
    pub fn end(&mut self, run: &RunId, end: RunEnd, verified: Vec<(ReleaseId, Verified)>) {
        for ended in &end.releases {
            let is_removed = ended.end == ReleaseEnd::Removed;
            let mut releases = self.releases.iter_mut();
            let Some(release) = releases.find(|release| release.id == ended.id) else {
                continue;
            };
            let known = release.verified.as_ref().map(|known| known.revision);
            if is_removed || ended.revision.is_some_and(|now| known != Some(now)) {
                release.verified = None;
            }
        }
        let removed = end.releases.iter();
        for ended in removed.filter(|it| it.end == ReleaseEnd::Removed) {
            // helm counts anew if it comes again.
            self.sets
                .retain(|set| !set.releases.contains_key(&ended.id) || set.knows(&ended.id));
            self.target
                .take_if(|set| set.releases.contains_key(&ended.id));
        }
        for (id, verified) in verified {
            let mut releases = self.releases.iter_mut();
            if let Some(release) = releases.find(|release| release.id == id) {
                release.verified = Some(verified);
            }
        }
        let target = match end.outcome {
            Outcome::Ready => self.target.take().map(|target| target.run),
            _ => None,
        };
        let back = end.back.as_ref().filter(|_| end.together);
        if let Some(target) = target.or_else(|| back.map(|back| back.to.clone())) {
            // What there is now has been made from it.
            let mut sets = self.sets.iter_mut();
            if let Some(set) = sets.find(|set| set.run == target) {
                set.left = true;
            }
        }
        if end.together {
            self.keep_set(run, end.at);
        }
        self.close(run, end);
    }

    /// Takes note of the end of a run that had lost the stack by then: all else is the word of those
    /// that came after it.
    pub fn close(&mut self, run: &RunId, end: RunEnd) {
        let mut runs = self.runs.iter_mut();
        if let Some(past) = runs.find(|past| past.by.run == *run) {
            past.end = Some(end);
        }
    }

    /// Takes note of which record of helm's stands behind a revision that was verified before that was
    /// written down.
    pub fn identify(&mut self, id: &ReleaseId, revision: u32, record: &Uid) {
        let mut releases = self.releases.iter_mut();
        let release = releases.find(|release| release.id == *id);
        let verified = release.and_then(|release| release.verified.as_mut());
        if let Some(verified) = verified.filter(|it| it.revision == revision) {
            verified.record.get_or_insert_with(|| record.clone());
        }
    }

    /// What is verified now has been so together, unless something of the stack never was.
    fn keep_set(&mut self, run: &RunId, at: Timestamp) {
        let (mut releases, mut identities) = (BTreeMap::new(), BTreeMap::new());
        for release in &self.releases {
            let Some(verified) = &release.verified else {
                return;
            };
            releases.insert(release.id.clone(), verified.revision);
            let identity = Identity {
                release: release.release.clone(),
                namespace: release.namespace.clone(),
                record: verified.record.clone(),
            };
            identities.insert(release.id.clone(), identity);
        }
        if let Some(last) = self.sets.last_mut().filter(|it| it.releases == releases) {
            if last.identities == identities {
                last.left = false;
                return;
            }
            // Of that one less is known.
            if !last.knows_all() {
                self.sets.pop();
            }
        }
        let past = self.runs.iter().find(|past| past.by.run == *run);
        self.sets.push(VerifiedSet {
            run: run.clone(),
            at,
            commit: past.and_then(|past| past.by.commit.clone()),
            releases,
            identities,
            left: false,
        });
        let surplus = self.sets.len().saturating_sub(SETS);
        self.sets.drain(..surplus);
    }
}

impl VerifiedSet {
    /// It is known which record of helm's stood behind the release's revision.
    fn knows(&self, id: &ReleaseId) -> bool {
        let identity = self.identities.get(id);
        identity.is_some_and(|identity| identity.record.is_some())
    }

    fn knows_all(&self) -> bool {
        self.releases.keys().all(|id| self.knows(id))
    }
}
