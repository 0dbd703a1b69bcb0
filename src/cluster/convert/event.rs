use k8s_openapi::api::core::v1 as api;

use super::count;
use super::meta::time;
use crate::redact::redacted;
use crate::snapshot::{ClusterEvent, ObjectRef, Uid};

/// Old recorders count in `count` and `lastTimestamp`, new ones in `series` and leave the former
/// empty (`events.k8s.io/v1`); a first occurrence has only `eventTime`.
pub(super) fn event(event: api::Event) -> ClusterEvent {
    let about = event.involved_object;
    let (repeats, repeated) = match event.series {
        Some(series) => (series.count, series.last_observed_time.map(|t| t.0)),
        None => (None, None),
    };
    let last_seen = repeated
        .or(time(event.last_timestamp))
        .or(event.event_time.map(|t| t.0))
        .or(time(event.first_timestamp))
        .or(time(event.metadata.creation_timestamp));
    ClusterEvent {
        uid: Uid::from(event.metadata.uid.as_deref().unwrap_or_default()),
        about_uid: Uid::from(about.uid.as_deref().unwrap_or_default()),
        container: about.field_path.as_deref().and_then(container),
        about: ObjectRef {
            api_version: about.api_version.unwrap_or_default(),
            kind: about.kind.unwrap_or_default(),
            namespace: about.namespace.filter(|namespace| !namespace.is_empty()),
            name: about.name.unwrap_or_default(),
        },
        warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.unwrap_or_default(),
        message: redacted(&own_words(event.message.unwrap_or_default())),
        count: count(repeats.or(event.count)).max(1),
        last_seen,
    }
}

/// Without what a recorder puts before the newest of many alike, when it sends only one for all
/// (client-go `tools/record/events_cache.go`).
fn own_words(message: String) -> String {
    match message.strip_prefix("(combined from similar events): ") {
        Some(newest) => newest.to_owned(),
        None => message,
    }
}

/// `spec.initContainers{migrate}` -> `migrate` (kubelet `container/ref.go`); a container without a
/// name would be `spec.containers[2]` and is left out.
fn container(path: &str) -> Option<String> {
    let (_, rest) = path.split_once('{')?;
    rest.strip_suffix('}').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_quotes_no_values_of_objects() {
        let seen = event(api::Event {
            message: Some(
                "Error creating: Pod \"web\" is invalid: spec.containers[0].env[0]: Invalid value: \
                 core.EnvVar{Name:\"KEY\", Value:\"hunter2\"}: may not be specified"
                    .to_owned(),
            ),
            ..api::Event::default()
        });
        assert!(!seen.message.contains("hunter2"), "{}", seen.message);
        assert!(seen.message.ends_with(": may not be specified"));
    }
}
