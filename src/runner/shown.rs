use std::collections::HashMap;

use jiff::Timestamp;

use crate::event::{EventKind, Health, HookPhase, PodChanged};
use crate::names::ReleaseId;
use crate::verdict::Assessment;

type Name = (String, String);

/// What was last emitted about a release, so that only changes are.
#[derive(Debug, Default)]
pub struct Shown {
    objects: HashMap<Name, (Health, String, u32, u32)>,
    hooks: HashMap<Name, HookPhase>,
    pods: HashMap<String, PodChanged>,
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
            let name = (object.object.kind.clone(), object.object.name.clone());
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
            let name = (hook.object.kind.clone(), hook.object.name.clone());
            if self.hooks.insert(name, hook.phase) != Some(hook.phase) {
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
        let there = |pod: &String| assessment.pods.iter().any(|view| view.pod == *pod);
        let mut gone: Vec<String> = self.pods.keys().filter(|p| !there(p)).cloned().collect();
        gone.sort();
        for pod in gone {
            self.pods.remove(&pod);
            changes.push(EventKind::PodGone {
                release: release.clone(),
                pod,
            });
        }
        for view in &assessment.pods {
            if self.pods.get(&view.pod) != Some(view) {
                self.pods.insert(view.pod.clone(), view.clone());
                changes.push(EventKind::PodChanged(view.clone()));
            }
        }
    }
}
