use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::event::{EventKind, Health, HookPhase, PodChanged};
use crate::names::ReleaseId;
use crate::snapshot::{ObjectRef, Uid};
use crate::verdict::Assessment;

/// What was last emitted about a release, so that only changes are.
#[derive(Debug, Default)]
pub struct Shown {
    objects: HashMap<ObjectRef, (Health, String, u32, u32)>,
    hooks: HashMap<ObjectRef, HookPhase>,
    pods: HashMap<Uid, PodChanged>,
    waiting: Option<(String, Option<Timestamp>)>,
}

impl Shown {
    /// The events that lead from what was shown to `assessment`.
    pub fn changes(&mut self, release: &ReleaseId, assessment: &Assessment) -> Vec<EventKind> {
        let mut changes = Vec::new();
        self.hook_changes(release, assessment, &mut changes);
        self.object_changes(release, assessment, &mut changes);
        self.pod_changes(release, assessment, &mut changes);
        let waiting = assessment.waiting.as_ref().map(|w| (w.on.clone(), w.since));
        if waiting != self.waiting {
            if let Some((on, since)) = waiting.clone() {
                changes.push(EventKind::ReleaseWaiting {
                    release: release.clone(),
                    on,
                    since,
                });
            }
            self.waiting = waiting;
        }
        changes
    }

    fn object_changes(
        &mut self,
        release: &ReleaseId,
        assessment: &Assessment,
        changes: &mut Vec<EventKind>,
    ) {
        for object in &assessment.objects {
            let name = object.object.clone();
            let state = (
                object.health,
                object.reason.clone(),
                object.ready,
                object.desired,
            );
            if self.objects.get(&name) == Some(&state) {
                continue;
            }
            self.objects.insert(name, state);
            changes.push(EventKind::ObjectChanged {
                release: release.clone(),
                kind: object.object.kind.clone(),
                namespace: object.object.namespace.clone(),
                name: object.object.name.clone(),
                health: object.health,
                reason: object.reason.clone(),
                ready: object.ready,
                desired: object.desired,
            });
        }
    }

    fn hook_changes(
        &mut self,
        release: &ReleaseId,
        assessment: &Assessment,
        changes: &mut Vec<EventKind>,
    ) {
        for hook in &assessment.hooks {
            if self.hooks.insert(hook.object.clone(), hook.phase) != Some(hook.phase) {
                changes.push(EventKind::HookChanged {
                    release: release.clone(),
                    kind: hook.object.kind.clone(),
                    name: hook.object.name.clone(),
                    phase: hook.phase,
                });
            }
        }
    }

    fn pod_changes(
        &mut self,
        release: &ReleaseId,
        assessment: &Assessment,
        changes: &mut Vec<EventKind>,
    ) {
        let there = |uid: &Uid| assessment.pod_uids.contains(uid);
        let gone = self.pods.iter().filter(|(uid, _)| !there(uid));
        let gone: BTreeSet<String> = gone.map(|(_, view)| view.pod.clone()).collect();
        for pod in gone {
            // Readers know pods by their names: of two that share one, the other is told anew.
            self.pods.retain(|_, view| view.pod != pod);
            changes.push(EventKind::PodGone {
                release: release.clone(),
                pod,
            });
        }
        for (uid, view) in assessment.pod_uids.iter().zip(&assessment.pods) {
            if self.pods.get(uid) != Some(view) {
                self.pods.insert(uid.clone(), view.clone());
                changes.push(EventKind::PodChanged(view.clone()));
            }
        }
    }
}
