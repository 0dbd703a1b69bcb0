//! The namespaces of a stack, before anything is done in them.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use super::session;
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::event::{CancelReason, EventKind, Outcome};
use crate::names::Namespace;
use crate::plan::Plan;
use crate::runner::ports::{Ensured, ObserveError, Observer};
use crate::runner::{self, Channels};
use crate::wording;

/// Before a namespace is looked at again.
const PAUSE: Duration = Duration::from_secs(1);

/// They are looked at more than once: whoever had the stack before may have taken them away.
pub struct Namespaces<'a> {
    pub cluster: &'a Cluster,
    pub plan: &'a Plan,
    /// The run's own time.
    timeout: Option<Duration>,
    waited: Cell<Duration>,
}

/// Why nothing can be done in them.
pub enum NotReady {
    Cancelled(CancelReason),
    Failed(Failure),
}

impl From<ObserveError> for NotReady {
    fn from(error: ObserveError) -> NotReady {
        NotReady::Failed(session::observe(&error))
    }
}

impl NotReady {
    /// How a run ends that can't begin.
    pub fn ends(self) -> Result<Outcome, Failure> {
        match self {
            NotReady::Cancelled(reason) => Ok(runner::outcome_of(reason)),
            NotReady::Failed(failure) => Err(failure),
        }
    }
}

impl<'a> Namespaces<'a> {
    pub fn new(cluster: &'a Cluster, plan: &'a Plan, timeout: Option<Duration>) -> Namespaces<'a> {
        Namespaces {
            cluster,
            plan,
            timeout,
            waited: Cell::default(),
        }
    }

    /// What is left of the run's time.
    pub fn time_left(&self) -> Option<Duration> {
        let timeout = self.timeout?;
        Some(timeout.saturating_sub(self.waited.get()))
    }

    /// Makes those that are missing, if the profile allows it, each as soon as one of that name that
    /// is being deleted is gone.
    pub async fn ready(&self, channels: &mut Channels) -> Result<(), NotReady> {
        for namespace in self.plan.namespaces() {
            self.ensure(&namespace, channels).await?;
        }
        Ok(())
    }

    /// The same for the stack's own. Returns whether it was made.
    pub async fn own_ready(&self, channels: &mut Channels) -> Result<bool, NotReady> {
        let ensured = self.ensure(&self.plan.namespace, channels).await?;
        Ok(ensured == Ensured::Made)
    }

    /// Waits until the stack's own is not being deleted any more.
    pub async fn own_gone(&self, channels: &mut Channels) -> Result<(), NotReady> {
        let own = &self.plan.namespace;
        self.wait(own, false, channels).await.map(drop)
    }

    async fn ensure(
        &self,
        namespace: &Namespace,
        channels: &mut Channels,
    ) -> Result<Ensured, NotReady> {
        let is_brought = self.plan.may_be_brought(namespace);
        if is_brought || self.plan.create_namespace {
            return self.wait(namespace, !is_brought, channels).await;
        }
        match self.cluster.find_namespace(namespace).await? {
            Ensured::Missing => Err(NotReady::Failed(missing(namespace))),
            Ensured::Going(kept) => Err(NotReady::Failed(going(namespace, &kept))),
            found => Ok(found),
        }
    }

    async fn wait(
        &self,
        namespace: &Namespace,
        make: bool,
        channels: &mut Channels,
    ) -> Result<Ensured, NotReady> {
        let mut told = None;
        loop {
            let asked = Instant::now();
            let found = self.cluster.ensure(namespace, make).await?;
            let Ensured::Going(kept) = found else {
                return Ok(found);
            };
            if self.waited.get() >= self.limit() {
                return Err(NotReady::Failed(self.too_long(namespace, &kept)));
            }
            if told.as_ref() != Some(&kept) {
                channels.emitter.emit(EventKind::NamespaceWaiting {
                    namespace: namespace.clone(),
                    kept: kept.clone(),
                });
                told = Some(kept);
            }
            let left = self.limit().saturating_sub(self.waited.get());
            tokio::select! {
                Some(reason) = channels.cancel.recv() => return Err(NotReady::Cancelled(reason)),
                () = tokio::time::sleep(PAUSE.min(left)) => {}
            }
            self.waited.set(self.waited.get() + asked.elapsed());
        }
    }

    /// A run that has no time of its own waits as long as one of its releases may take.
    fn limit(&self) -> Duration {
        let longest = || self.plan.steps().iter().map(|step| step.timeout).max();
        self.timeout.or_else(longest).unwrap_or_default()
    }

    fn too_long(&self, namespace: &Namespace, kept: &[String]) -> Failure {
        let limit = wording::duration(self.limit());
        let text =
            format!("namespace `{namespace}` is being deleted, and was not gone within {limit}");
        let failure = Failure::new(Kind::DeadlinePassed, text).details(told(kept));
        failure.hint(show(namespace))
    }
}

fn missing(namespace: &Namespace) -> Failure {
    let text = format!("there is no namespace `{namespace}`");
    Failure::new(Kind::Environment, text)
        .hint("make it, or let the profile say `createNamespace: true`")
}

fn going(namespace: &Namespace, kept: &[String]) -> Failure {
    let text = format!("namespace `{namespace}` is being deleted");
    let failure = Failure::new(Kind::Environment, text).details(told(kept));
    failure.hint(
        "make it anew once it is gone, or let the profile say `createNamespace: true`: then it is \
         waited for and made",
    )
}

/// What keeps it, a line each.
fn told(kept: &[String]) -> impl Iterator<Item = String> {
    kept.iter().map(|line| format!("  {line}"))
}

/// How to see what keeps it.
pub fn show(namespace: &Namespace) -> String {
    format!("`kubectl get namespace {namespace} -o yaml` says in its status what keeps it")
}
