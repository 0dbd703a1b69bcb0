//! Which releases an observation may change anything for, so that the others need not be judged
//! again.

use std::collections::{BTreeSet, HashMap};

use crate::plan::Plan;
use crate::snapshot::{Contents, Meta, ObjectRef, Owner, Snapshot, Uid, World};

/// How far the chain of owners is followed; that of a pod has two or three links.
const LONGEST_CHAIN: usize = 8;

type Name = (String, String, String);
type Positions = BTreeSet<usize>;

/// Releases by what belongs to them.
#[derive(Debug, Default)]
pub struct Touched {
    /// By kind, namespace (empty where there is none) and name.
    objects: HashMap<Name, Positions>,
    /// By namespace and helm's name.
    records: HashMap<(String, String), Positions>,
    namespaces: HashMap<String, Positions>,
    all: Positions,
}

impl Touched {
    pub fn new(plan: &Plan) -> Touched {
        let mut touched = Touched::default();
        for (at, step) in plan.steps().iter().enumerate() {
            let record = (step.namespace.to_string(), step.release.to_string());
            touched.records.entry(record).or_default().insert(at);
            touched.all.insert(at);
        }
        touched
    }

    /// Takes note of what a release consists of.
    pub fn learn(&mut self, at: usize, contents: &Contents) {
        let hooks = contents.hooks.iter().map(|hook| &hook.object);
        for object in contents.objects.iter().chain(hooks) {
            let namespace = object.namespace.clone().unwrap_or_default();
            self.namespaces
                .entry(namespace.clone())
                .or_default()
                .insert(at);
            // A kind that was not served when this was read may turn out to have no namespace.
            for namespace in [namespace, String::new()] {
                let name = (object.kind.clone(), namespace, object.name.clone());
                self.objects.entry(name).or_default().insert(at);
            }
        }
    }

    /// The positions of the releases that have to be judged again once `world` knows the snapshot.
    ///
    /// A link of the chain that is not known yet is no loss: when it comes, it leads to the same
    /// release itself.
    pub fn by(&self, world: &World, snapshot: &Snapshot) -> Positions {
        let mut found = Positions::new();
        match snapshot {
            Snapshot::Record(record) => {
                let key = (record.namespace.clone(), record.release.clone());
                found.extend(self.records.get(&key).into_iter().flatten());
            }
            Snapshot::StorageClass(_) => return self.all.clone(),
            Snapshot::Endpoints(slice) => {
                self.named("Service", &slice.meta.namespace, &slice.service, &mut found);
            }
            Snapshot::Event(event) => self.about(world, &event.about, &event.about_uid, &mut found),
            Snapshot::Pod(pod) => self.chain(world, "Pod", &pod.meta, &mut found),
            Snapshot::Workload(workload) => {
                self.chain(world, workload.kind.as_str(), &workload.meta, &mut found);
            }
            Snapshot::ReplicaSet(set) => self.chain(world, "ReplicaSet", &set.meta, &mut found),
            Snapshot::Job(job) => self.chain(world, "Job", &job.meta, &mut found),
            Snapshot::Service(service) => self.chain(world, "Service", &service.meta, &mut found),
            Snapshot::Custom(custom) => {
                self.chain(world, &custom.object.kind, &custom.meta, &mut found);
            }
            Snapshot::Claim(claim) => self.claim(world, &claim.meta, &mut found),
        }
        found
    }

    fn about(&self, world: &World, object: &ObjectRef, uid: &Uid, found: &mut Positions) {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        match world.meta(uid) {
            Some(meta) if object.kind == "PersistentVolumeClaim" => self.claim(world, meta, found),
            Some(meta) => self.chain(world, &object.kind, meta, found),
            None => self.named(&object.kind, namespace, &object.name, found),
        }
    }

    /// A StatefulSet's claims bear no owner, and pods name theirs out of our sight.
    fn claim(&self, world: &World, meta: &Meta, found: &mut Positions) {
        self.chain(world, "PersistentVolumeClaim", meta, found);
        if found.is_empty() {
            found.extend(self.namespaces.get(&meta.namespace).into_iter().flatten());
        }
    }

    fn chain(&self, world: &World, kind: &str, meta: &Meta, found: &mut Positions) {
        self.named(kind, &meta.namespace, &meta.name, found);
        let mut owner: Option<&Owner> = meta.owner.as_ref();
        for _ in 0..LONGEST_CHAIN {
            let Some(link) = owner else { return };
            self.named(&link.kind, &meta.namespace, &link.name, found);
            owner = world.meta(&link.uid).and_then(|meta| meta.owner.as_ref());
        }
    }

    fn named(&self, kind: &str, namespace: &str, name: &str, found: &mut Positions) {
        let name = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        found.extend(self.objects.get(&name).into_iter().flatten());
    }
}
