//! What of a release is still in the cluster.

use std::collections::BTreeSet;

use super::{Down, Removed};
use crate::snapshot::{ObjectRef, Uid};

impl Down<'_> {
    /// Takes note of the release's pods while the chain of their owners can still be followed.
    pub(super) fn find_pods(&mut self, at: usize) {
        let release = &self.releases[at];
        let mut found = Vec::new();
        for object in self.objects(release) {
            let owners = self.owners(&object);
            found.extend(owners.iter().flat_map(|owner| self.world.pods_of(owner)));
            found.extend(self.world.pod(&object));
        }
        let found: Vec<(Uid, String)> = found
            .iter()
            .map(|pod| (pod.meta.uid.clone(), pod.meta.name.clone()))
            .collect();
        self.releases[at].pods.extend(found);
    }

    /// What can be the controller of a pod: the object itself, and a Deployment's ReplicaSets.
    fn owners(&self, object: &ObjectRef) -> Vec<Uid> {
        let workload = self.world.workload(object).map(|w| w.meta.uid.clone());
        let sets = workload
            .iter()
            .flat_map(|uid| self.world.replica_sets_of(uid));
        let mut owners: Vec<Uid> = sets.map(|set| set.meta.uid.clone()).collect();
        owners.extend(workload);
        owners.extend(self.world.job(object).map(|job| job.meta.uid.clone()));
        owners
    }

    /// The release's objects with their namespaces, without those that its chart keeps.
    fn objects(&self, release: &Removed) -> Vec<ObjectRef> {
        let contents = &release.contents;
        let removed = contents
            .objects
            .iter()
            .filter(|o| !contents.kept.contains(o));
        removed
            .map(|object| object.placed(release.step.namespace.as_str()))
            .collect()
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
        let objects = self.objects(release);
        let objects = objects.iter().filter(there);
        let mut left: BTreeSet<String> = objects.map(ObjectRef::short).collect();
        let pods = release.pods.iter();
        left.extend(
            pods.filter(|(uid, _)| world.pods.contains_key(*uid))
                .map(|(_, name)| format!("pod/{name}")),
        );
        left.into_iter().collect()
    }
}
