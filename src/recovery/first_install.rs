//! A first install that failed leaves a trap: helm takes every later run for an upgrade, which
//! leaves out hooks that are for installs alone (helm `pkg/cmd/upgrade.go`). A database that was
//! never set up would then look as good as any. Such a release is installed anew where it holds no data,
//! and refused where it may.

use super::LeftAlone;
use crate::names::{Namespace, ReleaseName};
use crate::snapshot::{Contents, Hook, Job, ObjectRef, Record, RecordStatus, World};
use crate::wording;

/// What becomes of a release whose first install failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstInstall {
    /// An upgrade leaves nothing out.
    Upgraded,
    /// It is removed and installed anew.
    Anew,
    Refused(LeftAlone),
}

/// The oldest revision there is of a release that was never deployed: its record tells how far the
/// hooks of the install came. None of one that was, or of which helm has forgotten the first.
pub fn first_of<'a>(records: impl Iterator<Item = &'a Record> + Clone) -> Option<u32> {
    let deployed_once = records.clone().any(|record| {
        matches!(
            record.status,
            RecordStatus::Deployed | RecordStatus::Superseded | RecordStatus::Uninstalled
        )
    });
    // helm keeps ten of them: where the first is gone, nothing is known of it.
    let mut revisions = records.map(|record| record.revision);
    revisions.find(|it| *it == 1).filter(|_| !deployed_once)
}

/// What becomes of a release whose `first` revision, never deployed, has failed. `ours` says that a run
/// of this stack has made the last one, `holds_data` that something of it is there that
/// [`may_hold_data`]; `world` knows the Jobs of its hooks.
pub fn after(
    (release, namespace): (&ReleaseName, &Namespace),
    first: &Contents,
    world: &World,
    ours: bool,
    holds_data: bool,
) -> FirstInstall {
    let hooks = first.hooks.iter();
    let mut hooks: Vec<&Hook> = hooks.filter(|it| is_left_out(it, world)).collect();
    hooks.sort_by_key(|hook| hook.weight);
    let names: Vec<String> = hooks.iter().map(|hook| hook.object.short()).collect();
    match names.as_slice() {
        [] => FirstInstall::Upgraded,
        names if !ours || holds_data => {
            FirstInstall::Refused(left_out(names, (release, namespace)))
        }
        _ => FirstInstall::Anew,
    }
}

/// What can be taken away and made anew, and nobody misses anything. All else may hold, or own, what
/// nobody has elsewhere: volumes, and kinds that others have brought.
const WITHOUT_DATA: [&str; 17] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "NetworkPolicy",
    "Pod",
    "PodDisruptionBudget",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
];

/// Those of the objects of a revision that may hold data, where they are there.
pub fn may_hold_data(contents: &Contents) -> Vec<ObjectRef> {
    let hooks = contents.hooks.iter().map(|hook| &hook.object);
    let all = contents.objects.iter().chain(hooks);
    let may = all.filter(|object| !WITHOUT_DATA.contains(&object.kind.as_str()));
    may.cloned().collect()
}

fn left_out(names: &[String], (release, namespace): (&ReleaseName, &Namespace)) -> LeftAlone {
    let (noun, them) = if names.len() == 1 {
        ("hook", "it")
    } else {
        ("hooks", "them")
    };
    LeftAlone {
        sentence: format!(
            "its first install failed before {noun} {} had succeeded, and helm would leave {them} \
             out now: install hooks run in a first install only",
            wording::list(names)
        ),
        chain: names.iter().take(1).cloned().collect(),
        hints: vec![
            format!(
                "`helm uninstall {release} -n {namespace}`, then run this again; it deletes what the \
                 failed install has made, volumes too where the chart does not keep them"
            ),
            "for next time: a hook that is safe to repeat can be \
             `helm.sh/hook: pre-install,pre-upgrade`"
                .into(),
        ],
    }
}

/// It belongs to the install alone, and did not get through it: a Job that is complete has, though the
/// helm that would have written it down was no more.
fn is_left_out(hook: &Hook, world: &World) -> bool {
    let is = |event: &str| hook.events.iter().any(|own| own == event);
    let installs = is("pre-install") || is("post-install");
    let is_complete = || world.job(&hook.object).is_some_and(Job::is_complete);
    installs && !is("pre-upgrade") && !is("post-upgrade") && !hook.succeeded && !is_complete()
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
            assert_eq!(is_left_out(&hook, &World::default()), expected, "{hook:?}");
        }
    }
}
