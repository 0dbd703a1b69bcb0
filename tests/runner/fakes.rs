//! A helm and a cluster that do what a table says, on the paused clock.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{self, LocalBoxStream};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use stackctl::names::{Namespace, ReleaseName, RunId};
use stackctl::plan::{Command, Step};
use stackctl::runner::ports::{
    Cancel, DeployError, Deployer, LogPart, LogTarget, ObserveError, Observer, Refusal,
    RevisionEnd, Trouble,
};
use stackctl::snapshot::{
    Condition, Contents, Contested, Hook, Job, Lingering, Marks, Meta, ObjectRef, Observation,
    Owner, Pod, Record, RecordStatus, Share, Snapshot, Surveyed, Uid,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::scripted::{pod_of, running};

/// What becomes of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Ready so long after helm returned.
    Ready(u64),
    /// Its Job fails so long after helm returned.
    Fails(u64),
    /// helm says no.
    Refused,
    /// Nothing ever happens after helm returned.
    Stuck,
    /// Ready, and a second later not any more.
    Lost,
    /// Ready, a second later not any more, and another second later again.
    Flaps,
    /// A first install of it has failed before its hook was through; it is ready once it is
    /// installed anew.
    HalfInstalled,
    /// The same, and it has a volume.
    HalfInstalledWithData,
    /// The first helm gets no answer from the API server at the end, and leaves its revision so; the
    /// watch does not tell.
    Unanswered(RecordStatus),
    /// helm returns well, and its last write is lost.
    Unrecorded,
    /// No helm ever gets an answer.
    NeverAnswered,
    /// helm does not return until it is asked to end.
    Hangs,
    /// Ready at once; one more pod comes when it is removed, and goes after its owner.
    Replaced,
}

/// How long the fake helm takes, in milliseconds.
pub const HELM: u64 = 300;

#[derive(Clone)]
pub struct Fake {
    inner: Rc<Inner>,
}

struct Inner {
    fates: HashMap<String, Fate>,
    sender: UnboundedSender<Observation>,
    receiver: RefCell<Option<UnboundedReceiver<Observation>>>,
    at_work: Cell<usize>,
    most_at_work: Cell<usize>,
    verified: RefCell<Vec<String>>,
    /// What somebody does to objects, by their names.
    hands: RefCell<HashMap<String, Hand>>,
    surveys: Cell<usize>,
    went_back: RefCell<Vec<(String, u32)>>,
    /// The last revision of each release.
    revisions: RefCell<HashMap<String, u32>>,
    /// Revisions that were marked as made by this run.
    made: RefCell<Vec<(String, u32)>>,
    /// How many questions about contents get no answer.
    silent: Cell<u32>,
    /// Revisions that only those know who ask for them.
    unseen: RefCell<Vec<Snapshot>>,
    /// What happens a second after the first survey.
    later: RefCell<Vec<Snapshot>>,
}

/// What somebody does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    Deletes,
    /// So that helm can put it right.
    Edits,
    /// And keeps the field.
    Keeps,
}

/// What the fake helm holds of an object.
pub const SHARE: &str = "all";

impl Fake {
    pub fn new(fates: impl IntoIterator<Item = (String, Fate)>) -> Fake {
        let (sender, receiver) = unbounded_channel();
        Fake {
            inner: Rc::new(Inner {
                fates: fates.into_iter().collect(),
                sender,
                receiver: RefCell::new(Some(receiver)),
                at_work: Cell::new(0),
                most_at_work: Cell::new(0),
                verified: RefCell::default(),
                hands: RefCell::default(),
                surveys: Cell::default(),
                went_back: RefCell::default(),
                revisions: RefCell::default(),
                made: RefCell::default(),
                silent: Cell::default(),
                unseen: RefCell::default(),
                later: RefCell::default(),
            }),
        }
    }

    /// Gives no answer to so many questions about contents.
    pub fn keep_silent(&self, questions: u32) {
        self.inner.silent.set(questions);
    }

    /// The revisions that were marked as made by this run.
    pub fn made(&self) -> Vec<(String, u32)> {
        self.inner.made.borrow().clone()
    }

    /// The most helms that were at work at once.
    pub fn most_at_work(&self) -> usize {
        self.inner.most_at_work.get()
    }

    /// It was written down as verified.
    pub fn is_verified(&self, release: &str) -> bool {
        self.inner.verified.borrow().iter().any(|it| it == release)
    }

    pub fn by_hand(&self, object: &str, hand: Hand) {
        let mut hands = self.inner.hands.borrow_mut();
        hands.insert(object.to_owned(), hand);
    }

    /// How often was asked what there is.
    pub fn surveys(&self) -> usize {
        self.inner.surveys.get()
    }

    /// The revisions that releases went back to.
    pub fn went_back(&self) -> Vec<(String, u32)> {
        self.inner.went_back.borrow().clone()
    }

    fn tell(&self, snapshot: Snapshot) {
        if let Snapshot::Record(record) = &snapshot {
            let mut revisions = self.inner.revisions.borrow_mut();
            let last = revisions.entry(record.release.clone()).or_default();
            *last = record.revision.max(*last);
        }
        let _ = self.inner.sender.send(Observation::Seen(snapshot));
    }

    /// Tells after a while, from the side.
    fn tell_later(&self, after: u64, snapshot: Snapshot) {
        let sender = self.inner.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            let _ = sender.send(Observation::Seen(snapshot));
        });
    }

    async fn helm(&self, step: &Step, revision: u32, cancel: Cancel) -> Result<(), DeployError> {
        let fate = self.inner.fates[step.id.as_str()];
        self.tell(record_of(
            step,
            revision,
            OWN_RUN,
            RecordStatus::PendingInstall,
        ));
        let time = match fate {
            Fate::Hangs => Duration::from_secs(100_000),
            _ => Duration::from_millis(HELM),
        };
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = cancel.gently.cancelled() => {
                self.tell(record_of(step, revision, OWN_RUN, RecordStatus::Failed));
                return Err(DeployError::Cancelled);
            }
        }
        let left = match fate {
            Fate::Unanswered(status) if revision == 1 => Some(status),
            Fate::NeverAnswered => Some(RecordStatus::Failed),
            _ => None,
        };
        if let Some(status) = left {
            if status == RecordStatus::Deployed {
                self.tell_later(1000, job(step, Some("Complete")));
            }
            let mut unseen = self.inner.unseen.borrow_mut();
            unseen.push(record_of(step, revision, OWN_RUN, status));
            return Err(DeployError::Refused(Refusal {
                trouble: Trouble::Unreachable,
                ..Refusal::unclear("the API server does not answer: connection refused")
            }));
        }
        if fate == Fate::Refused {
            self.tell(record_of(step, revision, OWN_RUN, RecordStatus::Failed));
            return Err(DeployError::Refused(Refusal {
                sentence: "helm says: no".into(),
                output: vec!["Error: no".into()],
                ..Refusal::default()
            }));
        }
        self.tell(job(step, None));
        if fate == Fate::Unrecorded {
            let pending = record_of(step, revision, OWN_RUN, RecordStatus::PendingInstall);
            self.inner.unseen.borrow_mut().push(pending);
            self.tell_later(0, job(step, Some("Complete")));
            return Ok(());
        }
        self.tell(record_of(step, revision, OWN_RUN, RecordStatus::Deployed));
        match fate {
            Fate::Replaced => self.tell(job(step, Some("Complete"))),
            Fate::Ready(after) => self.tell_later(after, job(step, Some("Complete"))),
            Fate::Fails(after) => self.tell_later(after, job(step, Some("Failed"))),
            Fate::Lost => {
                self.tell_later(100, job(step, Some("Complete")));
                self.tell_later(1100, job(step, None));
            }
            Fate::Flaps => {
                self.tell_later(100, job(step, Some("Complete")));
                self.tell_later(1100, job(step, None));
                self.tell_later(2100, job(step, Some("Complete")));
            }
            Fate::HalfInstalled | Fate::Unanswered(_) => {
                self.tell_later(0, job(step, Some("Complete")));
            }
            Fate::NeverAnswered
            | Fate::Unrecorded
            | Fate::Refused
            | Fate::Stuck
            | Fate::HalfInstalledWithData
            | Fate::Hangs => {}
        }
        Ok(())
    }
}

impl Deployer for Fake {
    fn deploy<'a>(
        &'a self,
        step: &'a Step,
        revision: u32,
        _limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            let at_work = self.inner.at_work.get() + 1;
            self.inner.at_work.set(at_work);
            let most = self.inner.most_at_work.get().max(at_work);
            self.inner.most_at_work.set(most);
            let result = self.helm(step, revision, cancel).await;
            self.inner.at_work.set(self.inner.at_work.get() - 1);
            result
        }
        .boxed_local()
    }

    fn command<'a>(
        &'a self,
        _step: &'a Step,
        command: &'a Command,
        _limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            let word = command.words[0].as_str();
            let time = Duration::from_secs(if word == "hangs" { 100_000 } else { 1 });
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = cancel.gently.cancelled() => return Err(DeployError::Cancelled),
            }
            if word == "fails" {
                return Err(DeployError::Refused(Refusal {
                    trouble: Trouble::Clear,
                    ..Refusal::unclear("the command `fails` failed: exit code 3")
                }));
            }
            Ok(())
        }
        .boxed_local()
    }

    fn roll_back<'a>(
        &'a self,
        step: &'a Step,
        to: u32,
        _limit: Duration,
        _cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            let went = (step.id.to_string(), to);
            self.inner.went_back.borrow_mut().push(went);
            let last = self
                .inner
                .revisions
                .borrow()
                .get(step.release.as_str())
                .copied();
            let next = last.unwrap_or_default() + 1;
            // helm copies the marks of the revision that it goes back to.
            let tell = |status| {
                let Snapshot::Record(mut record) = record_of(step, next, "an earlier one", status)
                else {
                    unreachable!()
                };
                record.marks.revision = Some(to);
                self.tell(Snapshot::Record(record));
            };
            tell(RecordStatus::PendingRollback);
            tokio::time::sleep(Duration::from_millis(HELM)).await;
            self.tell(job(step, None));
            tell(RecordStatus::Deployed);
            self.tell_later(1000, job(step, Some("Complete")));
            Ok(())
        }
        .boxed_local()
    }

    fn remove<'a>(
        &'a self,
        step: &'a Step,
        _limit: Duration,
        _cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            tokio::time::sleep(Duration::from_millis(HELM)).await;
            let Snapshot::Job(gone) = job(step, None) else {
                unreachable!()
            };
            let sender = self.inner.sender.clone();
            for revision in 1..3 {
                let record = record_of(step, revision, OWN_RUN, RecordStatus::Uninstalling);
                let _ = sender.send(Observation::Gone(record));
            }
            let fate = self.inner.fates[step.id.as_str()];
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(500)).await;
                let pod = Snapshot::Pod(pod_of_job(&gone.meta));
                if fate != Fate::Stuck {
                    let _ = sender.send(Observation::Gone(Snapshot::Job(gone)));
                }
                if fate == Fate::Replaced {
                    let _ = sender.send(Observation::Seen(pod.clone()));
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    let _ = sender.send(Observation::Gone(pod));
                }
            });
            Ok(())
        }
        .boxed_local()
    }
}

impl Observer for Fake {
    fn watch<'a>(&'a self, _: &'a [Namespace]) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn observations(&self) -> LocalBoxStream<'static, Observation> {
        let receiver = self.inner.receiver.borrow_mut().take().unwrap();
        stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|seen| (seen, receiver))
        })
        .boxed_local()
    }

    fn follow<'a>(&'a self, _: &'a [ObjectRef]) -> LocalBoxFuture<'a, ()> {
        async {}.boxed_local()
    }

    fn contents<'a>(
        &'a self,
        _: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<Contents, ObserveError>> {
        if let Some(left) = self.inner.silent.get().checked_sub(1) {
            self.inner.silent.set(left);
            let silence = ObserveError::Unreachable("nobody answers".into());
            return async { Err(silence) }.boxed_local();
        }
        let fate = self.inner.fates.get(release.as_str()).copied();
        let mut contents = Contents {
            revision,
            chart: format!("{release}-1.0.0"),
            objects: vec![ObjectRef {
                api_version: "batch/v1".into(),
                kind: "Job".into(),
                namespace: None,
                name: release.to_string(),
            }],
            hooks: match fate {
                Some(Fate::HalfInstalled | Fate::HalfInstalledWithData) => vec![install_hook()],
                _ => Vec::new(),
            },
            ..Contents::default()
        };
        if fate == Some(Fate::HalfInstalledWithData) {
            contents.objects.push(ObjectRef {
                api_version: "v1".into(),
                kind: "PersistentVolumeClaim".into(),
                namespace: None,
                name: "data".into(),
            });
        }
        async { Ok(contents) }.boxed_local()
    }

    fn refresh<'a>(
        &'a self,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Observation>, ObserveError>> {
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn survey<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Surveyed>, ObserveError>> {
        self.inner.surveys.set(self.inner.surveys.get() + 1);
        for snapshot in self.inner.later.take() {
            self.tell_later(1000, snapshot);
        }
        let hands = self.inner.hands.borrow();
        let there = objects.iter().filter_map(|object| {
            let share = match hands.get(&object.name) {
                Some(Hand::Deletes) => return None,
                Some(Hand::Edits | Hand::Keeps) => "less",
                None => SHARE,
            };
            Some(Surveyed {
                object: object.clone(),
                share: Some(Share(share.into())),
            })
        });
        let there = there.collect();
        async { Ok(there) }.boxed_local()
    }

    fn lingering<'a>(
        &'a self,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Lingering>, ObserveError>> {
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn delete<'a>(&'a self, _: &'a [ObjectRef]) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn contested<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        _: u32,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Contested>, ObserveError>> {
        let hands = self.inner.hands.borrow();
        let kept = objects
            .iter()
            .filter(|object| hands.get(&object.name) == Some(&Hand::Keeps));
        let contested = kept.map(|object| Contested {
            object: object.clone(),
            field: ".spec.replicas".into(),
            manager: "kubectl (scale)".into(),
        });
        let contested = contested.collect();
        async { Ok(contested) }.boxed_local()
    }

    fn log(&self, _: LogTarget) -> LocalBoxStream<'static, LogPart> {
        stream::empty().boxed_local()
    }

    fn revisions<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
    ) -> LocalBoxFuture<'a, Result<Vec<Record>, ObserveError>> {
        let unseen = self.inner.unseen.borrow();
        let records = unseen.iter().filter_map(|seen| match seen {
            Snapshot::Record(record) => Some(record.clone()),
            _ => None,
        });
        let records = records.collect();
        async { Ok(records) }.boxed_local()
    }

    fn close<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
        end: RevisionEnd,
    ) -> LocalBoxFuture<'a, Result<Record, ObserveError>> {
        let record = closed(namespace, release, revision, end);
        async { Ok(record) }.boxed_local()
    }

    fn mark_made<'a>(
        &'a self,
        _: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
        _: &'a RunId,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let made = (release.to_string(), revision);
        self.inner.made.borrow_mut().push(made);
        async { Ok(()) }.boxed_local()
    }

    fn delete_pod<'a>(&'a self, _: &'a Meta) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn mark_verified<'a>(
        &'a self,
        _: &'a Namespace,
        release: &'a ReleaseName,
        _: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        self.inner.verified.borrow_mut().push(release.to_string());
        async { Ok(()) }.boxed_local()
    }
}

/// Puts a release into the cluster before the run.
pub fn deployed(fake: &Fake, step: &Step) {
    fake.tell(record(step, RecordStatus::Deployed));
    fake.tell(job(step, Some("Complete")));
}

/// Puts a release into the cluster at this revision.
pub fn at_revision(fake: &Fake, step: &Step, revision: u32) {
    fake.tell(record_of(
        step,
        revision,
        "an earlier one",
        RecordStatus::Deployed,
    ));
    fake.tell(job(step, Some("Complete")));
}

/// Puts a release into the cluster that was made of these inputs. Where it was not `verified`, its Job
/// is through only after a while.
pub fn applied(fake: &Fake, step: &Step, inputs: &str, verified: bool) {
    let Snapshot::Record(mut record) = record(step, RecordStatus::Deployed) else {
        unreachable!()
    };
    record.marks.inputs = Some(inputs.into());
    record.marks.verified = verified.then_some(record.revision);
    fake.tell(Snapshot::Record(record));
    if verified {
        fake.tell(job(step, Some("Complete")));
    } else {
        fake.tell(job(step, None));
        fake.inner
            .later
            .borrow_mut()
            .push(job(step, Some("Complete")));
    }
}

/// Puts a release into the cluster whose first install has failed.
pub fn failed(fake: &Fake, step: &Step) {
    fake.tell(record(step, RecordStatus::Failed));
}

/// Puts a release into the cluster that was never deployed, and whose first revisions helm keeps no
/// more.
pub fn failed_for_long(fake: &Fake, step: &Step) {
    fake.tell(record_of(step, 5, OWN_RUN, RecordStatus::Failed));
}

fn install_hook() -> Hook {
    Hook {
        object: ObjectRef {
            api_version: "batch/v1".into(),
            kind: "Job".into(),
            namespace: Some("test".into()),
            name: "seed".into(),
        },
        events: vec!["pre-install".into()],
        weight: 0,
        succeeded: false,
    }
}

/// The run of these tests, as it marks its records.
pub const OWN_RUN: &str = "20260102-030405-0001";

pub fn record(step: &Step, status: RecordStatus) -> Snapshot {
    record_of(step, 1, OWN_RUN, status)
}

/// A record of this run that was closed.
pub fn closed(
    namespace: &Namespace,
    release: &ReleaseName,
    revision: u32,
    end: RevisionEnd,
) -> Record {
    Record {
        namespace: namespace.to_string(),
        release: release.to_string(),
        revision,
        status: match end {
            RevisionEnd::Deployed => RecordStatus::Deployed,
            RevisionEnd::Failed => RecordStatus::Failed,
        },
        modified: None,
        marks: Marks {
            run: Some(OWN_RUN.into()),
            ..Marks::default()
        },
    }
}

fn record_of(step: &Step, revision: u32, run: &str, status: RecordStatus) -> Snapshot {
    Snapshot::Record(Record {
        namespace: step.namespace.to_string(),
        release: step.release.to_string(),
        revision,
        status,
        modified: None,
        marks: Marks {
            run: Some(run.into()),
            revision: Some(revision),
            stack: Some("test".into()),
            ..Marks::default()
        },
    })
}

/// Puts a release into the cluster that was deployed once, and that a run has left like this.
pub fn left_behind(fake: &Fake, step: &Step, run: &str, status: RecordStatus) {
    fake.tell(record_of(step, 1, "another", RecordStatus::Deployed));
    fake.tell(record_of(step, 2, run, status));
}

fn job(step: &Step, condition: Option<&str>) -> Snapshot {
    let mut job = job_named(step.release.as_str(), condition);
    job.meta.uid = Uid::from(step.id.as_str());
    job.meta.namespace = step.namespace.to_string();
    Snapshot::Job(job)
}

pub fn job_named(name: &str, condition: Option<&str>) -> Job {
    let is = |kind: &str| u32::from(condition == Some(kind));
    let condition = condition.map(|kind| Condition {
        kind: kind.into(),
        status: "True".into(),
        reason: "BackoffLimitExceeded".into(),
        message: "Job has reached the specified backoff limit".into(),
        since: None,
    });
    Job {
        meta: Meta {
            uid: Uid::from(name),
            namespace: "test".into(),
            name: name.into(),
            generation: 1,
            created: Timestamp::UNIX_EPOCH,
            deleting: false,
            owner: None,
            revision_hash: None,
            hook: false,
        },
        completions: Some(1),
        parallelism: 1,
        backoff_limit: 0,
        suspended: false,
        active: 1 - is("Complete") - is("Failed"),
        succeeded: is("Complete"),
        failed: is("Failed"),
        conditions: condition.into_iter().collect(),
    }
}

fn pod_of_job(job: &Meta) -> Pod {
    let mut pod = pod_of(&job.name, false, running(), 0);
    pod.meta.owner = Some(Owner {
        uid: job.uid.clone(),
        kind: "Job".into(),
        name: job.name.clone(),
    });
    pod
}

/// A profile on disk with these releases and needs, and empty charts, in a folder that has to
/// outlive it.
pub fn profile_file(releases: &[(&str, Vec<&str>)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("chart");
    std::fs::create_dir(&chart).unwrap();
    std::fs::write(
        chart.join("Chart.yaml"),
        "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    )
    .unwrap();
    let mut text =
        String::from("name: test\nnamespace: test\ndefaults: {timeout: 60s}\nreleases:\n");
    for (id, needs) in releases {
        text += &format!(
            "  {id}: {{chart: ./chart, needs: [{}]}}\n",
            needs.join(", ")
        );
    }
    let file = folder.path().join("profile.yaml");
    std::fs::write(&file, text).unwrap();
    (folder, file)
}
