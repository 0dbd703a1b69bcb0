//! The door to the cluster: the Observer port over kube. Owns connections, watches, logs and
//! records; what they tell leaves the room as snapshots. Must not know helm's command line, plans
//! or what is shown to whom.
//!
//! Everything that a watch tells goes into one unbounded channel, so that the order in which the
//! cluster spoke is kept and a slow reader never stalls a connection. Nothing secret is kept: of
//! helm's records only labels and, once, the names of objects are read.

mod connect;
pub mod convert;
mod discovery;
mod drift;
mod dry_run;
mod emptiness;
mod error;
mod feed;
mod follow;
mod lease;
mod log;
mod namespace;
mod presence;
mod reach;
mod record;
mod refresh;
mod rights;
mod stack_record;
mod survey;
mod tail;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::LocalBoxFuture;
use futures::stream::{self, LocalBoxStream, StreamExt};
use kube::Client;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::memory::Left;
use crate::names::{Namespace, ReleaseName, StackName};
use crate::runner::ports::{
    Ensured, LogPart, LogTarget, Maker, ObserveError, Observer, RevisionEnd,
};
use crate::snapshot::{Contents, Drift, Lingering, Meta, ObjectRef, Observation, Record, Surveyed};

pub use connect::{ConnectError, ConnectErrorKind, Target};
pub use dry_run::{Answer, Trial};
pub use emptiness::Emptied;
pub use rights::{Resource, Right};
pub use stack_record::{StoredStack, TRIES, Written, written_by_others};
pub use tail::{LogInstance, LogLine, LogRequest};

/// Log streams that are open at once: each is a connection from the API server to a kubelet.
const LOG_STREAMS: usize = 64;

/// The connection to one cluster. Dropping it ends its watches.
pub struct Cluster {
    client: Client,
    /// A client with more patience for silence.
    logs: Client,
    context: String,
    kube_context: Option<String>,
    version: ServerVersion,
    sender: UnboundedSender<Observation>,
    receiver: Mutex<Option<UnboundedReceiver<Observation>>>,
    watches: watch::Watches,
    discovery: discovery::Discovery,
    reach: Arc<reach::Reach>,
    log_permits: Arc<Semaphore>,
    /// Namespaces whose logs we may not read, so that this is said once.
    log_denials: Arc<Mutex<HashSet<String>>>,
    /// Kinds whose definition has been delivered, `certificates.cert-manager.io`.
    definitions: Mutex<HashSet<String>>,
}

/// `/version` of the API server; the numbers are 0 where it does not say them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerVersion {
    pub major: u32,
    pub minor: u32,
    /// `v1.34.4+k3s1`
    pub git_version: String,
}

impl Cluster {
    /// A cluster over a client that somebody has made already; nothing is asked.
    pub fn over(client: Client, context: &str, version: ServerVersion) -> Cluster {
        let (sender, receiver) = mpsc::unbounded_channel();
        Cluster {
            logs: client.clone(),
            discovery: discovery::Discovery::new(client.clone()),
            reach: Arc::new(reach::Reach::new(client.clone(), sender.clone())),
            client,
            context: context.to_owned(),
            kube_context: None,
            version,
            sender,
            receiver: Mutex::new(Some(receiver)),
            watches: watch::Watches::default(),
            log_permits: Arc::new(Semaphore::new(LOG_STREAMS)),
            log_denials: Arc::default(),
            definitions: Mutex::default(),
        }
    }

    /// What people call the cluster: the context's name, `in-cluster` in a pod.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The context that helm is to be given, None where there is none (in a pod).
    pub fn kube_context(&self) -> Option<&str> {
        self.kube_context.as_deref()
    }

    pub fn server_version(&self) -> &ServerVersion {
        &self.version
    }

    /// The namespace that the context names, else `default`.
    pub fn default_namespace(&self) -> &str {
        self.client.default_namespace()
    }
}

impl Observer for Cluster {
    fn watch<'a>(
        &'a self,
        namespaces: &'a [Namespace],
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        Box::pin(self.watch_namespaces(namespaces))
    }

    fn ensure<'a>(
        &'a self,
        namespace: &'a Namespace,
        make: bool,
    ) -> LocalBoxFuture<'a, Result<Ensured, ObserveError>> {
        match make {
            true => Box::pin(self.ensure_namespace(namespace)),
            false => Box::pin(self.find_namespace(namespace)),
        }
    }

    fn observations(&self) -> LocalBoxStream<'static, Observation> {
        match locked(&self.receiver).take() {
            Some(receiver) => stream::unfold(receiver, |mut receiver| async {
                receiver.recv().await.map(|seen| (seen, receiver))
            })
            .boxed_local(),
            None => stream::pending().boxed_local(),
        }
    }

    fn follow<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        Box::pin(self.follow_objects(objects))
    }

    fn contents<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<Contents, ObserveError>> {
        Box::pin(self.contents_of(namespace, release, revision))
    }

    fn refresh<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Observation>, ObserveError>> {
        Box::pin(self.refresh_objects(objects))
    }

    fn survey<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Surveyed>, ObserveError>> {
        Box::pin(self.survey_objects(objects))
    }

    fn lingering<'a>(
        &'a self,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<Lingering>, ObserveError>> {
        Box::pin(self.lingering_objects(objects))
    }

    fn delete<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Vec<ObjectRef>, ObserveError>> {
        Box::pin(self.delete_left(namespace, release, objects))
    }

    fn drift<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
        objects: &'a [ObjectRef],
    ) -> LocalBoxFuture<'a, Result<Drift, ObserveError>> {
        Box::pin(self.drift_of(namespace, release, revision, objects))
    }

    fn log(&self, target: LogTarget) -> LocalBoxStream<'static, LogPart> {
        self.log_of(target)
    }

    fn revisions<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
    ) -> LocalBoxFuture<'a, Result<Vec<Record>, ObserveError>> {
        Box::pin(Cluster::revisions(self, namespace, release))
    }

    fn close<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
        end: RevisionEnd,
    ) -> LocalBoxFuture<'a, Result<Record, ObserveError>> {
        Box::pin(self.write_end(namespace, release, revision, end))
    }

    fn mark_target<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        target: u32,
        revision: u32,
        by: Maker<'a>,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let labels = json!({
            "stackctl.dev/stack": by.stack.name.as_str(),
            "stackctl.dev/home": by.stack.namespace.as_str(),
            "stackctl.dev/run": by.run.as_str(),
            "stackctl.dev/revision": revision.to_string(),
            convert::ROLLED_BACK: format!("{revision}-{target}"),
        });
        Box::pin(self.write_labels(namespace, release, target, labels))
    }

    fn mark_removal<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let labels = json!({convert::REMOVAL: revision.to_string()});
        Box::pin(self.write_labels(namespace, release, revision, labels))
    }

    fn remember<'a>(
        &'a self,
        stack: &'a StackName,
        home: &'a Namespace,
        left: &'a Left,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        Box::pin(self.note_left(stack, home, left))
    }

    fn delete_pod<'a>(&'a self, pod: &'a Meta) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        Box::pin(self.remove_pod(pod))
    }

    fn mark_verified<'a>(
        &'a self,
        namespace: &'a Namespace,
        release: &'a ReleaseName,
        revision: u32,
    ) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        let labels = json!({"stackctl.dev/verified": revision.to_string()});
        Box::pin(self.write_labels(namespace, release, revision, labels))
    }
}

/// The lock is never held across an await and nothing panics under it, so poison means nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
