//! Images that can't be had (reasons: kubelet `pkg/kubelet/images/types.go`).

use crate::snapshot::ClusterEvent;

use super::super::Hope;
use super::super::member::Member;
use super::super::missing::Missing;
use super::super::words::{brief, innermost};
use super::report::Draft;
use super::{Case, Cause, Part};

/// The registry or the way to it, not the image: looked for first.
const PASSING: [&str; 16] = [
    "toomanyrequests",
    "too many requests",
    "rate limit",
    "timeout",
    "timed out",
    "deadline exceeded",
    "connection refused",
    "connection reset",
    "no such host",
    "no route to host",
    "unexpected eof",
    "500 internal",
    "502 bad gateway",
    "503 service",
    "504 gateway",
    "server misbehaving",
];
const FINAL: [&str; 10] = [
    "not found",
    "manifest unknown",
    "name unknown",
    "unauthorized",
    "denied",
    "forbidden",
    "authorization failed",
    "authentication required",
    "does not exist",
    "no match for platform",
];

const DENIED: [&str; 5] = [
    "denied",
    "unauthorized",
    "authorization",
    "forbidden",
    "authentication",
];

pub fn find(case: &Case<'_>, member: &Member<'_>, part: &Part<'_>) -> Option<Draft> {
    let (reason, message) = part.waits()?;
    let image = &part.spec.image;
    let subject = format!("image {image} of {}", part.of(member));
    let tell = format!("pod/{}", member.pod.meta.name);
    let passing = Hope::Likely(case.budgets.image_pull);
    let draft = match reason {
        "InvalidImageName" => {
            let sentence = format!("{subject} has an invalid name");
            Draft::new(Cause::Image, Hope::Certain, sentence)
                .status(tell, reason, message)
                .hint("check the image's repository and tag in the values")
        }
        "ErrImageNeverPull" => {
            let sentence = format!(
                "{subject} is not on the node, and `imagePullPolicy: Never` forbids pulling it"
            );
            Draft::new(Cause::Image, Hope::Certain, sentence)
                .status(tell, reason, message)
                .hint("load the image into the node, or set another `imagePullPolicy`")
        }
        "ErrImagePull" | "ImagePullBackOff" => {
            let pull = first_error(case, member, part, reason, message);
            let hope = match &pull.error {
                _ if pull.secret.is_some() => Hope::Likely(case.budgets.missing_object),
                Some(error) if is_final(error, image) && pull.again => {
                    case.hope_since(!case.scope.before.had(&member.pod.meta.uid))
                }
                _ => passing,
            };
            let why = pull
                .error
                .as_deref()
                .map_or_else(|| "the kubelet gives no reason".to_owned(), telling);
            let without = pull.secret.as_ref().map_or_else(String::new, |secret| {
                format!(
                    "; {}, which its `imagePullSecrets` names",
                    secret.sentence()
                )
            });
            let sentence = format!("{subject} can't be pulled: {why}{without}");
            let evidence = pull.error.as_deref().unwrap_or(message);
            let draft = Draft::new(Cause::Image, hope, sentence).event(pull.event);
            let draft = if pull.event.is_none() {
                draft.status(tell, reason, evidence)
            } else {
                draft
            };
            match &pull.secret {
                Some(secret) => draft.missing(secret),
                None => draft.hint(pull_hint(&nameless(evidence, image))),
            }
        }
        "ImageInspectError" | "RegistryUnavailable" | "SignatureValidationFailed" => {
            let sentence = format!("{subject} can't be used: {reason}: {}", brief(message));
            Draft::new(Cause::Image, passing, sentence).status(tell, reason, message)
        }
        _ => return None,
    };
    Some(draft.of_container(part))
}

struct Pull<'a> {
    /// What the runtime said when it tried.
    error: Option<String>,
    event: Option<&'a ClusterEvent>,
    /// Of `imagePullSecrets`, where the registry lets nobody in without.
    secret: Option<Missing>,
    /// It was tried more than once, or is in back-off after the first try.
    again: bool,
}

/// While it backs off the state speaks of nothing else: only the event of the last try still knows
/// why, and what we have seen before (since 1.31 the state's message repeats it).
fn first_error<'a>(
    case: &Case<'a>,
    member: &Member<'_>,
    part: &Part<'_>,
    reason: &str,
    message: &str,
) -> Pull<'a> {
    let events = case.world.past.events_about(&member.pod.meta.uid);
    let about = |event: &&ClusterEvent| {
        let here = event
            .container
            .as_ref()
            .is_none_or(|c| *c == part.spec.name);
        here && event.message.contains(&part.spec.image)
    };
    let failed = events.iter().filter(about).rfind(|event| {
        event.reason == "Failed" && event.message.starts_with("Failed to pull image")
    });
    let backs_off =
        reason == "ImagePullBackOff" || events.iter().filter(about).any(|e| e.reason == "BackOff");
    let from_event = failed.and_then(|event| {
        let (_, error) = event.message.split_once("\": ")?;
        Some(error.to_owned())
    });
    let from_state = match (reason, message.split_once("ErrImagePull: ")) {
        (_, Some((_, error))) => Some(error.to_owned()),
        ("ErrImagePull", None) if !message.is_empty() => Some(message.to_owned()),
        _ => None,
    };
    let remembered = || {
        let error = case
            .world
            .past
            .pull_error(&member.pod.meta.uid, &part.spec.name)?;
        Some(error.to_owned())
    };
    let error = from_event.or(from_state).or_else(remembered);
    let denied = |error: &String| has(&nameless(error, &part.spec.image), &DENIED);
    let secret = error.as_ref().filter(|error| denied(error)).and_then(|_| {
        let unread = |event: &&ClusterEvent| event.reason == "FailedToRetrieveImagePullSecret";
        let event = events.iter().rfind(unread)?;
        Missing::pull_secret(&event.message, &member.pod.meta.namespace)
    });
    Pull {
        error,
        secret,
        event: failed,
        again: backs_off || failed.is_some_and(|event| event.count > 1),
    }
}

/// No further try will help. The image's own name is taken out: it may contain any of the words.
fn is_final(error: &str, image: &str) -> bool {
    let text = nameless(error, image);
    has(&text, &FINAL) && !has(&text, &PASSING)
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// In lower case and without the image, whole or by its path, which also stands in URLs.
fn nameless(error: &str, image: &str) -> String {
    let untagged = image.split('@').next().unwrap_or(image);
    let untagged = match untagged.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => untagged,
    };
    let path = match untagged.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) => path,
        _ => untagged,
    };
    error
        .replace(image, "")
        .replace(untagged, "")
        .replace(path, "")
        .to_lowercase()
}

/// The part of a chain of errors that tells most.
pub fn telling(error: &str) -> String {
    let denied = error
        .split(": ")
        .find(|part| part.contains("access denied"));
    denied.map_or_else(|| innermost(error.trim_end_matches(": unknown")), brief)
}

fn pull_hint(error: &str) -> &'static str {
    const LIMITED: [&str; 3] = ["toomanyrequests", "too many requests", "rate limit"];
    if has(error, &LIMITED) {
        "log in to the registry through `imagePullSecrets`, or pull through a mirror"
    } else if has(error, &PASSING) {
        "check that the nodes can reach the registry"
    } else if has(error, &DENIED) {
        "check the image's name, and `imagePullSecrets` if its registry is private"
    } else {
        "check that this tag was pushed, for the platform of the nodes"
    }
}
