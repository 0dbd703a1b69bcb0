//! What the API server or the way to it said, in plain words.

use std::error::Error;
use std::time::Duration;

use kube::client::AuthError;
use kube::core::Status;

use crate::redact::redacted;
use crate::runner::ports::ObserveError;

/// The longest a single question to the API server may take.
const PATIENCE: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// Asks the API server one thing. `doing` opens the message of an error: `reading the records of
/// ...`. Answers that ask for another try (429, 503, 504) get up to four of them.
///
/// # Errors
/// As [`observe_error`] classifies them; silence for 30 s is [`ObserveError::Unreachable`].
pub(super) async fn ask<T, F>(doing: &str, question: impl Fn() -> F) -> Result<T, ObserveError>
where
    F: Future<Output = kube::Result<T>>,
{
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        match tokio::time::timeout(PATIENCE, question()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(kube::Error::Api(status))) if attempt < ATTEMPTS && is_busy(&status) => {
                tokio::time::sleep(pause.max(wished_pause(&status))).await;
                pause *= 2;
                attempt += 1;
            }
            Ok(Err(error)) => return Err(observe_error(doing, &error)),
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                let text = format!("{doing}: no answer from the API server within {seconds}s");
                return Err(ObserveError::Unreachable(text));
            }
        }
    }
}

fn is_busy(status: &Status) -> bool {
    matches!(status.code, 429 | 503 | 504)
}

/// How long the server asks to be left alone, at most half a minute.
pub(super) fn wished_pause(status: &Status) -> Duration {
    let seconds = status
        .details
        .as_ref()
        .map_or(0, |details| details.retry_after_seconds);
    Duration::from_secs(seconds.min(30).into())
}

/// Whether it is no matter of rights: a namespace that is being deleted takes nothing new
/// (`k8s.io/apiserver`, `pkg/admission/plugin/namespace/lifecycle`; the cause is
/// `NamespaceTerminatingCause` of `core/v1`).
pub(super) fn is_namespace_going(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.any(|cause| cause.reason == "NamespaceTerminating")
}

/// 401 and 403 are `Denied`, unless it is the namespace that is going; 404 is `NotFound`; no
/// connection, 429 and 5xx are `Unreachable`, or `Busy` where they say when to come again.
pub(super) fn observe_error(doing: &str, error: &kube::Error) -> ObserveError {
    let text = format!("{doing}: {}", cause(error));
    match error {
        kube::Error::Api(status) => match status.code {
            _ if is_namespace_going(status) => ObserveError::NamespaceGoing(text),
            401 | 403 => ObserveError::Denied(text),
            404 => ObserveError::NotFound(text),
            429 | 503 if wished_pause(status) > Duration::ZERO => ObserveError::Busy {
                said: text,
                pause: wished_pause(status),
            },
            429 | 500..=599 => ObserveError::Unreachable(text),
            _ => ObserveError::Unexpected(text),
        },
        kube::Error::Auth(_) => ObserveError::Denied(text),
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
            ObserveError::Unreachable(text)
        }
        _ => ObserveError::Unexpected(text),
    }
}

/// The reason of an error as one sentence, without the names of the libraries that passed it on.
pub(super) fn cause(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => said(status),
        kube::Error::Auth(error) => login(error),
        kube::Error::SerdeError(_) => "the answer is not what the API promises".to_owned(),
        other => root(other),
    }
}

/// Why there are no credentials, without what a login command was given or has printed: tokens are
/// among it, and parsers quote what they read.
fn login(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(cause) => {
            format!("the kubeconfig's login command can't be run: {cause}")
        }
        AuthError::AuthExecRun { cmd, out } => {
            let status = out.status;
            format!("the login command `{}` failed ({status})", program(cmd))
        }
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
            "the kubeconfig's login command has printed no `ExecCredential`".to_owned()
        }
        AuthError::ReadTokenFile(cause, path) => {
            format!("the token file `{}` can't be read: {cause}", path.display())
        }
        other => root(other),
    }
}

/// The program of a command line as Rust shows it: after the variables of its environment, which may
/// be secret, all in double quotes (std `sys/process/unix`, `Debug` of `Command`).
fn program(command: &str) -> &str {
    let start = command.find("\" \"").map_or(0, |end| end + 2);
    let quoted = command[start..].trim_start_matches('"');
    quoted.split('"').next().unwrap_or("?")
}

/// The API's own message without the values of objects, with its reason, which the message may hold
/// already.
pub(super) fn said(status: &Status) -> String {
    let message = redacted(status.message.trim());
    match (message.is_empty(), status.reason.as_str()) {
        (true, "") => format!("status {}", status.code),
        (true, reason) => reason.to_owned(),
        (false, "") => message,
        (false, reason) if contains(&message, reason) => message,
        (false, reason) => format!("{message} ({reason})"),
    }
}

/// `NotFound` is in `pods "x" not found`.
fn contains(message: &str, reason: &str) -> bool {
    let letters = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
            .to_lowercase()
    };
    letters(message).contains(&letters(reason))
}

/// The deepest error: `Connection refused (os error 111)` and not who tried to connect.
fn root(error: &dyn Error) -> String {
    let mut deepest = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        deepest = inner.to_string();
        source = inner.source();
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16, reason: &str, message: &str) -> kube::Error {
        let status = Status::failure(message, reason).with_code(code);
        kube::Error::Api(status.boxed())
    }

    #[test]
    fn reasons_are_not_said_twice() {
        let error = api(404, "NotFound", "pods \"web\" not found");
        assert_eq!(cause(&error), "pods \"web\" not found");
        let error = api(409, "Conflict", "the object has been modified");
        assert_eq!(cause(&error), "the object has been modified (Conflict)");
        assert_eq!(cause(&api(500, "", "")), "status 500");
    }

    #[test]
    fn codes_tell_the_class() {
        let class = |code| observe_error("reading `web`", &api(code, "Why", "no"));
        let text = || "reading `web`: no (Why)".to_owned();
        assert_eq!(class(401), ObserveError::Denied(text()));
        assert_eq!(class(403), ObserveError::Denied(text()));
        assert_eq!(class(404), ObserveError::NotFound(text()));
        assert_eq!(class(429), ObserveError::Unreachable(text()));
        assert_eq!(class(503), ObserveError::Unreachable(text()));
        assert_eq!(class(422), ObserveError::Unexpected(text()));
    }

    #[test]
    fn a_namespace_that_is_going_is_no_matter_of_rights() {
        let said = serde_json::json!({
            "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no",
            "details": {"causes": [{
                "reason": "NamespaceTerminating", "message": "namespace shop is being terminated",
                "field": "metadata.namespace",
            }]},
        });
        let status: Status = serde_json::from_value(said).unwrap();
        let error = observe_error("writing", &kube::Error::Api(status.boxed()));
        let text = "writing: no (Forbidden)".to_owned();
        assert_eq!(error, ObserveError::NamespaceGoing(text));
    }

    #[test]
    fn the_deepest_cause_is_told() {
        let refused = std::io::Error::other("connection refused");
        let error = kube::Error::Service(Box::new(std::io::Error::other(refused)));
        assert_eq!(cause(&error), "connection refused");
    }
}
