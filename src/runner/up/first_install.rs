//! A first install that failed leaves a trap: helm takes every later run for an upgrade, which
//! leaves out hooks that are for installs alone (helm `pkg/cmd/upgrade.go`). A database that was
//! never set up would then look as good as any. Such a release is installed anew where it holds no data,
//! and refused where it may.

use crate::plan::Step;
use crate::runner::ports::{Refusal, Trouble};
use crate::snapshot::{Contents, Hook, RecordStatus, World};
use crate::wording;

/// The oldest revision there is of a release that failed last and was never deployed. Its record
/// tells how far the hooks of the install came.
pub fn failed(world: &World, step: &Step) -> Option<u32> {
    let (namespace, release) = (step.namespace.as_str(), step.release.as_str());
    let last = world.last_record(namespace, release)?;
    let mut own = world
        .records
        .values()
        .filter(|record| record.namespace == namespace && record.release == release);
    let deployed_once = own.clone().any(|record| {
        matches!(
            record.status,
            RecordStatus::Deployed | RecordStatus::Superseded | RecordStatus::Uninstalled
        )
    });
    // helm keeps ten of them: where the first is gone, nothing is known of it.
    let first = own.next().filter(|record| record.revision == 1)?;
    (last.status == RecordStatus::Failed && !deployed_once).then_some(first.revision)
}

/// Why the release must not be upgraded after its first install, as `contents` tell of it. None
/// where an upgrade leaves nothing out.
pub(super) fn left_out(step: &Step, contents: &Contents) -> Option<Refusal> {
    let mut hooks: Vec<&Hook> = contents.hooks.iter().filter(|h| is_left_out(h)).collect();
    hooks.sort_by_key(|hook| hook.weight);
    let names: Vec<String> = hooks.iter().map(|hook| hook.object.short()).collect();
    let first = names.first()?.clone();
    let (noun, them) = if names.len() == 1 {
        ("hook", "it")
    } else {
        ("hooks", "them")
    };
    let (release, namespace) = (&step.release, &step.namespace);
    Some(Refusal {
        trouble: Trouble::Clear,
        sentence: format!(
            "its first install failed before {noun} {} had succeeded, and helm would leave {them} \
             out now: install hooks run in a first install only",
            wording::list(&names)
        ),
        chain: vec![first],
        hints: vec![
            format!(
                "`helm uninstall {release} -n {namespace}`, then run this again; it deletes what the \
                 failed install has made, volumes too where the chart does not keep them"
            ),
            "for next time: a hook that is safe to repeat can be \
             `helm.sh/hook: pre-install,pre-upgrade`"
                .into(),
        ],
        ..Refusal::default()
    })
}

/// It belongs to the install alone, and did not get through it.
fn is_left_out(hook: &Hook) -> bool {
    let is = |event: &str| hook.events.iter().any(|own| own == event);
    let installs = is("pre-install") || is("post-install");
    installs && !is("pre-upgrade") && !is("post-upgrade") && !hook.succeeded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, events: &[&str], succeeded: bool) -> Hook {
        Hook {
            object: crate::snapshot::ObjectRef {
                api_version: "batch/v1".into(),
                kind: "Job".into(),
                namespace: Some("shop".into()),
                name: name.into(),
            },
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            weight: 0,
            ran: succeeded,
            succeeded,
            stays: true,
        }
    }

    #[test]
    fn only_hooks_of_installs_that_did_not_succeed_are_left_out() {
        let cases = [
            (hook("a", &["pre-install"], false), true),
            (hook("a", &["post-install"], false), true),
            (hook("a", &["pre-install"], true), false),
            (hook("a", &["pre-install", "pre-upgrade"], false), false),
            (hook("a", &["post-install", "post-upgrade"], false), false),
            (hook("a", &["pre-upgrade"], false), false),
            (hook("a", &["test"], false), false),
        ];
        for (hook, expected) in cases {
            assert_eq!(is_left_out(&hook), expected, "{hook:?}");
        }
    }
}
