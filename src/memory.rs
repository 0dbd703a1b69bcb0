//! What the cluster remembers of a stack between runs: the graph, what each release consisted of
//! when it was last seen ready, the sets that were verified together, and the last runs. The
//! releases themselves are the truth: what is remembered wrongly, or not at all, makes a run do
//! more, never less.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{EventKind, Holder, Outcome};
use crate::keyed::Key;
use crate::names::{Namespace, ReleaseId, ReleaseName, RunId, StackName};
use crate::plan::{Plan, Step};
use crate::snapshot::Surveyed;

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
    pub releases: Vec<StackRelease>,
    /// Releases that the profile named once and that are still there, for the order of their removal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<StackRelease>,
    /// What was verified together, the oldest first, each unlike the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<VerifiedSet>,
    /// The last runs, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// A revision that was seen ready, and what it consisted of then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub revision: u32,
    pub objects: Vec<Surveyed>,
}

/// Revisions that were ready together at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedSet {
    pub run: RunId,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub releases: BTreeMap<ReleaseId, u32>,
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
    pub releases: Vec<EndedRelease>,
    /// Every release was ready at the end, be it at a revision that it went back to.
    #[serde(default)]
    pub together: bool,
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
    Removed,
}

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoWayBack {
    Nothing,
    /// It has not verified everything together; these have, the newest first.
    Unknown(Vec<RunId>),
}

impl ReleaseEnd {
    /// The end that an event seals.
    pub fn of(event: &EventKind) -> Option<ReleaseEnd> {
        match event {
            EventKind::ReleaseReady { .. } => Some(ReleaseEnd::Ready),
            EventKind::ReleaseFailed { .. } => Some(ReleaseEnd::Failed),
            EventKind::ReleaseBlocked { .. } => Some(ReleaseEnd::Blocked),
            EventKind::ReleaseCancelled { .. } => Some(ReleaseEnd::Cancelled),
            EventKind::ReleaseRemoved { .. } => Some(ReleaseEnd::Removed),
            _ => None,
        }
    }
}

impl StackRecord {
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
                verified: before.and_then(|before| before.verified.clone()),
            }
        };
        self.releases = whole.steps().iter().map(release).collect();
        self.orphans = orphans;
    }

    pub fn release(&self, id: &ReleaseId) -> Option<&StackRelease> {
        self.releases.iter().find(|release| release.id == *id)
    }

    /// The set to go back to: that of a run, else the newest that is not what there is. `now` holds
    /// the last revision of each release that there is and that can go back.
    ///
    /// # Errors
    /// Nothing was ever verified together, or not in that run.
    pub fn way_back(
        &self,
        now: &BTreeMap<ReleaseId, u32>,
        to: Option<&str>,
    ) -> Result<&VerifiedSet, NoWayBack> {
        let mut newest_first = self.sets.iter().rev();
        match to {
            Some(run) => {
                let found = newest_first.find(|set| set.run.as_str() == run);
                let known = || self.sets.iter().rev().map(|set| set.run.clone()).collect();
                found.ok_or_else(|| NoWayBack::Unknown(known()))
            }
            None => {
                let is_other = |set: &&VerifiedSet| {
                    let mut all = set.releases.iter();
                    all.any(|(id, revision)| now.get(id).is_some_and(|now| now != revision))
                };
                newest_first.find(is_other).ok_or(NoWayBack::Nothing)
            }
        }
    }

    /// Takes note of a run that begins. The oldest is forgotten.
    pub fn begin(&mut self, by: Holder) {
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
            if is_removed {
                // helm counts anew if it comes again.
                self.sets
                    .retain(|set| !set.releases.contains_key(&ended.id));
            }
        }
        for (id, verified) in verified {
            let mut releases = self.releases.iter_mut();
            if let Some(release) = releases.find(|release| release.id == id) {
                release.verified = Some(verified);
            }
        }
        if end.together {
            self.keep_set(run, end.at);
        }
        let mut runs = self.runs.iter_mut();
        if let Some(past) = runs.find(|past| past.by.run == *run) {
            past.end = Some(end);
        }
    }

    /// What is verified now has been so together, unless something of the stack never was.
    fn keep_set(&mut self, run: &RunId, at: Timestamp) {
        let revision = |release: &StackRelease| {
            let verified = release.verified.as_ref()?;
            Some((release.id.clone(), verified.revision))
        };
        let Some(releases) = self.releases.iter().map(revision).collect() else {
            return;
        };
        if self.sets.last().is_some_and(|set| set.releases == releases) {
            return;
        }
        let past = self.runs.iter().find(|past| past.by.run == *run);
        self.sets.push(VerifiedSet {
            run: run.clone(),
            at,
            commit: past.and_then(|past| past.by.commit.clone()),
            releases,
        });
        let surplus = self.sets.len().saturating_sub(SETS);
        self.sets.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Verb;
    use crate::plan::Leftover;

    fn id(text: &str) -> ReleaseId {
        text.parse().unwrap()
    }

    fn record() -> StackRecord {
        let (stack, namespace) = ("shop".parse().unwrap(), "shop".parse().unwrap());
        let mut record = StackRecord::new(stack, namespace, "shop.yaml");
        for name in ["api", "web"] {
            record.releases.push(StackRelease {
                id: id(name),
                release: name.parse().unwrap(),
                namespace: "shop".parse().unwrap(),
                chart: String::new(),
                needs: Vec::new(),
                verified: None,
            });
        }
        record
    }

    /// A run that has brought these up.
    fn run(record: &mut StackRecord, name: &str, outcome: Outcome, ready: &[(&str, u32)]) {
        let run = RunId::foreign(name);
        let mut by = Holder::unknown(run.clone(), Timestamp::UNIX_EPOCH);
        by.verb = Verb::Up;
        record.begin(by);
        let end = RunEnd {
            at: Timestamp::UNIX_EPOCH,
            outcome,
            releases: Vec::new(),
            together: outcome == Outcome::Ready,
        };
        let verified = ready.iter().map(|(name, revision)| {
            let verified = Verified {
                revision: *revision,
                objects: Vec::new(),
            };
            (id(name), verified)
        });
        record.end(&run, end, verified.collect());
    }

    fn now(api: u32, web: u32) -> BTreeMap<ReleaseId, u32> {
        [(id("api"), api), (id("web"), web)].into()
    }

    #[test]
    fn only_what_was_ready_together_is_a_way_back() {
        let mut record = record();
        run(&mut record, "1", Outcome::Ready, &[("api", 1)]);
        assert_eq!(record.way_back(&now(1, 1), None), Err(NoWayBack::Nothing));
        run(&mut record, "2", Outcome::Ready, &[("web", 1)]);
        run(&mut record, "3", Outcome::Ready, &[]);
        run(&mut record, "4", Outcome::Failed, &[("api", 2)]);
        let runs: Vec<&str> = record.sets.iter().map(|set| set.run.as_str()).collect();
        assert_eq!(runs, ["2"], "the third changed nothing, the fourth failed");
        let back = record.way_back(&now(2, 2), None).unwrap();
        assert_eq!(back.releases, now(1, 1));
        assert_eq!(record.way_back(&now(1, 1), None), Err(NoWayBack::Nothing));
    }

    #[test]
    fn a_release_of_another_name_or_place_is_another() {
        let mut record = record();
        run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
        let leftover = |name: &str, release: &str, namespace: &str| Leftover {
            id: id(name),
            release: release.parse().unwrap(),
            namespace: namespace.parse().unwrap(),
            needs: Vec::new(),
        };
        let (stack, namespace) = (record.stack.clone(), record.namespace.clone());
        let all = [
            leftover("api", "api-v2", "shop"),
            leftover("web", "web", "shop"),
        ];
        let plan = Plan::of_leftovers(stack, namespace, &all);
        record.take_in("shop.yaml", &plan, &HashMap::new());
        let verified = |name: &str| record.release(&id(name)).unwrap().verified.is_some();
        assert!(!verified("api") && verified("web"));
        let orphans = record.orphans.iter().map(|it| it.release.as_str());
        assert_eq!(orphans.collect::<Vec<_>>(), ["api"]);
    }

    #[test]
    fn a_revision_that_failed_takes_the_place_of_the_one_that_was_ready() {
        let mut record = record();
        run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
        let ended = |name: &str, revision, end| EndedRelease {
            id: id(name),
            revision,
            end,
        };
        let end = |releases| RunEnd {
            at: Timestamp::UNIX_EPOCH,
            outcome: Outcome::Failed,
            releases,
            together: false,
        };
        let failed = |revision| end(vec![ended("api", revision, ReleaseEnd::Failed)]);
        record.end(&RunId::foreign("2"), failed(None), Vec::new());
        assert!(record.release(&id("api")).unwrap().verified.is_some());
        record.end(&RunId::foreign("3"), failed(Some(2)), Vec::new());
        assert!(record.release(&id("api")).unwrap().verified.is_none());
        run(&mut record, "4", Outcome::Ready, &[("web", 2)]);
        assert_eq!(record.sets.len(), 1, "api was not ready at revision 2");
        let removed = end(vec![ended("web", None, ReleaseEnd::Removed)]);
        record.end(&RunId::foreign("5"), removed, Vec::new());
        assert!(record.sets.is_empty(), "helm counts anew");
    }

    #[test]
    fn a_run_may_be_named() {
        let mut record = record();
        run(&mut record, "1", Outcome::Ready, &[("api", 1), ("web", 1)]);
        run(&mut record, "2", Outcome::Ready, &[("api", 2)]);
        run(&mut record, "3", Outcome::Ready, &[("web", 2)]);
        let back = |to| record.way_back(&now(2, 2), to).map(|set| set.run.as_str());
        assert_eq!(back(None), Ok("2"));
        assert_eq!(back(Some("1")), Ok("1"));
        let known = ["3", "2", "1"].map(RunId::foreign).to_vec();
        assert_eq!(back(Some("9")), Err(NoWayBack::Unknown(known)));
    }

    #[test]
    fn old_runs_and_sets_are_forgotten() {
        let mut record = record();
        for revision in 1..40 {
            let ready = [("api", revision), ("web", 1)];
            run(&mut record, &revision.to_string(), Outcome::Ready, &ready);
        }
        assert_eq!((record.runs.len(), record.sets.len()), (RUNS, SETS));
        assert_eq!(record.sets[0].run.as_str(), "30");
    }
}
