//! The two doors through which the runner reaches the world: [`Deployer`] is helm,
//! [`Observer`] the cluster. Both speak in snapshots and names, so a test can stand behind them.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::LocalBoxStream;
use futures::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::task::coop::unconstrained;
use tokio_util::sync::CancellationToken;

use super::lease::Gate;
pub use super::refusal::{MissingKind, Refusal, Trouble};
use crate::lease::Lease;
use crate::memory::Left;
use crate::names::{Namespace, ReleaseName, RunId, StackName};
use crate::plan::{Command, Step};
use crate::snapshot::{
    Contents, Drift, Lingering, Meta, ObjectRef, Observation, Record, StackId, Surveyed,
};

/// Installs, upgrades and removes releases.
pub trait Deployer {
    /// Applies the release and returns as soon as its objects are in the cluster and its hooks
    /// are through; it does not wait for readiness. `revision` is the one that this is going to
    /// make: it is written on its record, beside the run. `limit` bounds each hook.
    ///
    /// When `cancel` fires, what runs is asked to end, or made to.
    fn deploy<'a>(
        &'a self,
        step: &'a Step,
        revision: u32,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>>;

    /// Brings the release back to an earlier revision, as a new one; returns as [`Deployer::deploy`].
    fn roll_back<'a>(
        &'a self,
        step: &'a Step,
        to: u32,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>>;

    /// What [`Deployer::deploy`] would apply, without hooks. An object that names no namespace is of the
    /// release's, or of none.
    fn would_apply<'a>(
        &'a self,
        step: &'a Step,
        revision: u32,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, DeployError>>;

    /// Runs a command of the profile that belongs to the release, for at most `limit`.
    ///
    /// When `cancel` fires, it is asked to end, or made to.
    fn command<'a>(
        &'a self,
        step: &'a Step,
        command: &'a Command,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>>;

    /// Removes the release; returns once its deletion is under way, not when all is gone.
    /// Ok also where there was none.
    fn remove<'a>(
        &'a self,
        step: &'a Step,
        history: History,
        limit: Duration,
        cancel: Cancel,
    ) -> LocalBoxFuture<'a, Result<(), DeployError>>;
}

/// What becomes of a release's revisions when it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// The last one stays as uninstalled.
    Kept,
    Deleted,
}

/// Two wishes to end: `gently` leaves time to end cleanly, `now` doesn't. And whether anything may be
/// started at all.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    pub gently: CancellationToken,
    pub now: CancellationToken,
    gate: Gate,
}

impl Cancel {
    /// Of what may only be started while this gate is open.
    pub fn behind(gate: &Gate) -> Cancel {
        Cancel {
            gate: gate.clone(),
            ..Cancel::default()
        }
    }

    /// Returns once a program may be started. To be asked right before it is, with nothing in between.
    ///
    /// # Errors
    /// It was given up before.
    pub async fn may_start(&self) -> Result<(), DeployError> {
        tokio::select! {
            biased;
            () = self.gate.opened() => Ok(()),
            () = self.gently.cancelled() => Err(DeployError::Cancelled),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployError {
    /// Ended because it was asked to.
    Cancelled,
    /// Said no.
    Refused(Refusal),
}

/// How a revision has ended whose helm could not say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionEnd {
    /// helm was through with it.
    Deployed,
    Failed,
}

/// Who makes a revision.
#[derive(Debug, Clone, Copy)]
pub struct Maker<'a> {
    pub stack: &'a StackId,
    pub run: &'a RunId,
}

/// Sees the cluster.
pub trait Observer {
    /// Starts to watch these namespaces and returns once the first state of all watches has been
    /// delivered to the stream that [`Observer::observations`] gave. Watching one twice is harmless.
    fn watch<'a>(
        &'a self,
        namespaces: &'a [Namespace],
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>>;

    /// How a namespace stands; one that is missing is made, if that is asked for.
    fn ensure<'a>(
        &'a self,
        namespace: &'a Namespace,
        make: bool,
    ) -> LocalBoxFuture<'a, Result<Ensured, ObserveError>>;

    /// Everything that the watches tell, in order, without end. Taken once.
    fn observations(&self) -> LocalBoxStream<'static, Observation>;

    /// Watches the kinds of these objects too, where they are not watched already and carry a
    /// status to wait for. Returns once they have been delivered; kinds that the cluster does not
    /// serve are left out.
    fn follow<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>>;

    /// What a revision of a release consists of, read once from its record, each object with the
    /// namespace where it lives.
    fn contents<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<Contents, ObserveError>>;

    /// The present state of these objects, asked for once, for the moment after helm has returned:
    /// a watch may still show the generation before, or may not be at all.
    fn refresh<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Observation>, ObserveError>>;

    /// Those of these objects that there are, and what helm holds of each. One question for each
    /// namespace and kind, however many they are; what may not be asked for is taken to be there.
    fn survey<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Surveyed>, ObserveError>>;

    /// Those of these objects that are still there. As [`Observer::survey`], but what may not be asked
    /// for is taken to be gone.
    fn lingering<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Lingering>, ObserveError>>;

    /// Deletes what a release has left. Ok also where it is gone. Returns those that stay, for helm has
    /// made what is there of that name for another release.
    fn delete<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, ObserveError>>;

    /// Which of these objects of a revision are not as its manifest says, and the fields for whose
    /// sake helm would be refused, should it apply the revision again. Tried without a change.
    fn drift<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Drift, ObserveError>>;

    /// The log of one instance of a container from its first line to its end, reconnecting where the
    /// stream breaks, no line twice. The stream ends when the container has ended or its log is gone.
    fn log(&self, target: LogTarget) -> LocalBoxStream<'static, LogPart>;

    /// Every revision that helm keeps of a release, asked for once: a watch may be behind.
    fn revisions<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
    ) -> LocalBoxFuture<'a, Result<Vec<Record>, ObserveError>>;

    /// Notes on the record of a pending revision how it has ended, if it still is pending, and tells
    /// how the record stands then.
    fn close<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
        end: RevisionEnd,
    ) -> LocalBoxFuture<'a, Result<Record, ObserveError>>;

    /// Writes on the record of `target` that a run of a stack is going to make `revision` from
    /// it. `helm rollback` takes the labels of the record that it goes back to (`pkg/action/rollback.go`,
    /// `prepareRollback`) and writes them with each state of the new one, so the new one says from its
    /// first moment who has made it, whenever helm is ended.
    fn mark_target<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        target: u32,
        revision: u32,
        by: Maker<'a>,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>>;

    /// Writes on the record of a revision that its removal has begun, so that whoever finds the
    /// record uninstalled knows that the rest of it is to go too.
    fn mark_removal<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>>;

    /// Writes down, with what is remembered of the stack, what is going to be left of one of its
    /// releases: once helm has deleted the release's record, nothing else tells of it.
    fn remember<'a>(
        &'a self,
        stack: &'a StackName,
        home: &'a Namespace,
        left: &'a Left,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>>;

    /// Deletes exactly this pod. Ok also where it is gone.
    fn delete_pod<'a>(&'a self, pod: &'a Meta) -> LocalBoxFuture<'a, Result<(), ObserveError>>;

    /// Writes on the record of a revision that it was seen ready.
    fn mark_verified<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>>;
}

/// How a namespace stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ensured {
    /// It was missing.
    Made,
    Existed,
    /// Namespaces may not be read here; helm will say if this one is missing.
    Assumed,
    Missing,
    /// It is being deleted, and nothing can be made in it until it is gone. What keeps it, as far as
    /// the cluster says so.
    Going(Vec<String>),
}

/// The Lease of one stack.
pub trait Leases {
    /// None where there is none yet.
    fn read(&self) -> LocalBoxFuture<'_, Result<Option<Lease>, ObserveError>>;

    /// Writes over exactly the version that `wanted` names. None where that is no more: somebody
    /// else was faster.
    fn write<'a>(
        &'a self,
        wanted: &'a Lease,
    ) -> LocalBoxFuture<'a, Result<Option<Lease>, ObserveError>>;

    /// Something for each change, without end.
    fn changes(&self) -> LocalBoxStream<'static, ()>;

    /// Asks the holder, whoever that is, to make way.
    fn supersede<'a>(&'a self, by: &'a RunId) -> LocalBoxFuture<'a, Result<(), ObserveError>>;
}

/// One instance of a container.
#[derive(Debug, Clone)]
pub struct LogTarget {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// The instance; another id is another log.
    pub container_id: String,
    /// It has been followed by another instance already: ask for the log of the one before.
    pub previous: bool,
    /// What the watch says of it: that it has ended is not asked for where it is told.
    pub life: watch::Receiver<Life>,
}

/// How far an instance of a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Runs,
    /// It has ended, and another may take its place at any time.
    Ended,
    /// It has ended, and none comes after it.
    Last,
}

/// What comes of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPart {
    Line(String),
    /// The last part, where more was printed than could be had: why, in a few words.
    Lost(String),
}

/// What a stream of observations has at hand. tokio would have the stream look empty after so many
/// of them (its budget for one task), and what was left in it be taken for what is not there.
pub fn at_hand(observations: &mut LocalBoxStream<'static, Observation>) -> Option<Observation> {
    unconstrained(observations.next()).now_or_never().flatten()
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// There is no answer, or one that nobody can use (5xx).
    #[error("{0}")]
    Unreachable(String),
    /// It answers that it is busy, and when it wants to be asked again.
    #[error("{said}")]
    Busy { said: String, pause: Duration },
    #[error("{0}")]
    Denied(String),
    /// Nothing can be made in a namespace that is being deleted.
    #[error("{0}")]
    NamespaceGoing(String),
    #[error("{0}")]
    NotFound(String),
    /// It is there, but in a state that forbids what was asked.
    #[error("{0}")]
    Conflict(String),
    /// It is there, and this version of stackctl can't read it.
    #[error("{what}")]
    Unreadable { what: String, hint: String },
    #[error("{0}")]
    Unexpected(String),
}

impl ObserveError {
    /// The same question may be answered later: how long the API server wants to be left alone
    /// until then.
    pub fn passes(&self) -> Option<Duration> {
        match self {
            ObserveError::Unreachable(_) => Some(Duration::ZERO),
            ObserveError::Busy { pause, .. } => Some(*pause),
            ObserveError::Denied(_)
            | ObserveError::NamespaceGoing(_)
            | ObserveError::NotFound(_)
            | ObserveError::Conflict(_)
            | ObserveError::Unreadable { .. }
            | ObserveError::Unexpected(_) => None,
        }
    }
}
