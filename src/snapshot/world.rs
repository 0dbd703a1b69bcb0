mod past;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use past::{Exit, Loss, Past};

use super::{
    Claim, Custom, Definition, Endpoints, Job, ObjectRef, Observation, Pod, Record, ReplicaSet,
    Service, Snapshot, StorageClass, Uid, Watched, Workload, WorkloadKind,
};

/// The newest state of everything that is watched. A fold over observations: it has no clock
/// and asks nobody.
#[derive(Debug, Default)]
pub struct World {
    pub pods: HashMap<Uid, Pod>,
    pub workloads: HashMap<Uid, Workload>,
    pub replica_sets: HashMap<Uid, ReplicaSet>,
    pub jobs: HashMap<Uid, Job>,
    pub claims: HashMap<Uid, Claim>,
    pub storage_classes: HashMap<Uid, StorageClass>,
    pub services: HashMap<Uid, Service>,
    pub endpoints: HashMap<Uid, Endpoints>,
    pub customs: HashMap<Uid, Custom>,
    /// By namespace, release and revision.
    pub records: BTreeMap<(String, String, u32), Record>,
    pub past: Past,
    /// What may not be seen.
    hidden: HashSet<Watched>,
    /// Objects that were asked for and not there; who is seen was so later.
    absent: HashSet<ObjectRef>,
}

impl World {
    pub fn apply(&mut self, observation: &Observation) {
        match observation {
            Observation::Seen(snapshot) => self.seen(snapshot.clone()),
            Observation::Gone(snapshot) => self.gone(snapshot),
            Observation::Hidden(watched) => {
                self.hidden.insert(watched.clone());
            }
            Observation::Visible(watched) => {
                self.hidden.remove(watched);
            }
            Observation::Absent(object) => {
                self.absent.insert(object.clone());
            }
            Observation::Interrupted { .. }
            | Observation::Resumed { .. }
            | Observation::Unreachable { .. }
            | Observation::Reachable => {}
        }
    }

    /// Takes in the answer to a question, which may be older than what the watches have told since:
    /// only objects that are new or have a newer spec are taken from it. Of what no watch tells it is
    /// the last word.
    pub fn apply_answer(&mut self, observation: &Observation) {
        match observation {
            Observation::Seen(snapshot) => self.answered(snapshot),
            Observation::Absent(object) => {
                let known = self.snapshot(object).filter(|_| self.is_hidden(object));
                if let Some(known) = known {
                    self.gone(&known);
                }
                self.apply(observation);
            }
            _ => {}
        }
    }

    fn answered(&mut self, snapshot: &Snapshot) {
        let Some(meta) = meta_of(snapshot) else {
            return;
        };
        let (group, kind) = kind_of(snapshot);
        let is_hidden = self.hiding(group, kind, Some(&meta.namespace)).is_some();
        let known = self.meta(&meta.uid);
        if is_hidden || known.is_none_or(|known| known.generation < meta.generation) {
            self.seen(snapshot.clone());
        }
    }

    /// The object as it was last seen, of the kinds that have readiness.
    fn snapshot(&self, object: &ObjectRef) -> Option<Snapshot> {
        let workload = self.workload(object).cloned().map(Snapshot::Workload);
        workload
            .or_else(|| self.job(object).cloned().map(Snapshot::Job))
            .or_else(|| self.pod(object).cloned().map(Snapshot::Pod))
            .or_else(|| self.claim(object).cloned().map(Snapshot::Claim))
            .or_else(|| self.service(object).cloned().map(Snapshot::Service))
            .or_else(|| self.custom(object).cloned().map(Snapshot::Custom))
    }

    fn seen(&mut self, snapshot: Snapshot) {
        match snapshot {
            Snapshot::Pod(pod) => {
                self.past.see_pod(&pod);
                self.pods.insert(pod.meta.uid.clone(), pod);
            }
            Snapshot::Workload(workload) => {
                let known = self.workloads.get(&workload.meta.uid);
                if known.is_none_or(|k| k.meta.generation <= workload.meta.generation) {
                    self.workloads.insert(workload.meta.uid.clone(), workload);
                }
            }
            Snapshot::ReplicaSet(set) => drop(self.replica_sets.insert(set.meta.uid.clone(), set)),
            Snapshot::Job(job) => drop(self.jobs.insert(job.meta.uid.clone(), job)),
            Snapshot::Claim(claim) => drop(self.claims.insert(claim.meta.uid.clone(), claim)),
            Snapshot::StorageClass(class) => {
                self.storage_classes.insert(class.uid.clone(), class);
            }
            Snapshot::Service(service) => {
                self.services.insert(service.meta.uid.clone(), service);
            }
            Snapshot::Endpoints(slice) => {
                self.endpoints.insert(slice.meta.uid.clone(), slice);
            }
            Snapshot::Custom(custom) => {
                let known = self.customs.get(&custom.meta.uid);
                if known.is_none_or(|k| k.meta.generation <= custom.meta.generation) {
                    self.customs.insert(custom.meta.uid.clone(), custom);
                }
            }
            Snapshot::Record(record) => {
                self.records.insert(record_key(&record), record);
            }
            Snapshot::Event(event) => self.past.see_event(event),
        }
    }

    fn gone(&mut self, snapshot: &Snapshot) {
        match snapshot {
            Snapshot::Pod(pod) => {
                self.pods.remove(&pod.meta.uid);
                self.past.lose_pod(pod);
            }
            Snapshot::Workload(workload) => drop(self.workloads.remove(&workload.meta.uid)),
            Snapshot::ReplicaSet(set) => drop(self.replica_sets.remove(&set.meta.uid)),
            Snapshot::Job(job) => {
                self.jobs.remove(&job.meta.uid);
                self.past.lose_job(job);
            }
            Snapshot::Claim(claim) => drop(self.claims.remove(&claim.meta.uid)),
            Snapshot::StorageClass(class) => drop(self.storage_classes.remove(&class.uid)),
            Snapshot::Service(service) => drop(self.services.remove(&service.meta.uid)),
            Snapshot::Endpoints(slice) => drop(self.endpoints.remove(&slice.meta.uid)),
            Snapshot::Custom(custom) => {
                self.customs.remove(&custom.meta.uid);
                self.past.lose_custom(custom);
            }
            Snapshot::Record(record) => drop(self.records.remove(&record_key(record))),
            // The cluster forgets events after an hour; what they told stays true.
            Snapshot::Event(_) => {}
        }
        if let Some(meta) = meta_of(snapshot) {
            self.past.pass(meta);
        }
    }

    /// Whether the object is there can't be known from the watches: its kind may not be seen where it
    /// lives.
    pub fn is_hidden(&self, object: &ObjectRef) -> bool {
        self.hides(object).is_some()
    }

    /// The watch that would tell of this object and may not.
    pub fn hides(&self, object: &ObjectRef) -> Option<&Watched> {
        let namespace = object.namespace.as_deref();
        self.hiding(object.group(), &object.kind, namespace)
    }

    /// The same of the addresses behind a Service.
    pub fn hides_endpoints(&self, service: &Service) -> Option<&Watched> {
        let namespace = Some(service.meta.namespace.as_str());
        self.hiding("discovery.k8s.io", "EndpointSlice", namespace)
    }

    fn hiding(&self, group: &str, kind: &str, namespace: Option<&str>) -> Option<&Watched> {
        let mut hidden = self.hidden.iter();
        hidden.find(|watched| watched.has(group, kind, namespace))
    }

    /// The CustomResourceDefinition that brings the kind, where a release has brought it.
    pub fn definition(&self, group: &str, kind: &str) -> Option<&Definition> {
        let mut definitions = self.customs.values().filter_map(|c| c.definition.as_ref());
        definitions.find(|d| d.group == group && d.kind == kind)
    }

    /// Pods whose controller is `owner`, oldest first.
    pub fn pods_of(&self, owner: &Uid) -> Vec<&Pod> {
        let owned = |pod: &&Pod| pod.meta.owner.as_ref().is_some_and(|o| &o.uid == owner);
        let mut pods: Vec<&Pod> = self.pods.values().filter(owned).collect();
        pods.sort_by(|a, b| (a.meta.created, &a.meta.name).cmp(&(b.meta.created, &b.meta.name)));
        pods
    }

    /// ReplicaSets of a Deployment, newest revision first.
    pub fn replica_sets_of(&self, deployment: &Uid) -> Vec<&ReplicaSet> {
        let owned = |set: &&ReplicaSet| {
            set.meta
                .owner
                .as_ref()
                .is_some_and(|o| &o.uid == deployment)
        };
        let mut sets: Vec<&ReplicaSet> = self.replica_sets.values().filter(owned).collect();
        sets.sort_by_key(|set| std::cmp::Reverse(set.revision));
        sets
    }

    /// An object by its identity, of the kinds that have an owner or are one.
    pub fn meta(&self, uid: &Uid) -> Option<&super::Meta> {
        let pod = self.pods.get(uid).map(|it| &it.meta);
        pod.or_else(|| self.replica_sets.get(uid).map(|it| &it.meta))
            .or_else(|| self.workloads.get(uid).map(|it| &it.meta))
            .or_else(|| self.jobs.get(uid).map(|it| &it.meta))
            .or_else(|| self.claims.get(uid).map(|it| &it.meta))
            .or_else(|| self.services.get(uid).map(|it| &it.meta))
            .or_else(|| self.customs.get(uid).map(|it| &it.meta))
    }

    /// The newest object that bears this name, of the kinds that have readiness.
    pub fn meta_by_name(&self, object: &ObjectRef) -> Option<&super::Meta> {
        let workload = self.workload(object).map(|w| &w.meta);
        workload
            .or_else(|| self.job(object).map(|j| &j.meta))
            .or_else(|| self.pod(object).map(|p| &p.meta))
            .or_else(|| self.claim(object).map(|c| &c.meta))
            .or_else(|| self.service(object).map(|s| &s.meta))
            .or_else(|| self.custom(object).map(|c| &c.meta))
    }

    pub fn workload(&self, object: &ObjectRef) -> Option<&Workload> {
        let named = |w: &&Workload| w.kind.as_str() == object.kind && is(object, &w.meta);
        newest(self.workloads.values().filter(named), |w| &w.meta)
    }

    pub fn job(&self, object: &ObjectRef) -> Option<&Job> {
        named(object, "Job", self.jobs.values(), |j| &j.meta)
    }

    /// The Jobs that a CronJob has made; none of what is no CronJob.
    pub fn jobs_of_cron_job<'a>(&'a self, object: &'a ObjectRef) -> impl Iterator<Item = &'a Job> {
        let is_of = |job: &&Job| {
            let owner = job.meta.owner.as_ref();
            let is_own = owner.is_some_and(|it| it.kind == object.kind && it.name == object.name);
            let namespace = object.namespace.as_ref();
            is_own && namespace.is_none_or(|it| *it == job.meta.namespace)
        };
        let jobs = (object.kind == "CronJob").then(|| self.jobs.values());
        jobs.into_iter().flatten().filter(is_of)
    }

    /// Those of these objects that pods name as their controllers, also of kinds that are not watched:
    /// a ReplicationController, or a custom resource whose operator makes the pods itself.
    pub fn controllers_among(&self, objects: &[ObjectRef]) -> impl Iterator<Item = &Uid> {
        let place = |it: &ObjectRef| (it.kind.clone(), it.name.clone(), it.namespace.clone());
        let named: HashSet<_> = objects.iter().map(place).collect();
        self.pods.values().filter_map(move |pod| {
            let owner = pod.meta.owner.as_ref()?;
            let at = |namespace| (owner.kind.clone(), owner.name.clone(), namespace);
            let beside = at(Some(pod.meta.namespace.clone()));
            (named.contains(&beside) || named.contains(&at(None))).then_some(&owner.uid)
        })
    }

    pub fn pod(&self, object: &ObjectRef) -> Option<&Pod> {
        named(object, "Pod", self.pods.values(), |p| &p.meta)
    }

    pub fn claim(&self, object: &ObjectRef) -> Option<&Claim> {
        let kind = "PersistentVolumeClaim";
        named(object, kind, self.claims.values(), |c| &c.meta)
    }

    pub fn service(&self, object: &ObjectRef) -> Option<&Service> {
        named(object, "Service", self.services.values(), |s| &s.meta)
    }

    pub fn custom(&self, object: &ObjectRef) -> Option<&Custom> {
        let named = self.customs.values().filter(|c| is_custom(object, c));
        newest(named, |c| &c.meta)
    }

    /// One of this name was there and is no more, or was asked for in vain.
    pub fn has_lost_custom(&self, object: &ObjectRef) -> bool {
        let is_lost = self.is_absent(object) || self.past.had_custom(object);
        self.custom(object).is_none() && is_lost
    }

    /// It was asked for and not there.
    pub fn is_absent(&self, object: &ObjectRef) -> bool {
        self.absent.contains(object)
    }

    /// Ready addresses behind a Service, over all its slices.
    pub fn ready_endpoints(&self, service: &Service) -> u32 {
        self.endpoints
            .values()
            .filter(|e| {
                e.meta.namespace == service.meta.namespace && e.service == service.meta.name
            })
            .map(|e| e.ready)
            .sum()
    }

    /// Forgets all revisions of a release that is known to be removed, before its watch tells.
    pub fn forget_records(&mut self, namespace: &str, release: &str) {
        self.records
            .retain(|(of, name, _), _| of != namespace || name != release);
    }

    /// One revision of a release.
    pub fn record(&self, namespace: &str, release: &str, revision: u32) -> Option<&Record> {
        let key = (namespace.to_owned(), release.to_owned(), revision);
        self.records.get(&key)
    }

    /// The newest revision of a release.
    pub fn last_record(&self, namespace: &str, release: &str) -> Option<&Record> {
        self.record_before(namespace, release, u32::MAX)
    }

    /// The newest revision of a release that is older than this one.
    pub fn record_before(&self, namespace: &str, release: &str, revision: u32) -> Option<&Record> {
        let key = |revision| (namespace.to_owned(), release.to_owned(), revision);
        let mut earlier = self.records.range(key(0)..key(revision));
        earlier.next_back().map(|(_, record)| record)
    }
}

fn meta_of(snapshot: &Snapshot) -> Option<&super::Meta> {
    match snapshot {
        Snapshot::Pod(pod) => Some(&pod.meta),
        Snapshot::Workload(workload) => Some(&workload.meta),
        Snapshot::Job(job) => Some(&job.meta),
        Snapshot::Claim(claim) => Some(&claim.meta),
        Snapshot::Service(service) => Some(&service.meta),
        Snapshot::Custom(custom) => Some(&custom.meta),
        _ => None,
    }
}

/// Group and kind, of what [`meta_of`] knows.
fn kind_of(snapshot: &Snapshot) -> (&str, &str) {
    match snapshot {
        Snapshot::Workload(workload) => match workload.kind {
            WorkloadKind::ReplicationController => ("", workload.kind.as_str()),
            _ => ("apps", workload.kind.as_str()),
        },
        Snapshot::Job(_) => ("batch", "Job"),
        Snapshot::Claim(_) => ("", "PersistentVolumeClaim"),
        Snapshot::Service(_) => ("", "Service"),
        Snapshot::Custom(custom) => (custom.object.group(), &custom.object.kind),
        _ => ("", "Pod"),
    }
}

/// The newest of the objects that bear one name: of an old and a new incarnation, the new one.
fn newest<'a, T>(
    objects: impl Iterator<Item = &'a T>,
    meta: impl Fn(&T) -> &super::Meta,
) -> Option<&'a T> {
    objects.max_by_key(|object| meta(object).created)
}

/// Of the objects of one kind the newest that `object` names, if it names one of that kind.
fn named<'a, T>(
    object: &ObjectRef,
    kind: &str,
    objects: impl Iterator<Item = &'a T>,
    meta: impl Fn(&T) -> &super::Meta,
) -> Option<&'a T> {
    if object.kind != kind {
        return None;
    }
    newest(objects.filter(|o| is(object, meta(o))), &meta)
}

fn is(object: &ObjectRef, meta: &super::Meta) -> bool {
    object.name == meta.name
        && object
            .namespace
            .as_ref()
            .is_none_or(|ns| *ns == meta.namespace)
}

fn is_custom(object: &ObjectRef, custom: &Custom) -> bool {
    let ObjectRef { kind, .. } = &custom.object;
    *kind == object.kind && custom.object.group() == object.group() && is(object, &custom.meta)
}

fn record_key(record: &Record) -> (String, String, u32) {
    (
        record.namespace.clone(),
        record.release.clone(),
        record.revision,
    )
}

#[cfg(test)]
mod tests;
