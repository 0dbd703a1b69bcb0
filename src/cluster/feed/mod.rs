//! One watch: what it lists and streams becomes observations, whatever happens to its connection.
//!
//! kube's watcher recovers from dropped connections and `410 Gone` by itself but neither says what
//! has vanished during a relist nor when a quiet watch is well again after errors. So the objects
//! of the stream are remembered here, and after an outage the watcher is begun anew: its first list
//! is the proof that the watch goes on.

mod failure;

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, DefaultBackoff, Event};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::Instant;

use super::reach::{Reach, is_absence};
use crate::runner::ports::ObserveError;
use crate::snapshot::{Observation, Snapshot, Watched};
use failure::Failure;

/// Errors in a row that make an outage: one is a connection that was cut, two bad luck.
const OUTAGE: u32 = 3;
/// Errors that are further apart have nothing to do with each other.
const IN_A_ROW: Duration = Duration::from_secs(60);
/// Nobody is granted rights every second.
const DENIED_PAUSE: Duration = Duration::from_secs(60);
/// How often what may be listed and not watched is listed.
const LISTED_PAUSE: Duration = Duration::from_secs(5);
/// A kind that is not served any more, or not yet again.
const UNSERVED_PAUSE: Duration = Duration::from_secs(10);
/// A watch that has told nothing for so long is no proof that the API server still answers: somebody
/// between may take connections and let nothing through. kube's watcher begins such a one anew without
/// a word.
const QUIET: Duration = Duration::from_secs(60);
/// Seconds after which the server ends a watch, so that a dead connection is noticed soon.
const WATCH_SECONDS: u32 = 60;

/// What has become of a watch's first list.
#[derive(Debug, Clone)]
pub(super) enum First {
    Pending,
    /// Delivered, or given up where the run can do without.
    Done,
    Failed(ObserveError),
}

/// A watch to be run.
pub(super) struct Source<K> {
    pub api: Api<K>,
    pub selector: Option<&'static str>,
    pub label: Label,
    /// The run makes no sense without it: a failure of the first list is passed on.
    pub essential: bool,
    /// Neither missed nor worth a word when it is denied.
    pub quiet: bool,
    pub reach: Arc<Reach>,
    pub convert: Box<dyn Fn(K) -> Option<Snapshot> + Send>,
}

/// How people call what is watched.
#[derive(Debug, Clone)]
pub(super) struct Label {
    /// The plural, `pods`.
    pub resource: String,
    pub group: String,
    /// `Pod`
    pub kind: String,
    pub namespace: Option<String>,
}

impl Label {
    fn text(&self) -> String {
        self.watched().to_string()
    }

    fn watched(&self) -> Watched {
        let label = self.clone();
        Watched {
            group: label.group,
            kind: label.kind,
            resource: label.resource,
            namespace: label.namespace,
        }
    }

    /// What can't be told without this watch.
    fn unseen(&self) -> &'static str {
        match self.resource.as_str() {
            "events" => "causes that only events tell stay unnamed",
            "replicasets" => "pods of Deployments stay unseen",
            "endpointslices" => "needs on Services are not seen met",
            _ => "they are only seen where they are read one by one",
        }
    }
}

/// Runs a watch for ever. Ends only when nobody listens any more.
pub(super) async fn run<K>(
    source: Source<K>,
    sender: UnboundedSender<Observation>,
    first: watch::Sender<First>,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut config = watcher::Config::default().timeout(WATCH_SECONDS);
    config.label_selector = source.selector.map(str::to_owned);
    let mut watch = Watch {
        source,
        sender,
        first,
        known: HashMap::new(),
        listed: HashSet::new(),
        errors: 0,
        last_error: None,
        heard: Instant::now(),
        interrupted: false,
        said: false,
        listed_once: false,
        only_listed: false,
        hidden: false,
    };
    let mut backoff = DefaultBackoff::default();
    while !watch.sender.is_closed() {
        let mut events = watcher::watcher(watch.source.api.clone(), config.clone()).boxed();
        watch.heard = Instant::now();
        loop {
            let next = match tokio::time::timeout(QUIET, events.next()).await {
                Ok(next) => next,
                // Nothing may have happened, or nothing may come through any more.
                Err(_) if watch.has_begun() && watch.source.reach.answers().await => {
                    watch.errors = 0;
                    break;
                }
                Err(_) => continue,
            };
            let error = match next {
                None => break,
                Some(Ok(event)) => {
                    watch.heard = Instant::now();
                    if watch.apply(event) {
                        backoff.reset();
                    }
                    continue;
                }
                Some(Err(error)) => error,
            };
            let failure = Failure::from(&error);
            let pause = watch.failed(&failure);
            if watch.is_cut_off(&failure) && watch.source.reach.answers().await {
                // It was nobody's fault but the server's, and has been told.
                watch.errors = 0;
                continue;
            }
            let pause = pause.max(backoff.next().unwrap_or(IN_A_ROW));
            tokio::time::sleep(pause).await;
            watch.heard = Instant::now();
            if watch.interrupted {
                break;
            }
        }
    }
}

struct Watch<K> {
    source: Source<K>,
    sender: UnboundedSender<Observation>,
    first: watch::Sender<First>,
    /// By uid: the resource version and the state that was told last.
    known: HashMap<String, (Option<String>, Snapshot)>,
    listed: HashSet<String>,
    errors: u32,
    last_error: Option<Instant>,
    /// When it last said something, or was last asked.
    heard: Instant,
    interrupted: bool,
    /// The outage was told, so its end is to be told too.
    said: bool,
    listed_once: bool,
    /// It may be listed and not watched.
    only_listed: bool,
    /// It was told that nothing of it may be seen.
    hidden: bool,
}

impl<K> Watch<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// Returns whether a list is complete.
    fn apply(&mut self, event: Event<K>) -> bool {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                self.listed.insert(object.uid().unwrap_or_default());
                self.seen(object);
            }
            Event::Apply(object) => {
                self.only_listed = false;
                self.seen(object);
            }
            Event::Delete(object) => {
                self.only_listed = false;
                let last = self.known.remove(&object.uid().unwrap_or_default());
                let now = (self.source.convert)(object);
                if let Some(snapshot) = now.or(last.map(|(_, snapshot)| snapshot)) {
                    self.tell(Observation::Gone(snapshot));
                }
            }
            Event::InitDone => {
                self.vanished();
                self.well();
                return true;
            }
        }
        false
    }

    fn seen(&mut self, object: K) {
        let uid = object.uid().unwrap_or_default();
        let version = object.resource_version();
        let known = self.known.get(&uid);
        if known.is_some_and(|(told, _)| told.is_some() && *told == version) {
            return;
        }
        if let Some(snapshot) = (self.source.convert)(object) {
            self.known.insert(uid, (version, snapshot.clone()));
            self.tell(Observation::Seen(snapshot));
        }
    }

    /// Tells of everything that was known and is not in the list.
    fn vanished(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        let gone: Vec<Snapshot> = self
            .known
            .extract_if(|uid, _| !listed.contains(uid))
            .map(|(_, (_, snapshot))| snapshot)
            .collect();
        for snapshot in gone {
            self.tell(Observation::Gone(snapshot));
        }
    }

    fn well(&mut self) {
        self.errors = 0;
        self.interrupted = false;
        self.listed_once = true;
        if std::mem::take(&mut self.hidden) {
            self.tell(Observation::Visible(self.source.label.watched()));
        }
        if !self.only_listed && std::mem::take(&mut self.said) {
            let what = self.source.label.text();
            self.tell(Observation::Resumed { what });
        }
        self.first.send_replace(First::Done);
    }

    /// A watch that had begun and now fails again and again without a word from the server.
    fn is_cut_off(&self, failure: &Failure) -> bool {
        let fails = self.errors + 1 == OUTAGE || self.was_silent(failure);
        self.has_begun() && fails && is_absence(failure.code)
    }

    fn has_begun(&self) -> bool {
        !matches!(*self.first.borrow(), First::Pending)
    }

    /// A connection on which nothing came for longer than the server lets a watch last: whoever holds
    /// it, it is none to the server.
    fn was_silent(&self, failure: &Failure) -> bool {
        failure.code == 0 && self.heard.elapsed() > Duration::from_secs(WATCH_SECONDS.into())
    }

    /// Returns how long to wait at least before the next try.
    fn failed(&mut self, failure: &Failure) -> Duration {
        // The time that it was silent for is none between two errors.
        let since = |at: Instant| match self.was_silent(failure) {
            true => self.heard.saturating_duration_since(at),
            false => at.elapsed(),
        };
        let recent = self.last_error.is_some_and(|at| since(at) < IN_A_ROW);
        self.errors = if recent { self.errors + 1 } else { 1 };
        self.last_error = Some(Instant::now());
        let why = failure.why(&self.source.label);
        match failure.code {
            403 if failure.verb == "watch" && self.listed_once => {
                self.only_listed = true;
                let short = format!(
                    "forbidden; they are listed every {} s",
                    LISTED_PAUSE.as_secs()
                );
                self.interrupt(ObserveError::Denied(why), short, self.source.quiet);
                LISTED_PAUSE
            }
            403 => {
                let unseen = self.source.label.unseen();
                let short = format!("forbidden; {unseen}");
                self.interrupt(ObserveError::Denied(why), short, self.source.quiet);
                DENIED_PAUSE
            }
            // A kind whose definition was removed has no objects any more.
            404 if !self.source.essential => {
                self.listed.clear();
                self.vanished();
                self.well();
                UNSERVED_PAUSE
            }
            401 if self.errors >= OUTAGE => {
                self.interrupt(ObserveError::Denied(why), failure.cause.clone(), false);
                failure.wished_pause
            }
            _ if self.errors >= OUTAGE => {
                self.interrupt(ObserveError::Unreachable(why), failure.cause.clone(), false);
                failure.wished_pause
            }
            _ => failure.wished_pause,
        }
    }

    fn interrupt(&mut self, error: ObserveError, why: String, quiet: bool) {
        self.interrupted = true;
        if !quiet && !std::mem::replace(&mut self.said, true) {
            let what = self.source.label.text();
            self.tell(Observation::Interrupted { what, why });
        }
        let is_missed = matches!(error, ObserveError::Denied(_)) && !quiet && !self.listed_once;
        if is_missed && !std::mem::replace(&mut self.hidden, true) {
            self.tell(Observation::Hidden(self.source.label.watched()));
        }
        let essential = self.source.essential;
        self.first.send_if_modified(|first| {
            let pending = matches!(first, First::Pending);
            if pending && essential {
                *first = First::Failed(error);
            } else if pending {
                *first = First::Done;
            }
            pending
        });
    }

    fn tell(&self, observation: Observation) {
        // Nobody listens when the run is over; the loop sees that and ends.
        drop(self.sender.send(observation));
    }
}
