use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::meta::label;
use crate::snapshot::{Marks, Record, RecordStatus};

/// What the labels of a Secret say about a release, None where it is not a record of helm's
/// (`pkg/storage/driver/secrets.go`: `name`, `owner`, `status`, `version`, and the times in
/// seconds; helm 3 and 4 both leave `modifiedAt` out until the first update).
pub fn record(meta: &ObjectMeta) -> Option<Record> {
    let text = |key: &str| label(meta, key).map(str::to_owned);
    let number = |key: &str| label(meta, key).and_then(|n| n.parse().ok());
    let seconds = |key: &str| label(meta, key).and_then(|n| n.parse().ok());
    if label(meta, "owner") != Some("helm") {
        return None;
    }
    Some(Record {
        namespace: meta.namespace.clone().unwrap_or_default(),
        release: text("name")?,
        revision: number("version")?,
        status: RecordStatus::parse(label(meta, "status").unwrap_or_default()),
        modified: seconds("modifiedAt")
            .or_else(|| seconds("createdAt"))
            .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        marks: Marks {
            stack: text("stackctl.dev/stack"),
            release: text("stackctl.dev/release"),
            run: text("stackctl.dev/run"),
            revision: number("stackctl.dev/revision"),
            verified: number("stackctl.dev/verified"),
            inputs: text("stackctl.dev/inputs"),
        },
    })
}
