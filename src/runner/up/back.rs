//! Releases go back to a revision that was verified: helm is let at them in reverse order of needs,
//! each as soon as those that need it are back, and they come up together. One that can't go back
//! keeps nobody else from it.

use std::collections::{BTreeMap, HashMap};

use futures::FutureExt;

use super::{Done, Up};
use crate::event::{EventKind, Outcome};
use crate::memory::{Obstacle, Present, Unreachable, VerifiedSet, Why};
use crate::names::{ReleaseId, RunId};
use crate::plan::{Queue, Rollback, Step};
use crate::runner::tracked::{Phase, Tracked};
use crate::runner::{Back, OnFailure};
use crate::verdict::{Cause, is_pod_ready};

impl Up<'_> {
    /// Says which releases can't go back, and why.
    pub(super) fn tell_left(&mut self, left: &BTreeMap<ReleaseId, String>) {
        for (id, why) in left {
            self.emitter.emit(EventKind::Warning {
                release: None,
                message: format!("`{id}` does not go back: {why}"),
            });
        }
    }

    /// Says what was not gone back to, and why.
    pub(super) fn tell_passed_over(&mut self, passed_over: &[Unreachable]) {
        for one in passed_over {
            self.emitter.emit(EventKind::Warning {
                release: None,
                message: format!("passed over: {one}"),
            });
        }
    }

    /// After a failure: turns back what is other than it was verified, be it that this run has changed
    /// it or one before it that was killed. Returns the run whose
    /// revisions it goes back to, None where nothing goes back.
    pub(super) fn turn_back(&mut self, outcome: Outcome) -> Option<RunId> {
        let is_failed = matches!(outcome, Outcome::Failed | Outcome::DeadlinePassed);
        let on_failure = std::mem::take(&mut self.on_failure);
        let (OnFailure::GoBack(set), true) = (on_failure, is_failed) else {
            return None;
        };
        let back = match set.as_ref().map(|set| self.back(set)) {
            Some(Ok(back)) => back,
            Some(Err(unreachable)) => {
                self.tell_no_way_back(&unreachable.to_string());
                return None;
            }
            None => {
                self.tell_no_way_back("no revisions of the stack were verified together yet");
                return None;
            }
        };
        let set = set.filter(|_| !back.to.is_empty() || !back.left.is_empty())?;
        self.emitter.emit(EventKind::RunRollingBack {
            to: set.run.clone(),
            releases: back.to.keys().cloned().collect(),
            left: back.left.keys().cloned().collect(),
        });
        self.tell_left(&back.left);
        self.go_back(&back.to);
        Some(set.run)
    }

    fn tell_no_way_back(&mut self, why: &str) {
        self.emitter.emit(EventKind::Warning {
            release: None,
            message: format!("failed, and nothing goes back: {why}"),
        });
    }

    /// What is to go back to this set.
    fn back(&self, set: &VerifiedSet) -> Result<Back, Unreachable> {
        let now = Present::of_plan(self.plan, self.world.records.values());
        let (unnamed, obstacles): (Vec<Obstacle>, Vec<Obstacle>) = now
            .obstacles(set)
            .into_iter()
            .partition(|it| it.why == Why::Unnamed);
        if !obstacles.is_empty() {
            let run = set.run.clone();
            return Err(Unreachable { run, obstacles });
        }
        let mut back = Back::default();
        for release in &self.releases {
            let step = release.step;
            let (namespace, name) = (step.namespace.as_str(), step.release.as_str());
            let last = self.world.last_record(namespace, name);
            let target = set.releases.get(&step.id).copied();
            let was_begun = release.deadline.is_some() && release.settled.is_none();
            let is_changed = last.is_some_and(|last| {
                let by_this_run = was_begun && last.revision != release.found;
                let by_another = Some(last.revision) != target && last.is_of(&self.stack);
                by_this_run || (by_another && target.is_some())
            });
            if is_changed {
                back.add(step, target);
            }
        }
        if !back.to.is_empty() {
            let unnamed = unnamed.into_iter();
            back.left
                .extend(unnamed.map(|it| (it.release, format!("it {}", it.why))));
        }
        Ok(back)
    }

    pub(super) fn go_back(&mut self, to: &BTreeMap<ReleaseId, u32>) {
        self.goes_back = true;
        self.settled = Some(HashMap::new());
        // It has the time of its releases, whatever is left of the run's.
        (self.deadline, self.closed, self.quiet_since) = (None, None, None);
        self.queue = Queue::backward(self.plan);
        for release in &mut self.releases {
            match to.get(&release.step.id) {
                Some(&revision) => *release = Tracked::back(release.step, revision, &self.gate),
                None if release.phase == Phase::Waiting => release.phase = Phase::Ended,
                None => {}
            }
        }
    }

    /// A StatefulSet never gets to replace a broken pod of the revision that is left behind: that
    /// is for us to take away. What was wrong with it has been told.
    pub(super) fn unstick(&mut self, at: usize) {
        let release = &mut self.releases[at];
        if release.back.is_none() || !release.is_active() {
            return;
        }
        let findings = &mut release.assessment.findings;
        let known = findings.len();
        // It is no trouble of what the release goes back to, and about to end.
        findings.retain(|it| it.cause != Cause::StuckRollout);
        if findings.len() == known {
            return;
        }
        let assessment = &release.assessment;
        let pods = assessment.pod_uids.iter().zip(&assessment.pods);
        let old = pods.filter(|(_, view)| view.outgoing && view.owner.starts_with("statefulset/"));
        let broken: Vec<_> = old
            .filter_map(|(uid, _)| self.world.pods.get(uid))
            .filter(|pod| !pod.meta.deleting && !is_pod_ready(pod))
            .map(|pod| pod.meta.clone())
            .collect();
        for pod in broken {
            if !self.releases[at].unstuck.insert(pod.uid.clone()) {
                continue;
            }
            let name = &pod.name;
            self.warn(
                at,
                format!("pod/{name} of the revision before keeps its StatefulSet waiting: deleted"),
            );
            let observer = self.observer;
            let deleted = async move { Done::Unstuck(at, observer.delete_pod(&pod).await) };
            self.work.push(deleted.boxed_local());
        }
    }
}

impl Back {
    /// Takes in a release whose revision of before is this one, if it can go back at all.
    pub fn add(&mut self, step: &Step, to: Option<u32>) {
        let id = step.id.clone();
        match (step.rollback, to) {
            (Rollback::ForwardOnly, _) => {
                let why = "its `rollback` is `forward-only`".to_owned();
                self.left.insert(id, why);
            }
            (Rollback::Allowed, Some(revision)) => {
                self.to.insert(id, revision);
            }
            (Rollback::Allowed, None) => {
                let why = "no revision of it was verified together with the others".to_owned();
                self.left.insert(id, why);
            }
        }
    }
}
