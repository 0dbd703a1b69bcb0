//! The log of one instance of a container, from its first line to its end.
//!
//! The API knows containers by name only: the log of an instance is there as long as it is the
//! present one, and as `previous` until the next one ends. So after a stream has been opened, the
//! pod is asked whose log it is: instances only move on, so if the one that is meant is still in
//! that place, the stream is its.

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
use super::{Cluster, error, locked};
use crate::runner::ports::LogTarget;
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
    pub(super) fn log_of(&self, target: LogTarget) -> LocalBoxStream<'static, String> {
        let follower = Follower {
            api: Api::namespaced(self.logs.clone(), &target.namespace),
            previous: target.previous,
            target,
            permits: Arc::clone(&self.log_permits),
            denials: Arc::clone(&self.log_denials),
            sender: self.sender.clone(),
            open: None,
            seen: Seen::default(),
            failures: 0,
            pause: FIRST_PAUSE,
            over: false,
        };
        stream::unfold(follower, |mut follower| async {
            let line = follower.next().await?;
            Some((line, follower))
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
    seen: Seen,
    failures: u32,
    pause: Duration,
    over: bool,
}

/// Where the instance stands, seen from its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Its log is what the API gives, and more may come.
    Running,
    /// Its log is what the API gives, and it is all there is.
    Ended,
    /// Its log is what the API gives as `previous`.
    Previous,
    Gone,
}

impl Follower {
    async fn next(&mut self) -> Option<String> {
        while !self.over {
            let Some((lines, _)) = &mut self.open else {
                self.reopen().await;
                continue;
            };
            let line = match lines.next().await {
                Piece::Line(line) => Some(line),
                Piece::NoLog => {
                    self.over = true;
                    None
                }
                Piece::End(rest) => {
                    self.open = None;
                    self.ended(rest).await
                }
                Piece::Broken => {
                    self.open = None;
                    self.failed().await;
                    None
                }
            };
            if let Some(line) = line.filter(|line| self.seen.is_new(line.at)) {
                self.failures = 0;
                self.pause = FIRST_PAUSE;
                return Some(line.text);
            }
        }
        None
    }

    /// A rest without a line feed is the container's last line only if the container has ended;
    /// else the connection was cut there, and the line comes again in full.
    async fn ended(&mut self, rest: Option<Line>) -> Option<Line> {
        if self.previous {
            self.over = true;
            return rest;
        }
        match self.place().await {
            Ok(Place::Running) => {
                self.wait().await;
                None
            }
            Ok(Place::Ended | Place::Previous | Place::Gone) => {
                self.over = true;
                rest
            }
            Err(_) => {
                self.failed().await;
                None
            }
        }
    }

    async fn reopen(&mut self) {
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
        let opened = self.api.log_stream(&self.target.pod, &params).await;
        let bytes = match opened {
            Ok(bytes) => bytes,
            Err(error) => {
                drop(permit);
                return self.refused(&error).await;
            }
        };
        let place = self.place().await;
        if place == Ok(Place::Running) {
            // As long as it runs, silence and broken streams are no reason to give up.
            self.failures = 0;
        }
        match place {
            // A pod that can't be asked is no reason to throw its log away.
            Ok(Place::Running | Place::Ended) | Err(()) => {
                self.open = Some((Lines::new(Box::pin(bytes)), permit));
            }
            Ok(Place::Previous) if self.previous => {
                self.open = Some((Lines::new(Box::pin(bytes)), permit));
            }
            Ok(Place::Previous) => self.previous = true,
            Ok(Place::Gone) => self.over = true,
        }
    }

    async fn refused(&mut self, error: &kube::Error) {
        let kube::Error::Api(status) = error else {
            return self.failed().await;
        };
        match status.code {
            // Without a start there is no log yet; without a former instance there never will be.
            400 if status.message.contains("is waiting to start") => {
                self.pause = self.pause.min(START_PAUSE);
                self.failed().await;
            }
            400 | 404 => self.over = true,
            401 | 403 => {
                self.over = true;
                self.denied(error);
            }
            _ => self.failed().await,
        }
    }

    fn denied(&self, error: &kube::Error) {
        let namespace = &self.target.namespace;
        if locked(&self.denials).insert(namespace.clone()) {
            let why = error::cause(error);
            let observation = Observation::Interrupted {
                what: format!("logs of pods in namespace `{namespace}`"),
                why: format!("not allowed to read them: {why}"),
            };
            drop(self.sender.send(observation));
        }
    }

    async fn failed(&mut self) {
        self.failures += 1;
        if self.failures >= PATIENCE {
            self.over = true;
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
        let question = || self.api.get_opt(pod);
        let found = error::ask("reading a pod", question).await.map_err(drop)?;
        let Some(Snapshot::Pod(pod)) = found.map(IntoSnapshot::into_snapshot) else {
            return Ok(Place::Gone);
        };
        let status = pod.status_of(container);
        Ok(status.map_or(Place::Gone, |s| place(s, &self.target.container_id)))
    }
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
        Place::Gone
    }
}
