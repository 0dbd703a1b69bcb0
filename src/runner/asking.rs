//! Questions to the cluster that are asked until there is an answer.

use std::time::Duration;

use super::ports::{Cancel, ObserveError, Observer};
use crate::plan::Step;
use crate::snapshot::Contents;

/// Before something is asked for again.
pub const PAUSE: Duration = Duration::from_secs(1);

/// Reads what a revision consists of.
pub async fn read_contents(
    observer: &dyn Observer,
    step: &Step,
    revision: u32,
) -> Result<Contents, ObserveError> {
    until_answered(|| observer.contents(&step.namespace, &step.release, revision)).await
}

/// Asks until there is an answer: a connection that breaks is none. An API server that is gone for
/// good ends the run elsewhere.
pub async fn until_answered<T, F>(question: impl Fn() -> F) -> Result<T, ObserveError>
where
    F: Future<Output = Result<T, ObserveError>>,
{
    loop {
        match question().await {
            Err(ObserveError::Unreachable(_)) => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// An answer, unless the release is given up before there is one.
pub async fn unless<T>(
    cancel: &Cancel,
    answer: impl Future<Output = Result<T, ObserveError>>,
) -> Result<T, ObserveError> {
    tokio::select! {
        answer = answer => answer,
        () = cancel.gently.cancelled() => {
            Err(ObserveError::Unreachable("the release was given up".to_owned()))
        }
    }
}
