//! From the start of helm to the moment when its revision is in the cluster.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::{Done, LAST_WORDS, Up};
use crate::event::EventKind;
use crate::runner::ports::{Cancel, DeployError, Mark};
use crate::runner::tracked::{Doom, HelmSaid, Phase};
use crate::snapshot::RecordStatus;
use crate::verdict::Baseline;

impl Up<'_> {
    pub(super) fn start(&mut self, at: usize) {
        let now = Instant::now();
        let release = &mut self.releases[at];
        let step = release.step;
        let last = self
            .world
            .last_record(step.namespace.as_str(), step.release.as_str());
        release.before = last.map_or(0, |record| record.revision);
        release.baseline = Baseline::of(&self.world);
        release.phase = Phase::Deploying;
        let own = now + step.timeout;
        release.deadline = Some(self.deadline.map_or(own, |run| run.min(own)));
        let limit = release.remaining(now);
        let cancel: Cancel = release.cancel.clone();
        let deployer = self.deployer;
        self.emitter.emit(EventKind::ReleaseStarted {
            release: step.id.clone(),
        });
        self.work.push(
            async move { Done::Deployed(at, deployer.deploy(step, limit, cancel).await) }
                .boxed_local(),
        );
    }

    pub(super) fn not_deployed(&mut self, at: usize, error: DeployError) {
        let release = &self.releases[at];
        if release.phase != Phase::Deploying {
            return;
        }
        match error {
            DeployError::Cancelled if release.doom.is_some() => {}
            DeployError::Cancelled => {
                self.end(at, |release| EventKind::ReleaseCancelled { release });
            }
            DeployError::Refused {
                message,
                output,
                hints,
            } => self.refused(
                at,
                HelmSaid {
                    message: format!("helm says: {message}"),
                    output,
                    hints,
                },
            ),
        }
    }

    /// Gives a release up because of what helm said. Where a hook may be the cause, the cluster
    /// is given a moment to show it.
    pub(super) fn refused(&mut self, at: usize, said: HelmSaid) {
        let release = &mut self.releases[at];
        if !release.is_active() {
            return;
        }
        // Helm is through; what is left is to say why.
        release.phase = Phase::Converging;
        if let Some(doom) = &mut release.doom {
            doom.helm = Some(said);
            return;
        }
        let contents = release.contents.as_ref();
        let patience = if contents.is_none_or(|c| !c.hooks.is_empty()) {
            LAST_WORDS
        } else {
            Duration::ZERO
        };
        release.doom = Some(Doom {
            until: Instant::now() + patience,
            finding: None,
            helm: Some(said),
        });
    }

    /// Learns from helm's record which revision is being made, and asks for its contents.
    pub(super) fn read_record(&mut self, at: usize) {
        let release = &mut self.releases[at];
        if release.phase != Phase::Deploying {
            return;
        }
        let step = release.step;
        let Some(record) = self
            .world
            .last_record(step.namespace.as_str(), step.release.as_str())
        else {
            return;
        };
        if record.revision <= release.before {
            return;
        }
        let revision = record.revision;
        let deployed = record.status == RecordStatus::Deployed;
        if release.asked != Some(revision) {
            release.asked = Some(revision);
            release.revision = Some(revision);
            let observer = self.observer;
            let contents = async move {
                let read = observer.contents(&step.namespace, &step.release, revision);
                let contents = read.await;
                if let Ok(contents) = &contents {
                    observer.follow(&contents.objects).await;
                }
                Done::Contents(at, contents)
            };
            self.work.push(contents.boxed_local());
        }
        if release.helm_done && deployed && release.contents.is_some() {
            self.deployed(at, revision);
        }
    }

    pub(super) fn deployed(&mut self, at: usize, revision: u32) {
        let release = &mut self.releases[at];
        release.phase = Phase::Converging;
        let step = release.step;
        self.emitter.emit(EventKind::ReleaseDeployed {
            release: step.id.clone(),
            revision,
        });
        let contents = release.contents.clone().unwrap_or_default();
        let objects: Vec<_> = contents
            .objects
            .into_iter()
            .map(|mut object| {
                let own = || step.namespace.to_string();
                object.namespace.get_or_insert_with(own);
                object
            })
            .collect();
        let observer = self.observer;
        self.work.push(
            async move { Done::LookedAt(at, observer.refresh(&objects).await) }.boxed_local(),
        );
        self.mark(at, revision, Mark::Applied);
    }

    pub(super) fn mark(&self, at: usize, revision: u32, mark: Mark) {
        let (observer, step) = (self.observer, self.releases[at].step);
        let marked = async move {
            let done = observer.mark(&step.namespace, &step.release, revision, mark);
            Done::Marked(at, done.await)
        };
        self.work.push(marked.boxed_local());
    }
}
