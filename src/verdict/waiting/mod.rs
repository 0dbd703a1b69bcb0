//! What a release waits for right now: the deepest thing that blocks it.

mod pod;

pub use pod::{blocked as blocked_pod, trouble_before_start};

use crate::event::{Health, HookPhase};

use super::cause::{Case, Cause};
use super::member::Member;
use super::subject::{Body, Subject};
use super::{Finding, Hope, ObjectHealth, Waiting, ready};

/// Always something, so that nobody has to ask why. Trouble goes before mere waiting, a hook
/// before what comes after it, a pod before the object that counts it.
pub fn deepest(case: &Case<'_>, objects: &[ObjectHealth], findings: &[Finding]) -> Waiting {
    let waiting_for = |finding: &Finding| {
        let troubled = |subject: &&Subject<'_>| subject.object == finding.object;
        let subject = case.subjects.iter().find(troubled);
        // The pod itself says nothing while its volume is being made, nor one that takes the place
        // of those that were lost.
        let is_silent = matches!(finding.cause, Cause::ClaimUnbound | Cause::PodsLost);
        subject
            .filter(|_| !is_silent)
            .and_then(|subject| blocking_pod(case, subject))
            .unwrap_or_else(|| Waiting {
                on: finding.verdict.sentence.clone(),
                since: None,
                chain: finding.verdict.chain.clone(),
                log_of: finding.log_of.clone(),
            })
    };
    let is_deferred = |finding: &&Finding| matches!(finding.hope, Hope::AfterHooks | Hope::Retried);
    // While a load balancer is being made, whatever else is not ready tells more.
    let is_told = |f: &&Finding| !is_deferred(f) && f.cause != Cause::NoAddress;
    let of_trouble = findings.iter().find(is_told).map(waiting_for);
    let unready = |subject: &&Subject<'_>| {
        !subject.hook
            && !subject.stale
            && objects
                .iter()
                .any(|o| o.object == subject.object && o.health != Health::Ready)
    };
    let running_hook = |subject: &&Subject<'_>| {
        subject.hook
            && !case.scope.applied
            && ready::hook_phase(&subject.body) == Some(HookPhase::Running)
    };
    let hooks = || case.subjects.iter().filter(running_hook);
    let unready = || case.subjects.iter().filter(unready);
    of_trouble
        .or_else(|| {
            hooks()
                .next()
                .map(|hook| blocking_hook(case, hook, findings))
        })
        .or_else(|| findings.iter().find(is_deferred).map(waiting_for))
        .or_else(|| unready().find_map(|subject| blocking_pod(case, subject)))
        .or_else(|| {
            let seen = |o: &&ObjectHealth| {
                o.health != Health::Ready && (case.scope.applied || o.health != Health::Missing)
            };
            let is_unready = |o: &&ObjectHealth| unready().any(|s| s.object == o.object);
            let object = objects.iter().filter(is_unready).find(seen)?;
            Some(blocking_object(case, object))
        })
        .unwrap_or_else(|| Waiting {
            on: "helm".to_owned(),
            since: None,
            chain: Vec::new(),
            log_of: None,
        })
}

fn blocking_pod(case: &Case<'_>, subject: &Subject<'_>) -> Option<Waiting> {
    let judged = |m: &&Member<'_>| m.owner == &subject.object && m.judged;
    case.members
        .iter()
        .filter(judged)
        .find_map(|member| pod::blocked(case, member))
}

fn blocking_hook(case: &Case<'_>, hook: &Subject<'_>, findings: &[Finding]) -> Waiting {
    let short = hook.object.short();
    let trouble = findings.iter().find(|it| it.object == hook.object);
    let said = trouble.map(|it| it.verdict.sentence.trim_start_matches("hook "));
    let inner = blocking_pod(case, hook).unwrap_or_else(|| Waiting {
        on: match (&hook.body, said) {
            (_, Some(said)) => said.to_owned(),
            (Body::Job(job), None) => format!("{short} {}", ready::job_progress(job)),
            (_, None) => format!("{short} running"),
        },
        since: hook.body.meta().map(|meta| meta.created),
        chain: vec![hook.object.short()],
        log_of: None,
    });
    Waiting {
        on: format!("hook {}", inner.on),
        ..inner
    }
}

fn blocking_object(case: &Case<'_>, object: &ObjectHealth) -> Waiting {
    let subject = case.subjects.iter().find(|s| s.object == object.object);
    let name = object.object.short();
    let (on, since) = match subject.map(|s| s.body) {
        Some(Body::Job(job)) if ready::job_phase(job) == ready::JobPhase::Running => {
            let on = format!("{name} {}", ready::job_progress(job));
            (on, Some(job.meta.created))
        }
        Some(Body::Claim(claim)) => {
            let events = case.world.past.events_about(&claim.meta.uid);
            let warning = events.iter().rfind(|event| event.warning);
            let on = match warning {
                Some(event) => {
                    format!("{name}: not bound: {}", super::words::brief(&event.message))
                }
                None => format!("{name}: {}", object.reason),
            };
            (on, Some(claim.meta.created))
        }
        Some(Body::Workload(workload)) if workload.paused => {
            let namespace = &workload.meta.namespace;
            let on = format!(
                "{name}: {} (`kubectl rollout resume {name} -n {namespace}` lets it go on)",
                object.reason
            );
            (on, None)
        }
        _ => (format!("{name}: {}", object.reason), None),
    };
    Waiting {
        on,
        since,
        chain: vec![name],
        log_of: None,
    }
}
