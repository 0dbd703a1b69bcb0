//! Logs as a person asks for them: of a pod and container by name, as far back as they like.

use std::time::Duration;

use futures::stream::{self, LocalBoxStream, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use tokio::time::Instant;

use super::Cluster;
use super::error::{cause, observe_error};
use super::log::lines::{Line, Lines, Piece};
use super::log::seen::Seen;
use super::log::{Place, whereabouts};
use crate::names::Namespace;
use crate::runner::ports::ObserveError;
use crate::snapshot::ContainerStatus;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Tries in a row to go on with a stream that broke, before it is given up or, where it is
/// followed, told.
const PATIENCE: u32 = 8;
/// The longest line, in bytes: nobody writes such a one but by mistake.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Which part of which log is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    pub namespace: Namespace,
    pub pod: String,
    pub container: String,
    /// The instance of the container, `containerd://...`: its log is told apart from that of the
    /// next one. Where it is not known, whichever there is.
    pub instance: Option<String>,
    /// The instance before the present one.
    pub previous: bool,
    /// Go on until the container ends.
    pub follow: bool,
    /// Only so many lines, counted from the end.
    pub tail_lines: Option<u32>,
    /// Only lines that are not older.
    pub since: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    pub text: String,
}

/// A run of a container whose log the API gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogInstance {
    /// `containerd://...`
    pub id: String,
    /// To be asked for as the one before the present one.
    pub previous: bool,
    /// It has ended: all that it said is there.
    pub over: bool,
}

impl LogInstance {
    /// Those of a container, oldest first.
    pub fn all(status: &ContainerStatus) -> Vec<LogInstance> {
        let instances = status.instances().into_iter();
        instances
            .map(|instance| LogInstance {
                id: instance.id,
                previous: instance.previous,
                over: instance.exit_code.is_some(),
            })
            .collect()
    }
}

impl Cluster {
    /// The lines of a log. Ends with the container, or with an error as its last item: the pod or
    /// container is not there (`NotFound`), has not started yet (`Unexpected`, in the API's words), may
    /// not be read (`Denied`), or the stream broke for good (`Unreachable`). With `follow` the last
    /// is told once an outage, and the log goes on after it.
    pub fn tail(
        &self,
        request: LogRequest,
    ) -> LocalBoxStream<'static, Result<LogLine, ObserveError>> {
        let tail = Tail {
            api: Api::namespaced(self.logs.clone(), request.namespace.as_str()),
            previous: request.previous,
            request,
            lines: None,
            seen: Seen::default(),
            asked: None,
            first: None,
            broken: 0,
            rest: false,
            over: false,
        };
        stream::unfold(tail, |mut tail| async {
            let line = tail.next().await?;
            Some((line, tail))
        })
        .boxed_local()
    }
}

struct Tail {
    api: Api<Pod>,
    request: LogRequest,
    previous: bool,
    lines: Option<Lines>,
    seen: Seen,
    /// When it was asked for first.
    asked: Option<Instant>,
    /// The first line that was given: from here on, what follows is asked for, and what comes
    /// again from before it was not wanted.
    first: Option<Timestamp>,
    broken: u32,
    /// The container has ended while it was followed: only what is left is to be read.
    rest: bool,
    over: bool,
}

impl Tail {
    async fn next(&mut self) -> Option<Result<LogLine, ObserveError>> {
        while !self.over {
            let Some(lines) = &mut self.lines else {
                if let Err(error) = self.open().await {
                    return Some(Err(error));
                }
                continue;
            };
            let line = match lines.next().await {
                Piece::Line(line) => Some(line),
                Piece::Broken => {
                    self.lines = None;
                    if let Err(error) = self.pause("the stream broke").await {
                        return Some(Err(error));
                    }
                    None
                }
                Piece::NoLog => {
                    self.over = true;
                    let text = format!("{}: the node has removed it", self.doing());
                    return Some(Err(ObserveError::NotFound(text)));
                }
                Piece::End(rest) => {
                    self.lines = None;
                    self.ended(rest).await
                }
            };
            if let Some(line) = line.filter(|line| self.is_new(line)) {
                self.broken = 0;
                self.first.get_or_insert(line.at);
                let (at, text) = (line.at, line.text);
                return Some(Ok(LogLine { at, text }));
            }
        }
        None
    }

    fn is_new(&mut self, line: &Line) -> bool {
        let wanted = self.first.is_none_or(|first| line.at >= first) || !self.seen.is_reopened();
        wanted && self.seen.is_new(line.at)
    }

    /// A followed stream also ends where somebody between us and the node cuts it. As long as the
    /// container runs it is opened again; when it has ended, what is left is read once more. A rest
    /// without a line feed comes again in full.
    async fn ended(&mut self, rest: Option<Line>) -> Option<Line> {
        let instance = self.request.instance.as_ref();
        let Some(instance) = instance.filter(|_| self.is_followed()) else {
            self.over = true;
            return rest;
        };
        let LogRequest { pod, container, .. } = &self.request;
        match whereabouts(&self.api, pod, container, instance).await {
            Ok(Place::Running) => {
                self.broken = 0;
                tokio::time::sleep(FIRST_PAUSE).await;
                None
            }
            Ok(place @ (Place::Ended | Place::Previous)) => {
                self.rest = true;
                self.previous = place == Place::Previous;
                None
            }
            Ok(Place::Replaced | Place::Gone) => {
                self.over = true;
                rest
            }
            Err(()) => {
                tokio::time::sleep(LONGEST_PAUSE).await;
                None
            }
        }
    }

    fn is_followed(&self) -> bool {
        self.request.follow && !self.previous && !self.rest
    }

    /// # Errors
    /// Nothing more comes, or, where it is followed, nothing for a while.
    async fn open(&mut self) -> Result<(), ObserveError> {
        let since_time = self.seen.reopen();
        let request = &self.request;
        let fresh = self.first.is_none();
        let asked = *self.asked.get_or_insert_with(Instant::now);
        let since = request.since.filter(|_| fresh);
        // What has been waited for since counts too: it is not older than what was wanted.
        let since = since.map(|since| (since + asked.elapsed()).as_secs().max(1));
        let params = LogParams {
            container: Some(request.container.clone()),
            follow: self.is_followed(),
            previous: self.previous,
            // 0 would mean everything.
            since_seconds: since.map(|s| i64::try_from(s).unwrap_or(i64::MAX)),
            since_time,
            tail_lines: request.tail_lines.filter(|_| fresh).map(i64::from),
            timestamps: true,
            ..LogParams::default()
        };
        let bytes = match self.api.log_stream(&request.pod, &params).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let told = observe_error(&self.doing(), &error);
                let away = match told {
                    ObserveError::Unreachable(_) if request.follow => true,
                    // Once it has begun, only the connection can be at fault.
                    _ => !fresh && !matches!(error, kube::Error::Api(_)),
                };
                if away {
                    return self.pause(&cause(&error)).await;
                }
                self.over = true;
                return Err(told);
            }
        };
        let lines = Lines::up_to(LONGEST_LINE, Box::pin(bytes));
        match self.whose().await {
            Some(Place::Gone) => self.over = true,
            Some(Place::Previous) if !self.previous => self.previous = true,
            _ => self.lines = Some(lines),
        }
        Ok(())
    }

    /// Where the instance that is meant stands, now that a stream has been opened: instances only
    /// move on, so if it is still in the place that was asked for, the stream is its. Nothing where
    /// it makes no difference or can't be asked.
    async fn whose(&self) -> Option<Place> {
        let LogRequest { pod, container, .. } = &self.request;
        let instance = self.request.instance.as_ref()?;
        whereabouts(&self.api, pod, container, instance).await.ok()
    }

    async fn pause(&mut self, why: &str) -> Result<(), ObserveError> {
        self.broken += 1;
        if self.broken == PATIENCE + 1 {
            self.over = !self.request.follow;
            let text = format!("{}: {why}", self.doing());
            return Err(ObserveError::Unreachable(text));
        }
        let pause = FIRST_PAUSE * 2u32.pow(self.broken.min(4) - 1);
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        Ok(())
    }

    fn doing(&self) -> String {
        let LogRequest {
            namespace,
            pod,
            container,
            ..
        } = &self.request;
        format!("reading the log of container `{container}` of pod `{pod}` in `{namespace}`")
    }
}
