use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::meta::label;
use crate::snapshot::{Marks, Record, RecordStatus, Uid};

/// `REVISION-TARGET`: the revision that a rollback set out to make, and the one to go back to.
pub const ROLLED_BACK: &str = "stackctl.dev/rolled-back";
/// The revision whose removal has begun.
pub const REMOVAL: &str = "stackctl.dev/removal";

/// Later revisions bear the label too, for helm copies it.
fn target(label: &str, revision: u32) -> Option<u32> {
    let (made, target) = label.split_once('-')?;
    let is_its = made.parse() == Ok(revision);
    target.parse().ok().filter(|_| is_its)
}

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
    let revision = number("version")?;
    Some(Record {
        namespace: meta.namespace.clone().unwrap_or_default(),
        release: text("name")?,
        revision,
        uid: Uid::from(meta.uid.as_deref().unwrap_or_default()),
        status: RecordStatus::parse(label(meta, "status").unwrap_or_default()),
        modified: seconds("modifiedAt")
            .or_else(|| seconds("createdAt"))
            .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        marks: Marks {
            stack: text("stackctl.dev/stack"),
            home: text("stackctl.dev/home"),
            release: text("stackctl.dev/release"),
            run: text("stackctl.dev/run"),
            revision: number("stackctl.dev/revision"),
            target: text(ROLLED_BACK).and_then(|text| target(&text, revision)),
            removal: number(REMOVAL),
            verified: number("stackctl.dev/verified"),
            inputs: text("stackctl.dev/inputs"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_revision_was_made_by_the_rollback() {
        assert_eq!(target("5-2", 5), Some(2));
        for (label, revision) in [("5-2", 6), ("5", 5), ("5-", 5), ("-2", 5), ("x-y", 5)] {
            assert_eq!(target(label, revision), None, "{label} on {revision}");
        }
    }
}
