//! From the start of helm to the moment when its revision is in the cluster.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::closing::may_be_closed;
use super::{Done, LAST_WORDS, READ_AGAIN, Up};
use crate::event::EventKind;
use crate::runner::ports::{Cancel, DeployError, Maker, Refusal, Trouble};
use crate::runner::tracked::{Doom, Phase};
use crate::runner::watching::watch_objects;
use crate::snapshot::{Contents, ObjectRef, RecordStatus};
use crate::verdict::{Assessment, Baseline};

impl Up<'_> {
    pub(super) fn start(&mut self, at: usize) {
        let now = Instant::now();
        let release = &mut self.releases[at];
        let step = release.step;
        let last = self
            .world
            .last_record(step.namespace.as_str(), step.release.as_str());
        release.found = last.map_or(0, |record| record.revision);
        release.before = release.found;
        release.baseline = Baseline::of(&self.world);
        release.assessment = Assessment::default();
        release.phase = Phase::Deploying;
        release.deadline = Some(earlier(now + step.timeout, self.deadline));
        release.helm_works = true;
        self.helms += 1;
        let id = step.id.clone();
        self.emitter.emit(match release.back {
            Some(to) => EventKind::ReleaseRollingBack { release: id, to },
            None => EventKind::ReleaseStarted { release: id },
        });
        self.go_to_the_door(at);
    }

    /// Lets helm do its work, in the place that the release has among the helms.
    pub(super) fn deploy(&mut self, at: usize) {
        let release = &self.releases[at];
        let (step, revision, back) = (release.step, release.before + 1, release.back);
        let limit = release.remaining(Instant::now());
        let cancel: Cancel = release.cancel.clone();
        let limits = release.limits();
        let deployer = self.deployer;
        let (observer, run, stack) = (self.observer, self.run.clone(), self.stack.clone());
        let deployed = async move {
            let deployed = match back {
                Some(to) => {
                    let (namespace, release) = (&step.namespace, &step.release);
                    let (run, stack) = (&run, &stack);
                    let by = || Maker { stack, run };
                    let mark = || observer.mark_target(namespace, release, to, revision, by());
                    let marked = match cancel.may_start().await {
                        Ok(()) => Ok(limits.until_answered(mark).await),
                        Err(cancelled) => Err(cancelled),
                    };
                    match marked {
                        Err(cancelled) => Err(cancelled),
                        Ok(Err(error)) => Err(DeployError::Refused(Refusal {
                            trouble: Trouble::Clear,
                            sentence: format!(
                                "the record of its revision {to} can't be marked: {error}"
                            ),
                            ..Refusal::default()
                        })),
                        _ => deployer.roll_back(step, to, limit, cancel).await,
                    }
                }
                None => deployer.deploy(step, revision, limit, cancel).await,
            };
            match deployed {
                Err(error) if may_be_closed(&error) => Done::HelmFailed(at, revision, error),
                deployed => Done::Deployed(at, deployed),
            }
        };
        self.work.push(deployed.boxed_local());
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
            DeployError::Refused(said) if self.may_ask_again(at, &said) => {
                self.ask_again(at, &said);
            }
            DeployError::Refused(said) => self.refused(at, said),
        }
    }

    /// Gives a release up because of what helm said. Where a hook may be the cause, the cluster
    /// is given a moment to show it.
    pub(super) fn refused(&mut self, at: usize, said: Refusal) {
        let release = &mut self.releases[at];
        if !release.is_active() {
            return;
        }
        // What is left is to say why; a helm that is still at work is not needed any more.
        release.stop_helm(Instant::now());
        release.phase = Phase::Converging;
        if let Some(doom) = &mut release.doom {
            doom.helm = Some(said);
            return;
        }
        let contents = release.contents.as_ref();
        let unclear = said.trouble == Trouble::Unclear;
        let patience = if unclear && contents.is_none_or(|c| !c.hooks.is_empty()) {
            LAST_WORDS
        } else {
            Duration::ZERO
        };
        let until = Instant::now() + patience;
        release.doom = Some(Doom::new(until, None, Some(said)));
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
        // Somebody else's helm may be at work on it too.
        let ours = record.marks.run.as_deref() == Some(self.run.as_str());
        if record.revision <= release.before || !ours {
            return;
        }
        let revision = record.revision;
        let deployed = record.status == RecordStatus::Deployed;
        let is_new = release.asked.replace(revision) != Some(revision);
        let is_through = release.helm_done && deployed && release.contents.is_some();
        if is_new {
            release.revision = Some(revision);
            let (observer, limits) = (self.observer, release.limits());
            let contents = async move {
                Done::Contents(at, limits.read_contents(observer, step, revision).await)
            };
            self.work.push(contents.boxed_local());
        }
        if is_through {
            self.deployed(at, revision);
        }
    }

    /// Takes note of what the revision consists of, and watches what is not watched yet. A hook may
    /// be at work already, so its log is not kept waiting for that.
    pub(super) fn learn(&mut self, at: usize, contents: Contents) {
        let (observer, step) = (self.observer, self.releases[at].step);
        self.touched.learn(at, &contents);
        for unread in &contents.unread {
            let said = unread.warning(&step.release, "its object is not watched");
            self.warn(at, said);
        }
        let objects = contents.to_watch();
        let limits = self.releases[at].limits();
        let watching = async move {
            let watch = || watch_objects(observer, &step.namespace, &objects);
            Done::Watched(at, limits.until_answered(watch).await)
        };
        self.work.push(watching.boxed_local());
        let release = &mut self.releases[at];
        if release.settled.is_none() {
            release.hooks = contents.lasting_hooks();
        }
        release.contents = Some(contents);
    }

    pub(super) fn deployed(&mut self, at: usize, revision: u32) {
        let release = &mut self.releases[at];
        release.phase = Phase::Converging;
        // What its hooks were there to put right gets its time from here on.
        if release
            .contents
            .as_ref()
            .is_some_and(Contents::has_later_hooks)
        {
            release.baseline.forgive(&self.world);
        }
        let step = release.step;
        self.emitter.emit(EventKind::ReleaseDeployed {
            release: step.id.clone(),
            revision,
        });
        if release.back.is_some() {
            self.queue.succeed(at);
        } else {
            self.look_for_lost_hooks(at);
        }
        self.look(at, Duration::ZERO);
    }

    /// Asks once for everything of the release that a watch may still show as it was before, after
    /// a pause. What this helm has made anew and the watch has told of is none of it, and where no
    /// helm was started, whatever the watch has told of.
    pub(super) fn look(&mut self, at: usize, pause: Duration) {
        let release = &self.releases[at];
        let step = release.step;
        let objects = release.contents.as_ref().map(Contents::to_watch);
        let objects = objects.unwrap_or_default();
        let is_new = |object: &&ObjectRef| {
            let known = self.world.meta_by_name(object);
            let is_settled = release.settled.is_some();
            known.is_some_and(|known| is_settled || !release.baseline.had(&known.uid))
        };
        let unsure: Vec<ObjectRef> = objects.iter().filter(|o| !is_new(o)).cloned().collect();
        let (observer, limits) = (self.observer, release.limits());
        let looked = async move {
            tokio::time::sleep(pause).await;
            // Kinds that helm has only just brought were not served before.
            watch_objects(observer, &step.namespace, &objects).await?;
            observer.refresh(&unsure).await
        };
        let looked = async move { Done::LookedAt(at, limits.unless(looked).await) };
        self.work.push(looked.boxed_local());
    }

    /// Reads again, after a pause, what of a release no watch may tell of.
    pub(super) fn read_unwatched(&mut self, at: usize) {
        let release = &self.releases[at];
        let objects = release.contents.iter().flat_map(Contents::to_watch);
        let hidden: Vec<ObjectRef> = objects.filter(|it| self.world.is_hidden(it)).collect();
        if hidden.is_empty() {
            return;
        }
        let (observer, limits) = (self.observer, release.limits());
        let read = async move {
            tokio::time::sleep(READ_AGAIN).await;
            observer.refresh(&hidden).await
        };
        let read = async move { Done::LookedAt(at, limits.unless(read).await) };
        self.work.push(read.boxed_local());
    }

    pub(super) fn mark_verified(&self, at: usize, revision: u32) {
        let (observer, step) = (self.observer, self.releases[at].step);
        let limits = self.releases[at].marking(Instant::now());
        let marked = async move {
            let mark = || observer.mark_verified(&step.namespace, &step.release, revision);
            Done::Marked(at, limits.until_answered(mark).await)
        };
        self.work.push(marked.boxed_local());
    }
}

/// A release's own deadline, or the run's where that comes first.
pub(super) fn earlier(own: Instant, run: Option<Instant>) -> Instant {
    run.map_or(own, |run| run.min(own))
}
