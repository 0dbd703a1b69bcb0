//! What there is to go back to, and what of it can't be brought back.

use std::collections::BTreeMap;
use std::fmt;

use super::{Identity, StackRecord, StackRelease, VerifiedSet};
use crate::names::{Namespace, ReleaseId, ReleaseName, RunId};
use crate::plan::{Plan, Rollback};
use crate::snapshot::{Record, RecordStatus, StackId};

/// The releases of a stack as they are now.
#[derive(Debug)]
pub struct Present<'a> {
    stack: StackId,
    named: BTreeMap<&'a ReleaseId, Named<'a>>,
    /// All that helm keeps, by namespace and release, the oldest first.
    records: BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Record>>>,
}

/// A release of which the profile says that it is to be there.
#[derive(Debug, Clone, Copy)]
struct Named<'a> {
    release: &'a ReleaseName,
    namespace: &'a Namespace,
    goes_back: bool,
}

/// A set to go back to.
#[derive(Debug, PartialEq, Eq)]
pub struct WayBack<'a> {
    pub set: &'a VerifiedSet,
    /// Newer ones that can't be gone back to.
    pub passed_over: Vec<Unreachable>,
}

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoWayBack {
    Nothing,
    /// It has not verified everything together; these have, the newest first.
    Unknown(Vec<RunId>),
    /// None of these can be brought back, the newest first.
    Unreachable(Vec<Unreachable>),
}

/// A set that can't be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    pub run: RunId,
    pub obstacles: Vec<Obstacle>,
}

/// A release of a set that can't be brought back to where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub release: ReleaseId,
    pub why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Gone,
    /// Its removal has begun.
    Going,
    Unnamed,
    /// It had this name, and was there.
    Elsewhere(ReleaseName, Namespace),
    InstalledAnew,
    /// helm does not keep this revision any more.
    Forgotten(u32),
    /// Another stack has taken it over, this one.
    Taken(String),
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let obstacles: Vec<String> = self.obstacles.iter().map(ToString::to_string).collect();
        let (run, obstacles) = (&self.run, obstacles.join(", "));
        write!(
            f,
            "what run {run} had verified can't be brought back: {obstacles}"
        )
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.release, self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Gone => f.write_str("is gone"),
            Why::Going => f.write_str("is being uninstalled"),
            Why::Unnamed => f.write_str("is no release of the profile any more"),
            Why::Elsewhere(release, namespace) => {
                write!(f, "was release `{release}` in `{namespace}` then")
            }
            Why::InstalledAnew => f.write_str("was installed anew since"),
            Why::Forgotten(revision) => {
                write!(
                    f,
                    "has no revision {revision} any more: helm keeps the last ones only"
                )
            }
            Why::Taken(stack) => write!(f, "is of {stack} now"),
        }
    }
}

impl<'a> Present<'a> {
    /// Of what a profile names, with all that helm keeps where that is, and where the sets were.
    pub fn of_plan(whole: &'a Plan, records: impl IntoIterator<Item = &'a Record>) -> Present<'a> {
        let named = whole.steps().iter().map(|step| {
            let named = Named {
                release: &step.release,
                namespace: &step.namespace,
                goes_back: step.rollback != Rollback::ForwardOnly,
            };
            (&step.id, named)
        });
        let stack = StackId::new(whole.stack.clone(), whole.namespace.clone());
        Present::new(stack, named.collect(), records)
    }

    /// As [`Present::of_plan`], of what the last profile named.
    pub fn of_record(
        stack: &'a StackRecord,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Present<'a> {
        let named = stack.releases.iter().map(|release| {
            let named = Named {
                release: &release.release,
                namespace: &release.namespace,
                goes_back: !release.forward_only,
            };
            (&release.id, named)
        });
        Present::new(stack.id(), named.collect(), records)
    }

    fn new(
        stack: StackId,
        named: BTreeMap<&'a ReleaseId, Named<'a>>,
        all: impl IntoIterator<Item = &'a Record>,
    ) -> Present<'a> {
        let mut records: BTreeMap<_, BTreeMap<_, Vec<&Record>>> = BTreeMap::new();
        for record in all {
            let there = records.entry(record.namespace.as_str()).or_default();
            let revisions = there.entry(record.release.as_str()).or_default();
            revisions.push(record);
        }
        for revisions in records.values_mut().flat_map(BTreeMap::values_mut) {
            revisions.sort_by_key(|record| record.revision);
        }
        Present {
            stack,
            named,
            records,
        }
    }

    fn revisions(&self, release: &ReleaseName, namespace: &Namespace) -> &[&'a Record] {
        let there = self.records.get(namespace.as_str());
        let revisions = there.and_then(|there| there.get(release.as_str()));
        revisions.map_or(&[], Vec::as_slice)
    }

    /// The last revision of a release that the profile names and that is there.
    pub fn last(&self, id: &ReleaseId) -> Option<&'a Record> {
        let named = self.named.get(id)?;
        let last = self.revisions(named.release, named.namespace).last()?;
        (last.status != RecordStatus::Uninstalled).then_some(*last)
    }

    /// The releases of a set that can't be brought back to where they were.
    pub fn obstacles(&self, set: &VerifiedSet) -> Vec<Obstacle> {
        let obstacle = |(id, &revision): (&ReleaseId, &u32)| {
            let why = self.why_not(id, revision, set.identities.get(id))?;
            let release = id.clone();
            Some(Obstacle { release, why })
        };
        set.releases.iter().filter_map(obstacle).collect()
    }

    fn why_not(&self, id: &ReleaseId, revision: u32, then: Option<&Identity>) -> Option<Why> {
        let Some(named) = self.named.get(id) else {
            let stays = then.is_some_and(|then| self.stands_at(then, revision));
            return (!stays).then_some(Why::Unnamed);
        };
        if let Some(then) = then.filter(|_| named.goes_back)
            && (then.release != *named.release || then.namespace != *named.namespace)
        {
            let (release, namespace) = (then.release.clone(), then.namespace.clone());
            return Some(Why::Elsewhere(release, namespace));
        }
        let Some(last) = self.last(id) else {
            return Some(Why::Gone);
        };
        if !named.goes_back {
            return None;
        }
        if last.status == RecordStatus::Uninstalling {
            return Some(Why::Going);
        }
        if let Some(stack) = last.other_owner(&self.stack) {
            return Some(Why::Taken(stack));
        }
        let mut revisions = self.revisions(named.release, named.namespace).iter();
        match revisions.find(|record| record.revision == revision) {
            Some(record) if then.is_some_and(|then| then.is_another(record)) => {
                Some(Why::InstalledAnew)
            }
            Some(_) => None,
            None if last.revision < revision => Some(Why::InstalledAnew),
            None => Some(Why::Forgotten(revision)),
        }
    }

    /// It is there as it was, whoever names it.
    fn stands_at(&self, then: &Identity, revision: u32) -> bool {
        let last = self.revisions(&then.release, &then.namespace).last();
        last.is_some_and(|last| {
            last.status == RecordStatus::Deployed
                && last.revision == revision
                && !then.is_another(last)
        })
    }

    /// All of a set that can go back is where it was.
    fn is_at(&self, set: &VerifiedSet) -> bool {
        let goes_back = |id: &ReleaseId| self.named.get(id).is_some_and(|named| named.goes_back);
        let mut all = set.releases.iter().filter(|(id, _)| goes_back(id));
        all.all(|(id, &revision)| self.last(id).is_some_and(|last| last.revision == revision))
    }

    /// What was verified of a release is what there is.
    pub fn is_verified(&self, release: &StackRelease) -> bool {
        let last = self.revisions(&release.release, &release.namespace).last();
        match (last, &release.verified) {
            (Some(last), Some(verified)) => {
                last.is_verified()
                    && last.revision == verified.revision
                    && verified.record.as_ref().is_none_or(|it| *it == last.uid)
            }
            _ => false,
        }
    }
}

impl Identity {
    fn is_another(&self, record: &Record) -> bool {
        self.record
            .as_ref()
            .is_some_and(|known| *known != record.uid)
    }
}

impl StackRecord {
    /// The set to go back to: that of a run, else that of the rollback that has begun, else the newest
    /// that can be brought back, is not what there is, and that no rollback has gone away from.
    ///
    /// # Errors
    /// Nothing was ever verified together, or not in that run, or it can't be brought back.
    pub fn way_back(&self, now: &Present<'_>, to: Option<&str>) -> Result<WayBack<'_>, NoWayBack> {
        let mut newest_first = self.sets.iter().rev();
        let set = match to {
            Some(run) => {
                let found = newest_first.find(|set| set.run.as_str() == run);
                let known = || self.sets.iter().rev().map(|set| set.run.clone()).collect();
                found.ok_or_else(|| NoWayBack::Unknown(known()))?
            }
            None => match &self.target {
                Some(target) => target,
                None => return self.newest_other(now),
            },
        };
        let passed_over = Vec::new();
        match set.unreachable(now) {
            Some(unreachable) => Err(NoWayBack::Unreachable(vec![unreachable])),
            None => Ok(WayBack { set, passed_over }),
        }
    }

    fn newest_other(&self, now: &Present<'_>) -> Result<WayBack<'_>, NoWayBack> {
        let mut passed_over = Vec::new();
        for set in self.sets.iter().rev().filter(|set| !set.left) {
            match set.unreachable(now) {
                Some(unreachable) => passed_over.push(unreachable),
                None if now.is_at(set) => {}
                None => return Ok(WayBack { set, passed_over }),
            }
        }
        Err(match passed_over.as_slice() {
            [] => NoWayBack::Nothing,
            _ => NoWayBack::Unreachable(passed_over),
        })
    }

    /// Where the releases of its sets were, and those are that the last profile named.
    pub fn namespaces(&self) -> Vec<Namespace> {
        let identities = self.sets.iter().chain(&self.target);
        let then = identities.flat_map(|set| set.identities.values().map(|it| &it.namespace));
        let now = self.releases.iter().map(|release| &release.namespace);
        let mut all: Vec<Namespace> = now.chain(then).cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}

impl VerifiedSet {
    /// Why it can't be brought back, if so.
    pub fn unreachable(&self, now: &Present<'_>) -> Option<Unreachable> {
        let obstacles = now.obstacles(self);
        let run = self.run.clone();
        (!obstacles.is_empty()).then_some(Unreachable { run, obstacles })
    }
    /// Without the releases of the stack that a plan leaves out.
    pub fn within(&self, plan: &Plan, record: &StackRecord) -> VerifiedSet {
        let mut set = self.clone();
        let is_in = |id: &ReleaseId| plan.steps().iter().any(|step| step.id == *id);
        set.releases
            .retain(|id, _| is_in(id) || record.release(id).is_none());
        set
    }
}
