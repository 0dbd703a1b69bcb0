//! Logs as a person asks for them: of a pod and container by name, whichever instance there is.

use std::time::Duration;

use futures::stream::{self, LocalBoxStream, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;

use super::Cluster;
use super::error::{cause, observe_error};
use super::log::lines::{Lines, Piece};
use super::log::seen::Seen;
use crate::names::Namespace;
use crate::runner::ports::ObserveError;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Tries in a row to go on with a stream that broke.
const PATIENCE: u32 = 8;

/// Which part of which log is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    pub namespace: Namespace,
    pub pod: String,
    pub container: String,
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

impl Cluster {
    /// The lines of a log. Ends with the container, or with an error as its last item: the pod or
    /// container is not there (`NotFound`), has not started yet (`Unexpected`, in the API's words), may
    /// not be read (`Denied`), or the stream broke for good (`Unreachable`).
    pub fn tail(
        &self,
        request: LogRequest,
    ) -> LocalBoxStream<'static, Result<LogLine, ObserveError>> {
        let tail = Tail {
            api: Api::namespaced(self.logs.clone(), request.namespace.as_str()),
            request,
            lines: None,
            seen: Seen::default(),
            broken: 0,
            begun: false,
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
    lines: Option<Lines>,
    seen: Seen,
    broken: u32,
    /// A line has been given: from here on, what follows it is asked for.
    begun: bool,
    over: bool,
}

impl Tail {
    async fn next(&mut self) -> Option<Result<LogLine, ObserveError>> {
        while !self.over {
            let Some(lines) = &mut self.lines else {
                if let Err(error) = self.open().await {
                    self.over = true;
                    return Some(Err(error));
                }
                continue;
            };
            let line = match lines.next().await {
                Piece::Line(line) => line,
                Piece::Broken => {
                    self.lines = None;
                    if let Err(error) = self.pause("the stream broke").await {
                        return Some(Err(error));
                    }
                    continue;
                }
                Piece::NoLog => {
                    self.over = true;
                    let text = format!("{}: the node has removed it", self.doing());
                    return Some(Err(ObserveError::NotFound(text)));
                }
                Piece::End(rest) => {
                    self.over = true;
                    match rest {
                        Some(line) => line,
                        None => return None,
                    }
                }
            };
            if self.seen.is_new(line.at) {
                (self.broken, self.begun) = (0, true);
                let (at, text) = (line.at, line.text);
                return Some(Ok(LogLine { at, text }));
            }
        }
        None
    }

    async fn open(&mut self) -> Result<(), ObserveError> {
        let since_time = self.seen.reopen();
        let request = &self.request;
        let fresh = !self.begun;
        let since = request.since.filter(|_| fresh);
        let params = LogParams {
            container: Some(request.container.clone()),
            follow: request.follow,
            previous: request.previous,
            // 0 would mean everything.
            since_seconds: since.map(|s| i64::try_from(s.as_secs().max(1)).unwrap_or(i64::MAX)),
            since_time,
            tail_lines: request.tail_lines.filter(|_| fresh).map(i64::from),
            timestamps: true,
            ..LogParams::default()
        };
        match self.api.log_stream(&request.pod, &params).await {
            Ok(bytes) => {
                self.lines = Some(Lines::new(Box::pin(bytes)));
                Ok(())
            }
            // Once it has begun, only the connection can be at fault.
            Err(error) if self.begun && !matches!(error, kube::Error::Api(_)) => {
                self.pause(&cause(&error)).await
            }
            Err(error) => Err(observe_error(&self.doing(), &error)),
        }
    }

    async fn pause(&mut self, why: &str) -> Result<(), ObserveError> {
        self.broken += 1;
        if self.broken > PATIENCE {
            self.over = true;
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
