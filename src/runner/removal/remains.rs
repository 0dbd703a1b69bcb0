//! What of a release is still in the cluster.

use std::collections::BTreeSet;

use super::{Down, Removed};
use crate::event::EventKind;
use crate::snapshot::{Contents, ObjectRef, Uid, Unread};

impl Down<'_> {
    /// Takes note of what the release consists of. helm deletes what only it can read.
    pub(super) fn learn(&mut self, at: usize, contents: Contents) {
        let release = &mut self.releases[at];
        let (id, name) = (&release.step.id, &release.step.release);
        for unread in &contents.unread {
            let so = match unread {
                Unread::Document(_) => {
                    "its object is not waited for; if it is a StatefulSet, its claims are not known and \
                     stay"
                }
                Unread::Hook(_) => "its object is not known and stays, unless helm deletes it",
            };
            self.emitter.emit(EventKind::Warning {
                release: Some(id.clone()),
                message: unread.warning(name, so),
            });
        }
        release.contents = contents;
    }

    /// Takes note of what can own pods of the release, while the chain from its objects can still
    /// be followed: the pods outlive it, and a controller that has not heard yet that its
    /// ReplicaSet is gone replaces the first of them.
    pub(super) fn find_owners(&mut self, at: usize) {
        let release = &self.releases[at];
        let mut objects = self.objects(release);
        let hooks = release.contents.hooks.iter();
        let run = hooks.filter(|hook| hook.may_have_run());
        objects.extend(run.map(|hook| hook.object.clone()));
        let mut found: Vec<Uid> = objects.iter().flat_map(|o| self.owners(o)).collect();
        found.extend(self.world.controllers_among(&objects).cloned());
        self.releases[at].owners.extend(found);
    }

    /// What is watched and can be the controller of a pod: the object itself, a Deployment's
    /// ReplicaSets, a CronJob's Jobs.
    fn owners(&self, object: &ObjectRef) -> Vec<Uid> {
        let workload = self.world.workload(object).map(|w| w.meta.uid.clone());
        let sets = workload
            .iter()
            .flat_map(|uid| self.world.replica_sets_of(uid));
        let mut owners: Vec<Uid> = sets.map(|set| set.meta.uid.clone()).collect();
        owners.extend(workload);
        owners.extend(self.world.job(object).map(|job| job.meta.uid.clone()));
        let jobs = self.world.jobs_of_cron_job(object);
        owners.extend(jobs.map(|job| job.meta.uid.clone()));
        owners
    }

    /// The release's objects with their namespaces, without those that its chart keeps.
    pub(super) fn objects(&self, release: &Removed) -> Vec<ObjectRef> {
        release.contents.removable()
    }

    /// What of the release is still there.
    pub(super) fn left(&self, release: &Removed) -> Vec<String> {
        let world = &self.world;
        let there = |object: &&ObjectRef| {
            world.workload(object).is_some()
                || world.job(object).is_some()
                || world.pod(object).is_some()
                || world.claim(object).is_some()
                || world.service(object).is_some()
        };
        let mut objects = self.objects(release);
        objects.extend(release.swept.iter().cloned());
        let objects = objects.iter().filter(there);
        let mut left: BTreeSet<String> = objects.map(ObjectRef::short).collect();
        let pods = release.owners.iter().flat_map(|uid| world.pods_of(uid));
        left.extend(pods.map(|pod| format!("pod/{}", pod.meta.name)));
        left.into_iter().collect()
    }
}
