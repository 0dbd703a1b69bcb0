//! From what was seen of a release to its line in the table.

use crate::command::stacks::{Member, Seen};
use crate::event::{ContainerRole, Evidence, PodChanged, Verdict, VerdictClass};
use crate::reporter::status::{Condition, Share, StatusRow};
use crate::runner;
use crate::snapshot::{Lingering, Record, RecordStatus};
use crate::verdict::{Assessment, Finding};

/// What helm's record says of a release whose removal was begun.
const BEING_REMOVED: &str = "helm has begun to remove it, and has not written down an end";

/// What there is to tell of a release.
pub struct Look<'a> {
    pub member: &'a Member,
    pub seen: &'a Seen,
    /// The worst trouble, and whether it is beyond hope.
    pub worst: Option<(Finding, bool)>,
    /// The last lines of whoever makes it.
    pub log: Option<Evidence>,
}

pub fn row(look: Look<'_>) -> StatusRow {
    let (member, seen) = (look.member, look.seen);
    let state = state(&look);
    let assessment = seen.assessment.as_ref();
    let pods: Vec<&PodChanged> = assessment
        .into_iter()
        .flat_map(|a| a.pods.iter().filter(|pod| !pod.outgoing))
        .collect();
    let verdict = verdict(look, state);
    let told = verdict.as_ref().map(|verdict| verdict.sentence.clone());
    let is_going = is_going(seen);
    let waiting = || {
        let waiting = assessment.and_then(|a| a.waiting.as_ref());
        match waiting.map(|waiting| waiting.on.clone()) {
            Some(on) if is_going && on == "helm" => Some(BEING_REMOVED.to_owned()),
            on => on,
        }
    };
    StatusRow {
        release: member.id.clone(),
        namespace: member.namespace.clone(),
        revision: seen.record.as_ref().map(|record| record.revision),
        state,
        ready: assessment.and_then(ready),
        init: init(&pods),
        restarts: pods.iter().map(|pod| pod.restarts).sum(),
        deployed: seen.record.as_ref().and_then(|record| record.modified),
        reason: told.or_else(|| seen.unreadable.clone()).or_else(waiting),
        verdict,
    }
}

fn state(look: &Look<'_>) -> Condition {
    if look.member.orphaned {
        return Condition::Orphaned;
    }
    let Some(record) = &look.seen.record else {
        return Condition::Missing;
    };
    let lost = matches!(look.worst, Some((_, true)));
    match (record.status, &look.seen.assessment) {
        _ if lost => Condition::Failed,
        (RecordStatus::Failed, _) => Condition::Failed,
        (RecordStatus::Uninstalling, _) => Condition::Pending,
        (status, _) if status.is_pending() => Condition::Pending,
        (_, None) => Condition::Unknown,
        (_, Some(assessment)) if assessment.ready => Condition::Ready,
        (_, Some(_)) if look.seen.unreadable.is_some() => Condition::Unknown,
        (_, Some(_)) => Condition::Progressing,
    }
}

fn is_going(seen: &Seen) -> bool {
    let record = seen.record.as_ref();
    record.is_some_and(|record| record.status == RecordStatus::Uninstalling)
}

/// Nothing for what is ready, whatever a pod of it may have.
fn verdict(look: Look<'_>, state: Condition) -> Option<Verdict> {
    if state == Condition::Ready {
        return None;
    }
    if look.seen.record.is_none() && !look.seen.held.is_empty() {
        return Some(not_removed(&look.seen.held));
    }
    if let Some((finding, _)) = look.worst {
        let mut verdict = finding.verdict;
        if is_going(look.seen) {
            verdict.sentence = format!("can't be removed: {}", verdict.sentence);
            let (release, namespace) = (&look.member.release, &look.member.namespace);
            verdict.hints.push(format!(
                "each removal runs it again; `helm uninstall {release} -n {namespace} --no-hooks` \
                 removes the release without it"
            ));
        }
        verdict.evidence.splice(0..0, look.log);
        return Some(verdict);
    }
    let record = look.seen.record.as_ref();
    let given_up = record.filter(|record| record.status == RecordStatus::Failed);
    given_up.map(|record| failed_by_helm(look.member, record, look.seen.is_cut_off))
}

/// Helm says that it failed, and nothing that there still is says why.
fn failed_by_helm(member: &Member, record: &Record, is_cut_off: bool) -> Verdict {
    let (namespace, release) = (&member.namespace, &member.release);
    let revision = record.revision;
    Verdict {
        class: VerdictClass::Certain,
        sentence: match is_cut_off {
            true => format!("helm was stopped before it was through with revision {revision}"),
            false => format!("helm gave up revision {revision}"),
        },
        chain: Vec::new(),
        evidence: Vec::new(),
        hints: vec![
            format!("`helm status {release} -n {namespace}` shows what helm wrote down"),
            format!("`stackctl up {}` tries it again", member.id),
        ],
    }
}

/// helm has forgotten it, and not all of it is gone.
fn not_removed(held: &[Lingering]) -> Verdict {
    Verdict {
        class: VerdictClass::Expired,
        sentence: format!(
            "its removal has not ended: waits for {}",
            runner::going(held)
        ),
        chain: Vec::new(),
        evidence: Vec::new(),
        hints: runner::remedies(held),
    }
}

/// Ready and desired over all workloads and Jobs.
fn ready(assessment: &Assessment) -> Option<Share> {
    let counted = |kind: &str| matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job");
    let mut counted = assessment
        .objects
        .iter()
        .filter(|object| counted(&object.object.kind))
        .peekable();
    counted.peek()?;
    Some(
        counted.fold(Share { done: 0, all: 0 }, |sum, object| Share {
            done: sum.done + object.ready,
            all: sum.all + object.desired,
        }),
    )
}

/// How far the pods that are not through their init containers have come.
fn init(pods: &[&PodChanged]) -> Option<Share> {
    let inits = pods
        .iter()
        .flat_map(|pod| &pod.containers)
        .filter(|container| container.role == ContainerRole::Init);
    let mut share = Share { done: 0, all: 0 };
    for container in inits {
        share.all += 1;
        share.done += u32::from(container.state == "done");
    }
    (share.all > 0).then_some(share)
}
