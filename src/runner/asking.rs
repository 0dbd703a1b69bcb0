//! Questions to the cluster, and how long they are asked for: each release's end with its deadline
//! and when it is given up. What is asked again is so after ever longer pauses, and not sooner than
//! the API server wishes. An API server that is gone for good ends the run elsewhere.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ports::{ObserveError, Observer};
use super::sleep_until;
use crate::plan::Step;
use crate::snapshot::Contents;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long to wait before a question that was not answered is asked again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failed: u32,
}

impl Backoff {
    pub fn after(&mut self, error: &ObserveError) -> Duration {
        let longer = FIRST_PAUSE * 2u32.saturating_pow(self.failed.min(8));
        self.failed += 1;
        longer
            .min(LONGEST_PAUSE)
            .max(error.passes().unwrap_or_default())
    }

    /// It was not answered the last time.
    pub fn is_failing(&self) -> bool {
        self.failed > 0
    }

    pub fn reset(&mut self) {
        self.failed = 0;
    }
}

/// When questions are given up.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    pub cancel: CancellationToken,
    pub until: Option<Instant>,
}

impl Limits {
    /// Asks until there is an answer: a connection that breaks is none.
    pub async fn until_answered<T, F>(&self, question: impl Fn() -> F) -> Result<T, ObserveError>
    where
        F: Future<Output = Result<T, ObserveError>>,
    {
        let mut backoff = Backoff::default();
        let mut last = None;
        loop {
            let error = match self.within(question()).await {
                Some(Err(error)) if error.passes().is_some() => error,
                Some(answer) => return answer,
                None => return Err(last.unwrap_or_else(given_up)),
            };
            let pause = tokio::time::sleep(backoff.after(&error));
            if self.within(pause).await.is_none() {
                return Err(error);
            }
            last = Some(error);
        }
    }

    /// Reads what a revision consists of.
    pub async fn read_contents(
        &self,
        observer: &dyn Observer,
        step: &Step,
        revision: u32,
    ) -> Result<Contents, ObserveError> {
        self.until_answered(|| observer.contents(&step.namespace, &step.release, revision))
            .await
    }

    /// An answer, unless it is given up before there is one.
    pub async fn unless<T>(
        &self,
        answer: impl Future<Output = Result<T, ObserveError>>,
    ) -> Result<T, ObserveError> {
        self.within(answer).await.unwrap_or_else(|| Err(given_up()))
    }

    /// None where it is given up first.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.cancel.cancelled() => None,
            () = sleep_until(self.until) => None,
        }
    }
}

fn given_up() -> ObserveError {
    ObserveError::Unreachable("there was no answer in time".to_owned())
}
