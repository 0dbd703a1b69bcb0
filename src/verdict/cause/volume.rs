//! Volumes that can't be attached or mounted, and sandboxes that can't be made: told in events
//! only, so they count only as long as no container of the pod has begun.

use crate::snapshot::Pod;

use super::super::Hope;
use super::super::member::Member;
use super::super::missing::{Missing, volume_in};
use super::super::waiting::trouble_before_start;
use super::super::words::brief;
use super::report::Draft;
use super::{Case, Cause};

pub fn find(case: &Case<'_>, member: &Member<'_>) -> Option<Draft> {
    let pod = member.pod;
    if pod.phase != "Pending" {
        return None;
    }
    let event = trouble_before_start(case.world, pod)?;
    let name = &pod.meta.name;
    let message = &event.message;
    let hope = Hope::Likely(case.budgets.failed_mount);
    let draft = if event.reason == "FailedCreatePodSandBox" {
        let sentence = format!("pod {name} gets no sandbox: {}", brief(message));
        Draft::new(Cause::Sandbox, hope, sentence)
            .hint("look at the node's container runtime and network plugin")
    } else if let Some(missing) = missing(message, pod) {
        let sentence = format!(
            "pod {name} can't mount volume{}: {}",
            volume(message),
            missing.sentence()
        );
        let hope = Hope::Likely(case.budgets.missing_object);
        Draft::new(Cause::Volume, hope, sentence).missing(&missing)
    } else if let Some((_, key)) = message.split_once("references non-existent ") {
        let sentence = format!(
            "pod {name} can't mount volume{}: there is no {}",
            volume(message),
            brief(&key.replacen(": ", " ", 1))
        );
        let hope = Hope::Likely(case.budgets.missing_object);
        Draft::new(Cause::Volume, hope, sentence)
            .hint("check the `items` of the volume against the keys that there are")
    } else if message.contains("Multi-Attach") {
        let sentence = format!("pod {name} can't have its volume: {}", brief(message));
        Draft::new(Cause::Volume, hope, sentence)
            .hint("let the pod that holds the volume go first, or use a ReadWriteMany volume")
    } else {
        let verb = if event.reason == "FailedMount" {
            "mount"
        } else {
            "attach"
        };
        let sentence = format!("pod {name} can't {verb} a volume: {}", brief(message));
        Draft::new(Cause::Volume, hope, sentence)
    };
    Some(draft.told_by(Some(event)))
}

/// The object, or the key of it, that a volume lacks.
pub fn missing(message: &str, pod: &Pod) -> Option<Missing> {
    Missing::in_message(message, &pod.meta.namespace)
        .or_else(|| Missing::key_of_volume(message, pod))
}

/// " `conf`", where the message names the volume.
fn volume(message: &str) -> String {
    volume_in(message).map_or_else(String::new, |name| format!(" `{name}`"))
}
