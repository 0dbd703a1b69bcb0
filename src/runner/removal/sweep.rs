//! What helm leaves behind when it uninstalls: objects of hooks, and volumes.

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, Down, Phase};
use crate::event::EventKind;
use crate::runner::asking::{unless, until_answered};
use crate::runner::ports::{ObserveError, Refusal};
use crate::snapshot::ObjectRef;

/// Objects of hooks that stay as volumes do: they hold what nobody has elsewhere, or belong to what
/// stays. A password that a hook has made up is worth as much as the volume that it opens.
const STAY: [&str; 5] = [
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Secret",
];
const CLAIM: &str = "PersistentVolumeClaim";

impl Down<'_> {
    /// helm is through with it: the rest is for us.
    pub(super) fn sweep(&mut self, at: usize) {
        let leftovers = self.leftovers(at);
        let release = &mut self.releases[at];
        release.phase = Phase::Vanishing;
        release.asked_at = Some(Instant::now());
        release.swept.clone_from(&leftovers);
        if leftovers.is_empty() {
            return;
        }
        let (observer, gate, cancel) = (self.observer, self.gate.clone(), release.cancel.clone());
        release.asking = true;
        let swept = async move {
            let delete = async {
                gate.opened().await;
                until_answered(|| observer.delete(&leftovers)).await
            };
            Done::Swept(at, unless(&cancel, delete).await)
        };
        self.work.push(swept.boxed_local());
    }

    /// What is to go though helm leaves it.
    fn leftovers(&self, at: usize) -> Vec<ObjectRef> {
        let release = &self.releases[at];
        let (contents, own) = (&release.contents, release.step.namespace.as_str());
        let hooks = contents.hooks.iter().map(|hook| &hook.object);
        let goes = |object: &&ObjectRef| match object.kind.as_str() {
            CLAIM if self.volumes => true,
            _ if contents.kept.contains(object) => false,
            "Secret" if self.volumes => true,
            kind => !STAY.contains(&kind),
        };
        let kept = contents.kept.iter().filter(|it| it.kind == CLAIM);
        let mut all: Vec<ObjectRef> = hooks
            .filter(goes)
            .chain(kept.filter(|_| self.volumes))
            .map(|object| object.placed(own))
            .collect();
        if self.volumes {
            let claims = self.world.claims.values().map(|claim| &claim.meta);
            let of_sets = claims
                .filter(|claim| claim.namespace == own && contents.is_claim_of_set(&claim.name));
            all.extend(of_sets.map(|claim| ObjectRef {
                api_version: "v1".to_owned(),
                kind: CLAIM.to_owned(),
                namespace: Some(claim.namespace.clone()),
                name: claim.name.clone(),
            }));
        }
        all.sort();
        all.dedup();
        all
    }

    pub(super) fn swept(&mut self, at: usize, swept: Result<(), ObserveError>) {
        self.releases[at].asking = false;
        if self.releases[at].phase != Phase::Vanishing {
            return;
        }
        if let Err(error) = swept {
            if self.volumes {
                let sentence = format!("not all that helm has left can be removed: {error}");
                self.fail(at, Refusal::unclear(sentence).verdict());
                return;
            }
            self.emitter.emit(EventKind::Warning {
                release: Some(self.releases[at].step.id.clone()),
                message: format!("not all that its hooks have left is removed: {error}"),
            });
            self.releases[at].swept.clear();
        }
    }
}
