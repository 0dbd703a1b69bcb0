use std::collections::{HashMap, VecDeque};

use super::{is_custom, named};
use crate::snapshot::{
    ClusterEvent, ContainerState, ContainerStatus, Custom, Job, Meta, ObjectRef, Pod, Terminated,
    Uid,
};

/// Events kept per object; the one that was not seen for the longest time goes first.
const EVENTS_PER_OBJECT: usize = 32;
/// Ends kept per container.
const EXITS_PER_CONTAINER: usize = 8;
/// Objects of which something is kept once they are gone; those that went first are forgotten first.
const GONE: usize = 2000;

/// One end of a container. The API shows the last two at most; the world remembers more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// 1 for the first run of the container.
    pub attempt: u32,
    pub terminated: Terminated,
}

/// A pod that its controller has lost and has to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    pub pod: Uid,
    pub name: String,
    pub revision_hash: Option<String>,
    /// `Evicted`, `PreemptionByScheduler`, `SysctlForbidden`, ...; empty where somebody has deleted
    /// it and does not say why.
    pub reason: String,
    pub message: String,
}

/// What was seen and is not there to be seen any more: ends of containers, and objects that are gone.
#[derive(Debug, Default)]
pub struct Past {
    events: HashMap<Uid, Vec<ClusterEvent>>,
    containers: HashMap<Uid, HashMap<String, Container>>,
    /// By Job: the last of its pods that is no more.
    pods: HashMap<Uid, Pod>,
    /// By controller: pods that it has lost, oldest first.
    lost: HashMap<Uid, Vec<Loss>>,
    jobs: HashMap<Uid, Job>,
    customs: HashMap<Uid, Custom>,
    /// In the order in which they went.
    gone: VecDeque<Uid>,
}

#[derive(Debug, Default)]
struct Container {
    exits: Vec<Exit>,
    /// Why its image could not be pulled when that was last tried.
    pull_error: Option<String>,
}

impl Past {
    pub(super) fn see_event(&mut self, event: ClusterEvent) {
        let events = self.events.entry(event.about_uid.clone()).or_default();
        events.retain(|known| known.uid != event.uid);
        events.push(event);
        // A list tells them in any order, and one that happens again is the last anew.
        events.sort_by_key(|event| event.last_seen);
        if events.len() > EVENTS_PER_OBJECT {
            events.remove(0);
        }
    }

    pub(super) fn see_pod(&mut self, pod: &Pod) {
        for status in pod.init_statuses.iter().chain(&pod.statuses) {
            let exits = exits_of(status);
            // The state tells it only until the back-off begins.
            let pull_error = match &status.state {
                ContainerState::Waiting { reason, message } if reason == "ErrImagePull" => {
                    Some(message.clone()).filter(|message| !message.is_empty())
                }
                _ => None,
            };
            if exits.is_empty() && pull_error.is_none() {
                continue;
            }
            let containers = self.containers.entry(pod.meta.uid.clone()).or_default();
            let known = containers.entry(status.name.clone()).or_default();
            known.pull_error = pull_error.or_else(|| known.pull_error.take());
            for exit in exits {
                if known.exits.iter().all(|k| k.attempt != exit.attempt) {
                    known.exits.push(exit);
                    known.exits.sort_by_key(|e| e.attempt);
                    if known.exits.len() > EXITS_PER_CONTAINER {
                        known.exits.remove(0);
                    }
                }
            }
        }
        if let Some((reason, message)) = pod.lost() {
            self.lose(pod, reason, message);
        }
    }

    /// The Job controller removes pods when it gives up (a deadline, a pod that restarts in
    /// place), and with them the only trace of why.
    pub(super) fn lose_pod(&mut self, pod: &Pod) {
        if !matches!(pod.phase.as_str(), "Succeeded" | "Failed") && pod.lost().is_none() {
            self.lose(pod, "", "");
        }
        if let Some(owner) = pod.meta.owner.as_ref().filter(|o| o.kind == "Job") {
            self.pods.insert(owner.uid.clone(), pod.clone());
        }
    }

    pub(super) fn lose_job(&mut self, job: &Job) {
        self.jobs.insert(job.meta.uid.clone(), job.clone());
    }

    pub(super) fn lose_custom(&mut self, custom: &Custom) {
        self.customs.insert(custom.meta.uid.clone(), custom.clone());
    }

    /// An object is gone: what went long before it is forgotten.
    pub(super) fn pass(&mut self, meta: &Meta) {
        self.gone.push_back(meta.uid.clone());
        while self.gone.len() > GONE {
            let Some(uid) = self.gone.pop_front() else {
                return;
            };
            self.events.remove(&uid);
            self.containers.remove(&uid);
            self.pods.remove(&uid);
            self.lost.remove(&uid);
            self.jobs.remove(&uid);
            self.customs.remove(&uid);
        }
    }

    fn lose(&mut self, pod: &Pod, reason: &str, message: &str) {
        let Some(owner) = &pod.meta.owner else {
            return;
        };
        let loss = Loss {
            pod: pod.meta.uid.clone(),
            name: pod.meta.name.clone(),
            revision_hash: pod.meta.revision_hash.clone(),
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        let lost = self.lost.entry(owner.uid.clone()).or_default();
        match lost.iter_mut().find(|known| known.pod == loss.pod) {
            Some(known) => *known = loss,
            None => lost.push(loss),
        }
    }

    /// Events about an object, the one that was last seen last.
    pub fn events_about(&self, uid: &Uid) -> &[ClusterEvent] {
        self.events.get(uid).map_or(&[], Vec::as_slice)
    }

    /// Every end of a container that was ever seen, oldest first.
    pub fn exits(&self, pod: &Uid, container: &str) -> &[Exit] {
        let known = self.containers.get(pod).and_then(|it| it.get(container));
        known.map_or(&[], |known| known.exits.as_slice())
    }

    /// Why a container's image could not be pulled when that was last tried.
    pub fn pull_error(&self, pod: &Uid, container: &str) -> Option<&str> {
        let known = self.containers.get(pod)?.get(container)?;
        known.pull_error.as_deref()
    }

    /// The pods that a controller has lost, or deleted itself, oldest first.
    pub fn lost_by(&self, controller: &Uid) -> &[Loss] {
        self.lost.get(controller).map_or(&[], Vec::as_slice)
    }

    /// The last state of the Job's pod that left last.
    pub fn pod_of_job(&self, job: &Uid) -> Option<&Pod> {
        self.pods.get(job)
    }

    /// The last state of the newest Job of this name that is no more: one with
    /// `ttlSecondsAfterFinished` goes once it has done its work.
    pub fn job(&self, object: &ObjectRef) -> Option<&Job> {
        named(object, "Job", self.jobs.values(), |j| &j.meta)
    }

    /// An object of this name, of a kind that the cluster's owners have added, is gone.
    pub(super) fn had_custom(&self, object: &ObjectRef) -> bool {
        self.customs
            .values()
            .any(|custom| is_custom(object, custom))
    }
}

/// The ends that a status proves. `restartCount` is the number of earlier instances, so the
/// present one is attempt `restarts + 1` and the last one `restarts`; while the container waits
/// for its next start, the last state is the end of the present attempt
/// (kubelet `convertToAPIContainerStatuses`).
fn exits_of(status: &ContainerStatus) -> Vec<Exit> {
    let present = status.restarts + 1;
    let mut exits = Vec::new();
    match (&status.state, &status.last) {
        (ContainerState::Terminated(end), last) => {
            if let Some(last) = last {
                exits.push((status.restarts, last));
            }
            exits.push((present, end));
        }
        (ContainerState::Waiting { .. }, Some(last)) => exits.push((present, last)),
        (ContainerState::Running { .. }, Some(last)) => exits.push((status.restarts, last)),
        _ => {}
    }
    exits
        .into_iter()
        .map(|(attempt, end)| Exit {
            attempt: attempt.max(1),
            terminated: end.clone(),
        })
        .collect()
}
