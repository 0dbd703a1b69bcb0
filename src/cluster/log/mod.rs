//! The log of one instance of a container, from its first line to its end.
//!
//! The API knows containers by name only: the log of an instance is there as long as it is the
//! present one, and as `previous` until the next one ends. So after a stream has been opened, the
//! pod is asked whose log it is: instances only move on, so if the one that is meant is still in
//! that place, the stream is its. An instance that no other comes after needs no such question.

pub(super) mod lines;
pub(super) mod seen;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, LocalBoxStream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::convert::IntoSnapshot;
use super::{Cluster, LOG_STREAMS, error, locked};
use crate::runner::ports::{Life, LogPart, LogTarget};
use crate::snapshot::{ContainerState, ContainerStatus, Observation, Snapshot};
use lines::{Line, Lines, Piece};
use seen::Seen;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause before a container that starts is asked again.
const START_PAUSE: Duration = Duration::from_secs(2);
/// Failures in a row after which the log is given up: about two minutes.
const PATIENCE: u32 = 15;

impl Cluster {
    /// As [`crate::runner::ports::Observer::log`] says. That logs of a namespace may not be read is
    /// told once, as an interrupted observation.
    pub(super) fn log_of(&self, target: LogTarget) -> LocalBoxStream<'static, LogPart> {
        let follower = Follower {
            api: Api::namespaced(self.logs.clone(), &target.namespace),
            previous: target.previous,
            target,
            permits: Arc::clone(&self.log_permits),
            denials: Arc::clone(&self.log_denials),
            sender: self.sender.clone(),
            open: None,
            whole: false,
            unsure: false,
            rest: None,
            seen: Seen::default(),
            cut: true,
            waited: false,
            lost: None,
            failures: 0,
            pause: FIRST_PAUSE,
            over: false,
        };
        stream::unfold(follower, |mut follower| async {
            let part = follower.next().await?;
            Some((part, follower))
        })
        .boxed_local()
    }
}

struct Follower {
    api: Api<Pod>,
    target: LogTarget,
    previous: bool,
    permits: Arc<Semaphore>,
    denials: Arc<Mutex<HashSet<String>>>,
    sender: UnboundedSender<Observation>,
    open: Option<(Lines, OwnedSemaphorePermit)>,
    /// The stream was opened after the container had ended, so it holds all there is.
    whole: bool,
    /// The pod could not be asked whose log the stream is.
    unsure: bool,
    /// A last line without a line feed: all of it, or where the connection was cut.
    rest: Option<Line>,
    seen: Seen,
    /// There may be lines that have not been read: nothing was yet, or the last stream broke.
    cut: bool,
    /// As many logs were being read as may be at once.
    waited: bool,
    /// Why there are lines that will not be read.
    lost: Option<String>,
    failures: u32,
    pause: Duration,
    over: bool,
}

/// Where the instance stands, seen from its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its log is what the API gives, and more may come.
    Running,
    /// Its log is what the API gives, and it is all there is.
    Ended,
    /// Its log is what the API gives as `previous`.
    Previous,
    /// Others have taken its place.
    Replaced,
    /// There is no pod of this name.
    Gone,
}

impl Follower {
    async fn next(&mut self) -> Option<LogPart> {
        while !self.over {
            let Some((lines, _)) = &mut self.open else {
                self.reopen().await;
                continue;
            };
            match lines.next().await {
                Piece::Line(line) => {
                    if self.rest.as_ref().is_some_and(|rest| rest.at <= line.at) {
                        self.rest = None;
                    }
                    if self.seen.is_new(line.at) {
                        self.failures = 0;
                        self.pause = FIRST_PAUSE;
                        return Some(LogPart::Line(line.text));
                    }
                }
                Piece::NoLog => self.lose("the node has removed its log"),
                Piece::End(rest) => {
                    self.open = None;
                    self.cut = false;
                    self.ended(rest).await;
                }
                Piece::Broken => {
                    self.open = None;
                    self.cut = true;
                    self.failed("the connection broke", true).await;
                }
            }
        }
        if let Some(line) = self.rest.take().filter(|line| self.seen.is_new(line.at)) {
            return Some(LogPart::Line(line.text));
        }
        self.lost.take().map(LogPart::Lost)
    }

    /// A stream that ends was cut, or its container has ended. Even then the connection may have
    /// been cut just before, so only a stream that was opened afterwards is proof of the end.
    async fn ended(&mut self, rest: Option<Line>) {
        self.rest = rest.or(self.rest.take());
        if self.previous || self.whole {
            self.over = true;
            return;
        }
        if self.unsure {
            return self.failed("its pod can't be read", true).await;
        }
        self.news().await;
    }

    /// Waits for what the watch tells next of the instance. That it has ended comes a moment after
    /// the end of its stream; where nothing comes, the stream was cut.
    async fn news(&mut self) {
        let news = tokio::time::timeout(self.pause, self.target.life.changed());
        match news.await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.wait().await,
            Err(_) => self.pause = (self.pause * 2).min(LONGEST_PAUSE),
        }
    }

    async fn reopen(&mut self) {
        self.waited |= self.permits.available_permits() == 0;
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            self.over = true;
            return;
        };
        let params = LogParams {
            container: Some(self.target.container.clone()),
            follow: !self.previous,
            previous: self.previous,
            since_time: self.seen.reopen(),
            timestamps: true,
            ..LogParams::default()
        };
        let life = *self.target.life.borrow_and_update();
        let opened = self.api.log_stream(&self.target.pod, &params).await;
        let bytes = match opened {
            Ok(bytes) => bytes,
            Err(error) => {
                drop(permit);
                return self.refused(&error).await;
            }
        };
        let place = match life {
            Life::Last if !self.previous => Ok(Place::Ended),
            _ => self.place().await,
        };
        self.unsure = place.is_err();
        if place == Ok(Place::Running) {
            // As long as it runs, silence and broken streams are no reason to give up.
            self.failures = 0;
        }
        match place {
            // The pod has gone since; what was opened while it was there is its log.
            Ok(Place::Ended | Place::Gone) => self.whole = true,
            // A pod that can't be asked is no reason to throw its log away.
            Ok(Place::Running) | Err(()) => self.whole = false,
            Ok(Place::Previous) if self.previous => self.whole = true,
            Ok(Place::Previous) => {
                self.previous = true;
                return;
            }
            Ok(Place::Replaced) => return self.lose("its log has made room for a later one"),
        }
        self.open = Some((Lines::new(Box::pin(bytes)), permit));
    }

    async fn refused(&mut self, error: &kube::Error) {
        let kube::Error::Api(status) = error else {
            return self.failed(&error::cause(error), false).await;
        };
        match status.code {
            // Without a start there is no log yet; without a former instance there never will be.
            400 if status.message.contains("is waiting to start") => {
                self.pause = self.pause.min(START_PAUSE);
                self.failed("it did not start", true).await;
            }
            404 => self.lose("its pod is gone"),
            400 => self.lose("the node has no log of it"),
            401 | 403 => {
                self.lose("its log may not be read");
                self.denied(error);
            }
            _ => self.failed(&error::cause(error), true).await,
        }
    }

    /// Ends the log. After a stream that came to its end there is most likely nothing to lose.
    fn lose(&mut self, why: &str) {
        self.open = None;
        self.over = true;
        if self.cut {
            let why = why.to_owned();
            self.lost = Some(match self.waited {
                true => format!("{why}; {LOG_STREAMS} logs are read at once, and it had to wait"),
                false => why,
            });
        }
    }

    fn denied(&self, error: &kube::Error) {
        let namespace = &self.target.namespace;
        if locked(&self.denials).insert(namespace.clone()) {
            let why = error::cause(error);
            let observation = Observation::Interrupted {
                what: format!("logs of pods in namespace `{namespace}`"),
                why: format!("forbidden: {why}"),
            };
            drop(self.sender.send(observation));
        }
    }

    /// `counts`: it speaks against this very log. An API server that does not answer at all speaks
    /// against none.
    async fn failed(&mut self, why: &str, counts: bool) {
        self.failures += u32::from(counts);
        if self.failures >= PATIENCE {
            self.lose(&format!("its log can't be read: {why}"));
        } else {
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    async fn place(&self) -> Result<Place, ()> {
        let LogTarget { pod, container, .. } = &self.target;
        whereabouts(&self.api, pod, container, &self.target.container_id).await
    }
}

/// Asks the pod where this instance of its container stands.
///
/// # Errors
/// The pod can't be asked.
pub(super) async fn whereabouts(
    api: &Api<Pod>,
    pod: &str,
    container: &str,
    instance: &str,
) -> Result<Place, ()> {
    let question = || api.get_opt(pod);
    let found = error::ask("reading a pod", question).await.map_err(drop)?;
    let Some(Snapshot::Pod(pod)) = found.map(IntoSnapshot::into_snapshot) else {
        return Ok(Place::Gone);
    };
    let status = pod.status_of(container);
    Ok(status.map_or(Place::Replaced, |s| place(s, instance)))
}

/// Which log the kubelet gives (k/k `kubelet_pods.go`, `validateContainerLogStatus`): that of the
/// running instance, else of the one that ended last; `previous` is the last state's.
fn place(status: &ContainerStatus, instance: &str) -> Place {
    let former = status
        .last
        .as_ref()
        .and_then(|end| end.container_id.as_deref());
    let (present, running) = match &status.state {
        ContainerState::Running { .. } => (status.container_id.as_deref(), true),
        ContainerState::Terminated(end) => (end.container_id.as_deref().or(former), false),
        ContainerState::Waiting { .. } => (former, false),
    };
    if present == Some(instance) && running {
        Place::Running
    } else if present == Some(instance) {
        Place::Ended
    } else if former == Some(instance) {
        Place::Previous
    } else {
        Place::Replaced
    }
}
