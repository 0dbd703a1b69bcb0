//! What helm leaves behind when it uninstalls: objects of hooks, and volumes.

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, Down, Phase, last_record};
use crate::event::EventKind;
use crate::memory::{Left, ReleaseEnd};
use crate::runner::ports::{ObserveError, Refusal};
use crate::snapshot::{Lingering, ObjectRef, Remaining};

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
        let stays = self.stays(at);
        let due: Vec<Remaining> = self.due(at).cloned().collect();
        let release = &mut self.releases[at];
        release.phase = Phase::Vanishing;
        release.asked_at = Some(Instant::now());
        let mut goes = release.leftovers.clone();
        release.swept.clone_from(&goes);
        release.swept.extend(due.iter().map(|it| it.object.clone()));
        release.stays = stays;
        if release.swept.is_empty() {
            if release.keeps_record {
                self.forget(at);
            }
            return;
        }
        let (observer, gate, limits) = (self.observer, self.gate.clone(), release.limits());
        let step = release.step;
        release.asking = true;
        let swept = async move {
            let there = async || match due.as_slice() {
                [] => Ok(Vec::new()),
                due => observer.lingering(&references(due)).await,
            };
            let there = match limits.until_answered(there).await {
                Ok(there) => there,
                Err(error) => return Done::Swept(at, Err(error)),
            };
            let ours = there.into_iter().filter(|it| it.is_among(&due));
            goes.extend(ours.map(|it| it.object));
            let delete = async || {
                gate.opened().await;
                observer.delete(&step.namespace, &step.release, &goes).await
            };
            Done::Swept(at, limits.until_answered(delete).await)
        };
        self.work.push(swept.boxed_local());
    }

    /// What earlier removals have left of it and is to go by now.
    fn due(&self, at: usize) -> impl Iterator<Item = &Remaining> {
        let remembered = self.releases[at].remembered.iter();
        let ours = remembered.filter(|it| self.may_be_ours(it));
        let may_go = ours.filter(|it| !it.object.stays_for_good());
        may_go.filter(|it| self.volumes || !STAY.contains(&it.object.kind.as_str()))
    }

    /// What stays of it, where it is there.
    pub(super) fn stays(&self, at: usize) -> Vec<ObjectRef> {
        let release = &self.releases[at];
        let before = release.remembered.iter();
        let before = before.filter(|it| self.may_be_ours(it));
        let mut all = self.leftovers(at, true);
        all.extend(before.map(|it| it.object.clone()));
        all.extend(self.stays_for_good(at));
        let is_due = |object: &ObjectRef| self.due(at).any(|it| it.object == *object);
        all.retain(|it| !release.leftovers.contains(it) && !is_due(it));
        all
    }

    /// Tells whether what is found is the release's, or another's of the same name.
    pub(super) fn tells_ours(&self, at: usize) -> impl Fn(&Lingering) -> bool + use<> {
        let release = &self.releases[at];
        let (own, contents) = (self.leftovers(at, true), release.contents.clone());
        let remembered = release.remembered.clone();
        move |it| {
            let is_known = remembered.iter().any(|old| old.object == it.object);
            let is_of_this = contents.has(&it.object) || own.contains(&it.object);
            !is_known || is_of_this || it.is_among(&remembered)
        }
    }

    /// Nothing that is watched has come in its place.
    fn may_be_ours(&self, remembered: &Remaining) -> bool {
        let there = self.world.meta_by_name(&remembered.object);
        there.is_none_or(|there| there.uid == remembered.uid)
    }

    fn stays_for_good(&self, at: usize) -> impl Iterator<Item = ObjectRef> {
        let hooks = self.releases[at].contents.hooks.iter();
        let run = hooks.filter(|hook| hook.may_have_run());
        let objects = run.map(|hook| &hook.object);
        objects.filter(|it| it.stays_for_good()).cloned()
    }

    /// What is to go though helm leaves it.
    pub(super) fn leftovers(&self, at: usize, volumes: bool) -> Vec<ObjectRef> {
        let release = &self.releases[at];
        let (contents, own) = (&release.contents, release.step.namespace.as_str());
        let hooks = contents.hooks.iter().filter(|hook| hook.may_have_run());
        let hooks = hooks.map(|hook| &hook.object);
        let goes = |object: &&ObjectRef| match object.kind.as_str() {
            CLAIM if volumes => true,
            _ if contents.kept.contains(object) => false,
            "Secret" if volumes => true,
            kind => !STAY.contains(&kind),
        };
        let kept = contents.kept.iter().filter(|it| it.kind == CLAIM);
        let mut all: Vec<ObjectRef> = hooks
            .filter(goes)
            .chain(kept.filter(|_| volumes))
            .cloned()
            .collect();
        if volumes {
            let claims = self.world.claims.values().map(|claim| &claim.meta);
            let of_sets =
                claims.filter(|claim| contents.is_claim_of_set(own, &claim.namespace, &claim.name));
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

    /// Takes in what there is of what goes, and of what stays. What a StatefulSet owns by its
    /// `persistentVolumeClaimRetentionPolicy` (KEP-1847) goes with it.
    pub(super) fn sort_out(&mut self, at: usize, found: Vec<Lingering>) {
        let ours = found.into_iter().filter(self.tells_ours(at));
        let release = &mut self.releases[at];
        let (left, lingering): (Vec<Lingering>, Vec<Lingering>) =
            ours.partition(|it| release.stays.contains(&it.object) && !it.is_owned);
        release.left = left.into_iter().map(remaining).collect();
        release.lingering = Some(lingering);
    }

    /// What is to be remembered of a release that is gone. None where it is not, or where nothing has
    /// been done about it.
    pub(super) fn left_of(&self, at: usize) -> Option<Left> {
        let release = &self.releases[at];
        let step = release.step;
        let objects = match release.end? {
            ReleaseEnd::Removed => release.left.clone(),
            // helm has gone on to the end all the same.
            ReleaseEnd::Failed | ReleaseEnd::Cancelled
                if last_record(&self.world, step).is_none() =>
            {
                self.still_there(at)
            }
            _ => return None,
        };
        Some(self.to_remember(at, objects))
    }

    /// What is still there of a release that helm has forgotten, as far as it was seen.
    pub(super) fn still_there(&self, at: usize) -> Vec<Remaining> {
        let release = &self.releases[at];
        let mut own = self.leftovers(at, true);
        own.extend(self.objects(release));
        let there = own.into_iter().filter_map(|object| {
            let uid = self.world.meta_by_name(&object)?.uid.clone();
            Some(Remaining { object, uid })
        });
        let mut objects: Vec<Remaining> = there.collect();
        let before = release.remembered.iter().filter(|it| self.may_be_ours(it));
        let still = release.lingering.iter().flatten().cloned().map(remaining);
        let noted = match release.lingering {
            Some(_) => Vec::new(),
            None => release.noted.clone(),
        };
        let more = before.cloned().chain(release.left.clone());
        let more = more.chain(still).chain(noted);
        for one in more {
            if !objects.contains(&one) {
                objects.push(one);
            }
        }
        objects
    }

    /// What stays for good is remembered until it has been told at the end of the removal.
    pub(super) fn to_remember(&self, at: usize, objects: Vec<Remaining>) -> Left {
        let release = &self.releases[at];
        let (step, is_told) = (release.step, release.end == Some(ReleaseEnd::Removed));
        let objects = objects.into_iter();
        let objects = objects.filter(|it| !is_told || !it.object.stays_for_good());
        Left {
            release: step.release.clone(),
            namespace: step.namespace.clone(),
            objects: objects.collect(),
        }
    }

    pub(super) fn swept(&mut self, at: usize, swept: Result<Vec<ObjectRef>, ObserveError>) {
        self.releases[at].asking = false;
        if self.releases[at].phase != Phase::Vanishing {
            return;
        }
        match swept {
            Ok(others) => self.releases[at].swept.retain(|it| !others.contains(it)),
            Err(error) if self.volumes => {
                let sentence = format!("not all that helm has left can be removed: {error}");
                self.fail(at, Refusal::unclear(sentence).verdict());
                return;
            }
            Err(error) => {
                self.emitter.emit(EventKind::Warning {
                    release: Some(self.releases[at].step.id.clone()),
                    message: format!("not all that its hooks have left is removed: {error}"),
                });
                self.releases[at].swept.clear();
            }
        }
        if self.releases[at].keeps_record {
            self.forget(at);
        }
    }
}

fn references(remaining: &[Remaining]) -> Vec<ObjectRef> {
    remaining.iter().map(|it| it.object.clone()).collect()
}

pub(super) fn remaining(found: Lingering) -> Remaining {
    Remaining {
        object: found.object,
        uid: found.uid,
    }
}
