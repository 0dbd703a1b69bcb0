//! Why something will not come up: one file for each kind of cause. Each says what it saw, how
//! much hope there is, and how to put it right; none is sure of what may still pass by itself
//! (the table is `docs/design.md`'s and Kubernetes' kubelet's, which calls no state final).

mod activity;
mod claim;
mod command;
mod config;
mod crash;
mod create;
mod culprit;
mod image;
mod job;
mod lost;
mod object;
mod progress;
mod report;
mod schedule;
mod stuck;
mod volume;

use std::time::Duration;

use crate::budget::Budgets;
use crate::event::ContainerRole;
use crate::snapshot::{ContainerSpec, ContainerState, ContainerStatus, Pod, World};

pub use image::telling as pull_failure;
pub use volume::missing as missing_of_volume;

use super::member::{Keeper, Member};
use super::missing;
use super::ready::{JobPhase, job_phase};
use super::scope::Scope;
use super::subject::{Body, Subject};
use super::view::role;
use super::{Finding, Hope, words};

/// The longest that the kubelet waits between two tries of the same thing
/// (kubelet `MaxContainerBackOff`): trouble from before this run is given one more try.
pub const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// What kind of trouble it is, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    Command,
    Image,
    Config,
    OutOfMemory,
    Crash,
    StuckRollout,
    HookFailed,
    JobFailed,
    PodFailed,
    FailedCreate,
    PodsLost,
    Volume,
    Sandbox,
    ClaimUnbound,
    Unschedulable,
    ClaimLost,
    Stalled,
    NoActivity,
    NoAddress,
    ProgressDeadline,
}

impl Cause {
    pub const ALL: [Cause; 20] = [
        Cause::Command,
        Cause::Image,
        Cause::Config,
        Cause::OutOfMemory,
        Cause::Crash,
        Cause::StuckRollout,
        Cause::HookFailed,
        Cause::JobFailed,
        Cause::PodFailed,
        Cause::FailedCreate,
        Cause::PodsLost,
        Cause::Volume,
        Cause::Sandbox,
        Cause::ClaimUnbound,
        Cause::Unschedulable,
        Cause::ClaimLost,
        Cause::Stalled,
        Cause::NoActivity,
        Cause::NoAddress,
        Cause::ProgressDeadline,
    ];

    /// As it stands in [`Finding::key`].
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Command => "command",
            Cause::Image => "image",
            Cause::Config => "config",
            Cause::OutOfMemory => "out-of-memory",
            Cause::Crash => "crash",
            Cause::StuckRollout => "stuck-rollout",
            Cause::HookFailed => "hook-failed",
            Cause::JobFailed => "job-failed",
            Cause::PodFailed => "pod-failed",
            Cause::FailedCreate => "failed-create",
            Cause::PodsLost => "pods-lost",
            Cause::Volume => "volume",
            Cause::Sandbox => "sandbox",
            Cause::ClaimUnbound => "claim-unbound",
            Cause::Unschedulable => "unschedulable",
            Cause::ClaimLost => "claim-lost",
            Cause::Stalled => "stalled",
            Cause::NoActivity => "no-activity",
            Cause::NoAddress => "no-address",
            Cause::ProgressDeadline => "progress-deadline",
        }
    }

    /// As the reason why an object has failed.
    pub fn title(self) -> &'static str {
        match self {
            Cause::Command => "command not found",
            Cause::Image => "image not available",
            Cause::Config => "container can't be created",
            Cause::OutOfMemory => "out of memory",
            Cause::Crash => "crash loop",
            Cause::StuckRollout => "stuck behind a broken pod",
            Cause::HookFailed => "hook failed",
            Cause::JobFailed => "job failed",
            Cause::PodFailed => "pod failed",
            Cause::FailedCreate => "pods can't be created",
            Cause::PodsLost => "pods are lost",
            Cause::Volume => "volume not mounted",
            Cause::Sandbox => "no sandbox",
            Cause::Unschedulable => "unschedulable",
            Cause::ClaimUnbound => "claim not bound",
            Cause::ClaimLost => "volume lost",
            Cause::Stalled => "stalled",
            Cause::NoActivity => "waits in a loop",
            Cause::NoAddress => "no address",
            Cause::ProgressDeadline => "no progress",
        }
    }
}

/// All there is to judge by.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub world: &'a World,
    pub scope: &'a Scope<'a>,
    pub budgets: &'a Budgets,
    pub subjects: &'a [Subject<'a>],
    pub members: &'a [Member<'a>],
}

impl<'a> Case<'a> {
    /// Worst first: the certain before the likely, the telling before the vague.
    pub fn findings(&self) -> Vec<Finding> {
        let pods = self.judged().flat_map(|member| self.of_pod(member));
        let mut findings: Vec<Finding> = pods.collect();
        let objects = self
            .subjects
            .iter()
            .filter(|subject| !(subject.stale || subject.hook && self.scope.applied))
            .flat_map(|subject| self.of_object(subject));
        let mut objects: Vec<Finding> = objects.collect();
        for late in objects
            .iter_mut()
            .filter(|it| it.cause == Cause::ProgressDeadline)
        {
            let deeper = findings.iter().find(|it| it.object == late.object);
            if let Some(deeper) = deeper {
                late.go_on_to(deeper);
            }
        }
        findings.extend(objects);
        for finding in &mut findings {
            self.name_provider(finding);
        }
        let to_come = self.scope.helm_at_work && self.scope.contents.has_later_hooks();
        for finding in findings.iter_mut().filter(|_| to_come) {
            if !self.is_of_hook(finding) && may_be_ended_by_hook(finding) {
                finding.hope = Hope::AfterHooks;
            }
        }
        // What a hook was there to put right is the shadow of the hook's own failure.
        let rank = |f: &Finding| {
            let hope = match f.hope {
                Hope::Certain => 0,
                Hope::Likely(_) => 1,
                Hope::Retried => 2,
                Hope::AfterHooks => 3,
            };
            let of_hook = self.is_of_hook(f);
            (hope, !of_hook, f.cause, f.object.short(), f.key.clone())
        };
        findings.sort_by_cached_key(rank);
        // It may as well be the other way round: the hook needs what has trouble.
        let deferred = findings.iter().find(|f| f.hope == Hope::AfterHooks);
        let beside = deferred.map(|f| format!("meanwhile {}", f.verdict.sentence));
        for finding in findings.iter_mut().filter(|f| self.is_of_hook(f)) {
            finding.verdict.hints.extend(beside.clone());
        }
        findings
    }

    /// Where an object is missing, another release may bring it.
    fn name_provider(&self, finding: &mut Finding) {
        let Some(object) = &finding.missing else {
            return;
        };
        let create = missing::create(object);
        let hints = &mut finding.verdict.hints;
        let at = hints.iter().position(|hint| *hint == create);
        let provider = self.scope.providers.provider(object);
        if let (Some(at), Some(need)) = (at, missing::need(object, &provider)) {
            hints.insert(at + 1, need);
        }
    }

    fn is_of_hook(&self, finding: &Finding) -> bool {
        let hooks = || self.subjects.iter().filter(|subject| subject.hook);
        hooks().any(|hook| hook.object == finding.object)
    }

    /// Pods that speak for the release: of the present revision, there to stay, of an owner that
    /// is not through yet. A pod that a workload has lost (evicted, say) is replaced, and once helm
    /// has returned well its hooks are past.
    fn judged(&self) -> impl Iterator<Item = &'a Member<'a>> {
        let (subjects, applied) = (self.subjects, self.scope.applied);
        self.members.iter().filter(move |member| {
            let through = subjects.iter().any(|s| {
                s.object == *member.owner
                    && matches!(s.body, Body::Job(job) if job_phase(job) != JobPhase::Running)
            });
            let lost = member.keeper == Keeper::Workload && member.pod.phase == "Failed";
            let past = member.hook && applied;
            member.judged && !member.pod.meta.deleting && !through && !lost && !past
        })
    }

    /// What is wrong with a pod, in the order of its containers.
    fn of_pod(&self, member: &Member<'_>) -> Vec<Finding> {
        let mut drafts: Vec<report::Draft> = Vec::new();
        for part in parts(member) {
            let draft = command::find(self, member, &part)
                .or_else(|| image::find(self, member, &part))
                .or_else(|| config::find(self, member, &part))
                .or_else(|| crash::find(self, member, &part))
                .or_else(|| activity::find(self, member, &part));
            drafts.extend(draft);
        }
        drafts.extend(schedule::find(self, member));
        drafts.extend(volume::find(self, member));
        drafts.extend(object::failed_pod(self, member));
        drafts.extend(object::half_failed(self, member));
        drafts
            .into_iter()
            .map(|draft| draft.of_pod(member))
            .collect()
    }

    fn of_object(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let Some(uid) = subject.body.uid() else {
            return Vec::new();
        };
        [
            job::find(self, subject),
            create::find(self, subject),
            lost::find(self, subject),
            progress::find(self, subject),
            object::find(self, subject),
        ]
        .into_iter()
        .flatten()
        .map(|draft| draft.of_object(&subject.object, uid))
        .chain(stuck::find(self, subject))
        .collect()
    }

    /// Trouble that was there before helm started may be what this very run puts right, though
    /// the pod's own spec has not changed: a Secret, an image, a database.
    fn hope_since(&self, is_new: bool) -> Hope {
        if is_new {
            Hope::Certain
        } else {
            Hope::Likely(MAX_BACKOFF)
        }
    }

    /// What a container keeps printing.
    pub fn repeats(&self, pod: &Pod, container: &str) -> Option<&'a str> {
        let key = (pod.meta.uid.clone(), container.to_owned());
        self.scope.repeating.get(&key).map(String::as_str)
    }

    fn logs_hint(&self, role: ContainerRole) -> String {
        let flag = if role == ContainerRole::Init {
            " --init"
        } else {
            ""
        };
        format!("`stackctl logs {}{flag}`", self.scope.id)
    }
}

/// Whether something that comes into being later may end the trouble. What its spec alone decides
/// stays as it is, and so does what has ended for good.
fn may_be_ended_by_hook(finding: &Finding) -> bool {
    match finding.cause {
        // A program that was started may miss a command; one that can't be started is a wrong name.
        Cause::Command => finding.log_of.is_some(),
        Cause::Image => finding.missing.is_some(),
        Cause::Config => finding.hope != Hope::Certain,
        Cause::OutOfMemory
        | Cause::HookFailed
        | Cause::JobFailed
        | Cause::PodFailed
        | Cause::ClaimLost => false,
        Cause::Crash
        | Cause::StuckRollout
        | Cause::FailedCreate
        | Cause::PodsLost
        | Cause::Volume
        | Cause::Sandbox
        | Cause::ClaimUnbound
        | Cause::Unschedulable
        | Cause::Stalled
        | Cause::NoActivity
        | Cause::NoAddress
        | Cause::ProgressDeadline => true,
    }
}

/// A container of a pod with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    pub spec: &'a ContainerSpec,
    pub status: &'a ContainerStatus,
    pub role: ContainerRole,
}

impl Part<'_> {
    /// Init container `migrate` of pod php-fpm-7d9f-x2x.
    pub fn of(&self, member: &Member<'_>) -> String {
        let container = words::container(self.role, &self.spec.name);
        format!("{container} of pod {}", member.pod.meta.name)
    }

    /// The kubelet starts it again when it has failed.
    pub fn is_restarted(&self, member: &Member<'_>) -> bool {
        member.keeper != Keeper::Job && (self.spec.sidecar || member.pod.restart_policy != "Never")
    }

    /// Reason and message, when it waits.
    pub fn waits(&self) -> Option<(&str, &str)> {
        match &self.status.state {
            ContainerState::Waiting { reason, message } => Some((reason, message)),
            _ => None,
        }
    }
}

/// The containers that have a status, in the order in which they start.
fn parts<'a>(member: &Member<'a>) -> Vec<Part<'a>> {
    let init = member
        .pod
        .inits()
        .map(|(spec, status)| (spec, status, true));
    let main = member
        .pod
        .mains()
        .map(|(spec, status)| (spec, status, false));
    init.chain(main)
        .filter_map(|(spec, status, is_init)| {
            Some(Part {
                spec,
                status: status?,
                role: role(spec, is_init, member.hook),
            })
        })
        .collect()
}
