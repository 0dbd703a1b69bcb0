//! A helm and a cluster that do what a table says, on the paused clock.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{self, LocalBoxStream};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use stackctl::memory::Left;
use stackctl::names::{Namespace, ReleaseName, StackName};
use stackctl::plan::{Command, Step};
use stackctl::runner::ports::{
    Cancel, DeployError, Deployer, Ensured, History, LogPart, LogTarget, Maker, ObserveError,
    Observer, Refusal, RevisionEnd, Trouble,
};
use stackctl::snapshot::{
    Condition, ContainerState, Contents, Contested, Drift, Hook, Job, Lingering, Marks, Meta,
    ObjectRef, Observation, Owner, Pod, Record, RecordStatus, Share, Snapshot, Surveyed, Uid,
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
    /// A rollback of it fails at a hook, and helm leaves its revision pending.
    LeftPending,
    /// helm does not return until it is asked to end.
    Hangs,
    /// Ready at once; one more pod comes when it is removed, and goes after its owner.
    Replaced,
    /// A CronJob with a Job at work, whose pod goes after both.
    Scheduled,
    /// An object of this kind, which is not watched, whose pod goes after it.
    Unwatched(&'static str),
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
    /// Hooks of releases, by helm's names of these.
    hooks: RefCell<Vec<(String, Hook)>>,
    surveys: Cell<usize>,
    went_back: RefCell<Vec<(String, u32)>>,
    /// What was done to remove releases, in order.
    removals: RefCell<Vec<String>>,
    /// The last revision of each release.
    revisions: RefCell<HashMap<String, u32>>,
    /// Revisions that this run set out to make by a rollback, as marked on what they go back to.
    made: RefCell<Vec<(String, u32)>>,
    /// Pending revisions that were closed.
    closed: RefCell<Vec<(String, u32, RevisionEnd)>>,
    /// How many questions about contents get no answer.
    silent: Cell<u32>,
    /// The question that never gets an answer, and how often it was asked.
    unanswered: Cell<Option<Question>>,
    asked: Cell<u32>,
    /// Revisions that only those know who ask for them.
    unseen: RefCell<Vec<Snapshot>>,
    /// What happens a second after the first survey.
    later: RefCell<Vec<Snapshot>>,
    /// What the first watch of kinds that a release brings tells.
    followed: RefCell<Vec<Snapshot>>,
    /// Objects of kinds that nobody watches.
    stored: RefCell<Vec<Lingering>>,
    /// How many answers what is stored stays for; None stands for ever.
    answers_left: Cell<Option<u32>>,
    /// What releases consist of besides, by helm's names of these.
    objects: RefCell<Vec<(String, ObjectRef)>>,
    /// Revisions that have an object of this name, of one that not all have.
    only_in: RefCell<HashMap<String, Vec<u32>>>,
    /// What only those know who ask for it.
    when_asked: RefCell<Vec<Snapshot>>,
    /// How namespaces stand, one question after the other.
    namespaces: RefCell<VecDeque<Ensured>>,
    ensured: RefCell<Vec<String>>,
}

/// A question to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Contents,
    Lingering,
    /// The same before helm has removed anything.
    BeforeHelm,
    Marks,
    Follow,
    /// How objects are, once helm has returned.
    Refresh,
    /// The first list of all; it is never heard of again.
    Watch,
}

/// What somebody does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    Deletes,
    /// And somebody holds it.
    DeletesInVain,
    /// So that helm can put it right.
    Edits,
    /// And keeps the field.
    Keeps,
    /// What helm's manifest has left empty.
    FillsIn,
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
                hooks: RefCell::default(),
                surveys: Cell::default(),
                removals: RefCell::default(),
                went_back: RefCell::default(),
                revisions: RefCell::default(),
                made: RefCell::default(),
                closed: RefCell::default(),
                silent: Cell::default(),
                unanswered: Cell::default(),
                asked: Cell::default(),
                unseen: RefCell::default(),
                later: RefCell::default(),
                followed: RefCell::default(),
                stored: RefCell::default(),
                answers_left: Cell::default(),
                objects: RefCell::default(),
                only_in: RefCell::default(),
                when_asked: RefCell::default(),
                namespaces: RefCell::default(),
                ensured: RefCell::default(),
            }),
        }
    }

    /// How namespaces stand, one question after the other.
    pub fn finds(&self, namespaces: impl IntoIterator<Item = Ensured>) {
        self.inner.namespaces.borrow_mut().extend(namespaces);
    }

    /// The namespaces that were asked for.
    pub fn ensured(&self) -> Vec<String> {
        self.inner.ensured.borrow().clone()
    }

    /// Gives no answer to so many questions about contents.
    pub fn keep_silent(&self, questions: u32) {
        self.inner.silent.set(questions);
    }

    /// Never answers this question.
    pub fn break_down_at(&self, question: Question) {
        self.inner.unanswered.set(Some(question));
    }

    /// How often the question was asked that is never answered.
    pub fn asked(&self) -> u32 {
        self.inner.asked.get()
    }

    fn answers(&self, question: Question) -> Result<(), ObserveError> {
        if self.inner.unanswered.get() != Some(question) {
            return Ok(());
        }
        self.inner.asked.set(self.inner.asked.get() + 1);
        Err(ObserveError::Unreachable("status 500".into()))
    }

    /// The revisions that this run set out to make by a rollback.
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

    /// A release has this hook.
    pub fn has_hook(&self, release: &str, hook: Hook) {
        self.inner
            .hooks
            .borrow_mut()
            .push((release.to_owned(), hook));
    }

    /// What a watch of a kind of its own tells (`watched`), or only an answer.
    pub fn knows(&self, snapshot: Snapshot, watched: bool) {
        let inner = &self.inner;
        let place = if watched {
            &inner.followed
        } else {
            &inner.when_asked
        };
        place.borrow_mut().push(snapshot);
    }

    /// Puts an object into the cluster of a kind that nobody watches.
    pub fn stores(&self, object: Lingering) {
        self.inner.stored.borrow_mut().push(object);
    }

    /// A release has this object, which is being deleted. It is gone after so many answers; None
    /// stands for never.
    pub fn lets_go(&self, release: &str, going: Lingering, answers: Option<u32>) {
        let object = (release.to_owned(), going.object.clone());
        self.inner.objects.borrow_mut().push(object);
        self.inner.answers_left.set(answers);
        self.stores(going);
    }

    /// Only these revisions have the object of this name.
    pub fn is_only_in(&self, name: &str, revisions: &[u32]) {
        let mut only_in = self.inner.only_in.borrow_mut();
        only_in.insert(name.to_owned(), revisions.to_vec());
    }

    /// Objects that a release was given, as far as the revision has them.
    fn own_objects(&self, release: &str, revision: u32) -> Vec<ObjectRef> {
        let only_in = self.inner.only_in.borrow();
        let has = |object: &ObjectRef| {
            let revisions = only_in.get(&object.name);
            revisions.is_none_or(|it| it.contains(&revision))
        };
        let objects = self.inner.objects.borrow();
        let own = objects.iter().filter(|(of, it)| of == release && has(it));
        own.map(|(_, object)| object.clone()).collect()
    }

    pub fn stores_only(&self, object: Lingering) {
        self.inner.stored.replace(vec![object]);
    }

    /// The names of those that are there still.
    pub fn stored(&self) -> Vec<String> {
        let stored = self.inner.stored.borrow();
        stored.iter().map(|it| it.object.name.clone()).collect()
    }

    pub fn happens_later(&self, snapshot: Snapshot) {
        self.inner.later.borrow_mut().push(snapshot);
    }

    /// How often was asked what there is.
    pub fn surveys(&self) -> usize {
        self.inner.surveys.get()
    }

    pub fn removals(&self) -> Vec<String> {
        self.inner.removals.borrow().clone()
    }

    pub fn closed(&self) -> Vec<(String, u32, RevisionEnd)> {
        self.inner.closed.borrow().clone()
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
            Fate::Replaced | Fate::Scheduled => self.tell(job(step, Some("Complete"))),
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
            | Fate::LeftPending
            | Fate::Hangs
            | Fate::Unwatched(_) => {}
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

    fn would_apply<'a>(
        &'a self,
        step: &'a Step,
        revision: u32,
        _cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, DeployError>> {
        let mut objects = self.own_objects(step.release.as_str(), revision);
        for object in &mut objects {
            // As a chart writes it.
            object.namespace = None;
        }
        async { Ok(objects) }.boxed_local()
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
            // helm copies the marks of the revision that it goes back to, with each of its writes.
            let marked = (step.release.to_string(), next);
            let (run, revision) = match self.inner.made.borrow().contains(&marked) {
                true => (OWN_RUN, next),
                false => ("an earlier one", to),
            };
            let tell = |status| {
                let Snapshot::Record(mut record) = record_of(step, next, run, status) else {
                    unreachable!()
                };
                record.marks.revision = Some(revision);
                self.tell(Snapshot::Record(record));
            };
            tell(RecordStatus::PendingRollback);
            tokio::time::sleep(Duration::from_millis(HELM)).await;
            if self.inner.fates[step.id.as_str()] == Fate::LeftPending {
                let pending = record_of(step, next, run, RecordStatus::PendingRollback);
                self.inner.unseen.borrow_mut().push(pending);
                return Err(DeployError::Refused(Refusal::unclear("a hook failed")));
            }
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
        history: History,
        _limit: Duration,
        _cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>> {
        async move {
            tokio::time::sleep(Duration::from_millis(HELM)).await;
            let Snapshot::Job(gone) = job(step, None) else {
                unreachable!()
            };
            let sender = self.inner.sender.clone();
            let note = format!("{} {history:?}", step.id);
            self.inner.removals.borrow_mut().push(note);
            for revision in 1..3 {
                let record = |status| record_of(step, revision, OWN_RUN, status);
                let _ = sender.send(match history {
                    History::Kept => Observation::Seen(record(RecordStatus::Uninstalled)),
                    History::Deleted => Observation::Gone(record(RecordStatus::Uninstalling)),
                });
            }
            let fate = self.inner.fates[step.id.as_str()];
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(500)).await;
                let pod = Snapshot::Pod(pod_of_job(&gone.meta));
                let goes_later =
                    matches!(fate, Fate::Replaced | Fate::Scheduled | Fate::Unwatched(_));
                if fate != Fate::Stuck {
                    let _ = sender.send(Observation::Gone(Snapshot::Job(gone)));
                }
                if goes_later {
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
        match self.answers(Question::Watch) {
            Ok(()) => async { Ok(()) }.boxed_local(),
            Err(_) => std::future::pending().boxed_local(),
        }
    }

    fn ensure<'a>(
        &'a self,
        namespace: &'a Namespace,
        make: bool,
    ) -> LocalBoxFuture<'a, Result<Ensured, ObserveError>> {
        let made = if make { ", to be made" } else { "" };
        let asked = format!("{namespace}{made}");
        self.inner.ensured.borrow_mut().push(asked);
        let answer = self.inner.namespaces.borrow_mut().pop_front();
        async { Ok(answer.unwrap_or(Ensured::Existed)) }.boxed_local()
    }

    fn observations(&self) -> LocalBoxStream<'static, Observation> {
        let receiver = self.inner.receiver.borrow_mut().take().unwrap();
        stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|seen| (seen, receiver))
        })
        .boxed_local()
    }

    fn follow<'a>(&'a self, _: &'a [ObjectRef]) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let answer = self.answers(Question::Follow);
        for snapshot in self.inner.followed.take() {
            self.tell(snapshot);
        }
        async { answer }.boxed_local()
    }

    fn contents<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<Contents, ObserveError>> {
        if let Some(left) = self.inner.silent.get().checked_sub(1) {
            self.inner.silent.set(left);
            let silence = ObserveError::Unreachable("nobody answers".into());
            return async { Err(silence) }.boxed_local();
        }
        if let Err(error) = self.answers(Question::Contents) {
            return async { Err(error) }.boxed_local();
        }
        let fate = self.inner.fates.get(release.as_str()).copied();
        let mut contents = Contents {
            revision,
            chart: format!("{release}-1.0.0"),
            objects: vec![ObjectRef {
                api_version: "batch/v1".into(),
                kind: "Job".into(),
                namespace: Some(namespace.to_string()),
                name: release.to_string(),
            }],
            hooks: match fate {
                Some(Fate::HalfInstalled | Fate::HalfInstalledWithData) => vec![install_hook()],
                _ => Vec::new(),
            },
            ..Contents::default()
        };
        if fate == Some(Fate::Scheduled) {
            contents.objects[0].kind = "CronJob".into();
        }
        let own = self.own_objects(release.as_str(), revision);
        contents.objects.extend(own);
        if let Some(Fate::Unwatched(kind)) = fate {
            contents.objects[0].api_version = "v1".into();
            contents.objects[0].kind = kind.into();
        }
        let hooks = self.inner.hooks.borrow();
        let own = hooks.iter().filter(|(of, _)| of == release.as_str());
        contents.hooks.extend(own.map(|(_, hook)| hook.clone()));
        if fate == Some(Fate::HalfInstalledWithData) {
            contents.objects.push(ObjectRef {
                api_version: "v1".into(),
                kind: "PersistentVolumeClaim".into(),
                namespace: Some(namespace.to_string()),
                name: "data".into(),
            });
        }
        async { Ok(contents) }.boxed_local()
    }

    fn refresh<'a>(
        &'a self,
        _: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Observation>, ObserveError>> {
        if let Err(error) = self.answers(Question::Refresh) {
            return async { Err(error) }.boxed_local();
        }
        let asked = self.inner.when_asked.take().into_iter();
        let seen = asked.map(Observation::Seen).collect();
        async { Ok(seen) }.boxed_local()
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
                Some(Hand::Edits | Hand::Keeps | Hand::FillsIn) => "less",
                Some(Hand::DeletesInVain) | None => SHARE,
            };
            Some(Surveyed {
                object: object.clone(),
                share: Some(Share(share.into())),
                is_going: hands.get(&object.name) == Some(&Hand::DeletesInVain),
            })
        });
        let there = there.collect();
        async { Ok(there) }.boxed_local()
    }

    fn lingering<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Lingering>, ObserveError>> {
        let mut done = self.inner.removals.borrow().clone().into_iter();
        let answer = self.answers(match done.any(|it| it.ends_with("Deleted")) {
            true => Question::Lingering,
            false => Question::BeforeHelm,
        });
        let stored = self.inner.stored.borrow();
        let there = stored.iter().filter(|it| objects.contains(&it.object));
        let there: Vec<Lingering> = there.cloned().collect();
        drop(stored);
        if let Some(left) = self.inner.answers_left.get().filter(|_| !there.is_empty()) {
            self.inner.answers_left.set(Some(left.saturating_sub(1)));
            if left <= 1 {
                self.inner.stored.borrow_mut().clear();
            }
        }
        async { answer.map(|()| there) }.boxed_local()
    }

    fn delete<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, ObserveError>> {
        let deleted = objects.iter().map(|it| format!("{} deleted", it.short()));
        self.inner.removals.borrow_mut().extend(deleted);
        let mut stored = self.inner.stored.borrow_mut();
        stored.retain(|it| !objects.contains(&it.object));
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn drift<'a>(
        &'a self,
        _: &'a Namespace,
        _: &'a ReleaseName,
        _: u32,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Drift, ObserveError>> {
        let hands = self.inner.hands.borrow();
        let kept = objects
            .iter()
            .filter(|object| hands.get(&object.name) == Some(&Hand::Keeps));
        let contested = kept.map(|object| Contested {
            object: object.clone(),
            field: ".spec.replicas".into(),
            manager: "kubectl (scale)".into(),
        });
        let is_changed = |object: &&ObjectRef| hands.get(&object.name) != Some(&Hand::FillsIn);
        let drift = Drift {
            changed: objects.iter().filter(is_changed).cloned().collect(),
            contested: contested.collect(),
        };
        async { Ok(drift) }.boxed_local()
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
        let mut all = self.inner.closed.borrow_mut();
        all.push((release.to_string(), revision, end));
        async { Ok(record) }.boxed_local()
    }

    fn mark_target<'a>(
        &'a self,
        _: &'a Namespace,
        release: &'a ReleaseName,
        _: u32,
        revision: u32,
        _: Maker<'a>,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let made = (release.to_string(), revision);
        self.inner.made.borrow_mut().push(made);
        async { Ok(()) }.boxed_local()
    }

    fn delete_pod<'a>(&'a self, _: &'a Meta) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async { Ok(()) }.boxed_local()
    }

    fn mark_removal<'a>(
        &'a self,
        _: &'a Namespace,
        release: &'a ReleaseName,
        _: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let note = format!("{release} marked");
        self.inner.removals.borrow_mut().push(note);
        async { Ok(()) }.boxed_local()
    }

    fn remember<'a>(
        &'a self,
        _: &'a StackName,
        _: &'a Namespace,
        left: &'a Left,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let objects = left.objects.iter().map(|it| it.object.short());
        let note = format!(
            "{} leaves {}",
            left.release,
            objects.collect::<Vec<_>>().join(" ")
        );
        self.inner.removals.borrow_mut().push(note);
        async { Ok(()) }.boxed_local()
    }

    fn mark_verified<'a>(
        &'a self,
        _: &'a Namespace,
        release: &'a ReleaseName,
        _: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        self.inner.verified.borrow_mut().push(release.to_string());
        let answer = self.answers(Question::Marks);
        async { answer }.boxed_local()
    }
}

/// Puts a release into the cluster before the run.
pub fn deployed(fake: &Fake, step: &Step) {
    fake.tell(record(step, RecordStatus::Deployed));
    fake.tell(job(step, Some("Complete")));
}

/// Puts a release into the cluster whose only object is a CronJob with a Job at work.
pub fn scheduled(fake: &Fake, step: &Step) {
    fake.tell(record(step, RecordStatus::Deployed));
    let Snapshot::Job(mut job) = job(step, None) else {
        unreachable!()
    };
    job.meta.owner = Some(Owner {
        uid: Uid::from("cron"),
        kind: "CronJob".into(),
        name: step.release.to_string(),
    });
    fake.tell(Snapshot::Pod(pod_of_job(&job.meta)));
    fake.tell(Snapshot::Job(job));
}

/// Puts a release into the cluster whose only object is a ReplicationController with a pod.
pub fn unwatched(fake: &Fake, step: &Step, kind: &str) {
    fake.tell(record(step, RecordStatus::Deployed));
    let Snapshot::Job(job) = job(step, None) else {
        unreachable!()
    };
    let mut pod = pod_of_job(&job.meta);
    pod.meta.namespace = step.namespace.to_string();
    pod.meta.owner = Some(Owner {
        uid: job.meta.uid,
        kind: kind.into(),
        name: step.release.to_string(),
    });
    fake.tell(Snapshot::Pod(pod));
}

/// Puts a release into the cluster at this revision.
pub fn at_revision(fake: &Fake, step: &Step, revision: u32) {
    marked(fake, step, revision, |_| {});
}

/// Puts the revision before, too: helm keeps it.
pub fn superseded(fake: &Fake, step: &Step, revision: u32) {
    fake.tell(record_of(
        step,
        revision,
        "an earlier one",
        RecordStatus::Superseded,
    ));
}

/// The same with other marks.
pub fn marked(fake: &Fake, step: &Step, revision: u32, mark: impl FnOnce(&mut Marks)) {
    let earlier = record_of(step, revision, "an earlier one", RecordStatus::Deployed);
    let Snapshot::Record(mut record) = earlier else {
        unreachable!()
    };
    mark(&mut record.marks);
    fake.tell(Snapshot::Record(record));
    fake.tell(job(step, Some("Complete")));
}

/// Puts a release into the cluster whose removal was killed: helm had uninstalled it.
pub fn half_removed(fake: &Fake, step: &Step) {
    let Snapshot::Record(mut record) = record(step, RecordStatus::Uninstalled) else {
        unreachable!()
    };
    record.marks.removal = Some(record.revision);
    fake.tell(Snapshot::Record(record));
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

/// The same, seen ready, by a run of the stack of this name that is at home there.
pub fn made_by(fake: &Fake, step: &Step, inputs: &str, home: Option<&str>) {
    applied(fake, step, inputs, true);
    let Snapshot::Record(mut record) = record(step, RecordStatus::Deployed) else {
        unreachable!()
    };
    record.marks.inputs = Some(inputs.into());
    record.marks.verified = Some(record.revision);
    record.marks.home = home.map(str::to_owned);
    fake.tell(Snapshot::Record(record));
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
    hook("seed", "pre-install")
}

/// A Job that is a hook, and has not run yet.
pub fn hook(name: &str, event: &str) -> Hook {
    Hook {
        object: ObjectRef {
            api_version: "batch/v1".into(),
            kind: "Job".into(),
            namespace: Some("test".into()),
            name: name.into(),
        },
        events: vec![event.into()],
        weight: 0,
        ran: false,
        succeeded: false,
        stays: true,
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
        uid: record_uid(release, revision),
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

pub fn record_uid(release: &ReleaseName, revision: u32) -> Uid {
    Uid::from(format!("{release}.v{revision}"))
}

fn record_of(step: &Step, revision: u32, run: &str, status: RecordStatus) -> Snapshot {
    Snapshot::Record(Record {
        namespace: step.namespace.to_string(),
        release: step.release.to_string(),
        revision,
        uid: record_uid(&step.release, revision),
        status,
        modified: None,
        marks: Marks {
            run: Some(run.into()),
            revision: Some(revision),
            stack: Some("test".into()),
            home: Some("test".into()),
            ..Marks::default()
        },
    })
}

/// Puts a release into the cluster that was deployed once, and that a run has left like this.
pub fn left_behind(fake: &Fake, step: &Step, run: &str, status: RecordStatus) {
    fake.tell(record_of(step, 1, "another", RecordStatus::Deployed));
    fake.tell(record_of(step, 2, run, status));
}

/// Puts a Job into the cluster whose pod is not up yet.
pub fn starts(fake: &Fake, name: &str, reason: &str) {
    let job = job_named(name, None);
    let mut pod = pod_of_job(&job.meta);
    pod.phase = "Pending".into();
    pod.statuses[0].state = ContainerState::Waiting {
        reason: reason.into(),
        message: String::new(),
    };
    fake.tell(Snapshot::Job(job));
    fake.tell(Snapshot::Pod(pod));
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
        observed_generation: None,
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
        managed_by: None,
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
