//! From what a cause saw to a finding.

use crate::event::{ContainerRole, Evidence, Verdict, VerdictClass};
use crate::snapshot::{ClusterEvent, Condition, ObjectRef, Pod, Uid};

use super::super::member::Member;
use super::super::missing::Missing;
use super::super::{Finding, Hope, LogOf, words};
use super::{Cause, Part};

/// More than this nobody reads.
const HINTS: usize = 2;

/// A finding before it is known where it hangs.
#[derive(Debug, Clone)]
pub struct Draft {
    cause: Cause,
    hope: Hope,
    sentence: String,
    evidence: Vec<Evidence>,
    hints: Vec<String>,
    /// Below the object or pod, down to the deepest.
    links: Vec<String>,
    container: Option<String>,
    log_of: Option<LogOf>,
    missing: Option<ObjectRef>,
    told_by: Option<String>,
}

impl Draft {
    pub fn new(cause: Cause, hope: Hope, sentence: impl Into<String>) -> Draft {
        Draft {
            cause,
            hope,
            sentence: sentence.into(),
            evidence: Vec::new(),
            hints: Vec::new(),
            links: Vec::new(),
            container: None,
            log_of: None,
            missing: None,
            told_by: None,
        }
    }

    pub fn of_container(self, part: &Part<'_>) -> Draft {
        self.in_container(part.role, &part.spec.name)
    }

    pub fn in_container(mut self, role: ContainerRole, name: &str) -> Draft {
        self.links.push(format!("{} {name}", words::noun(role)));
        self.container = Some(name.to_owned());
        self
    }

    /// A step of the chain between the object and the cause.
    pub fn through(mut self, link: String) -> Draft {
        self.links.push(link);
        self
    }

    /// The last step of the chain is the object that is not there.
    pub fn missing(mut self, missing: &Missing) -> Draft {
        self.missing = Some(missing.object.clone());
        self.hint(missing.hint())
    }

    /// Nothing but this event tells of it: where nothing is missing, it ends the chain.
    pub fn told_by(mut self, event: Option<&ClusterEvent>) -> Draft {
        self.told_by = event.map(|event| format!("event {}", event.reason));
        self.event(event)
    }

    pub fn status(mut self, object: String, reason: &str, message: &str) -> Draft {
        self.evidence.push(Evidence::Status {
            object,
            reason: reason.to_owned(),
            message: message.to_owned(),
        });
        self
    }

    pub fn condition(self, object: String, condition: &Condition) -> Draft {
        self.status(object, &condition.reason, &condition.message)
    }

    pub fn event(mut self, event: Option<&ClusterEvent>) -> Draft {
        self.evidence
            .extend(event.map(|event| Evidence::ClusterEvent {
                object: event.about.short(),
                reason: event.reason.clone(),
                message: event.message.clone(),
                count: event.count,
            }));
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Draft {
        if self.hints.len() < HINTS {
            self.hints.push(hint.into());
        }
        self
    }

    pub fn has_log(&self) -> bool {
        self.log_of.is_some()
    }

    pub fn log(mut self, pod: &Pod, container: &str, attempt: u32) -> Draft {
        self.log_of = Some(LogOf {
            pod_uid: pod.meta.uid.clone(),
            namespace: pod.meta.namespace.clone(),
            pod: pod.meta.name.clone(),
            container: container.to_owned(),
            attempt,
        });
        self
    }

    pub fn of_pod(mut self, member: &Member<'_>) -> Finding {
        let pod = format!("pod/{}", member.pod.meta.name);
        if member.owner.short() != pod {
            self.links.insert(0, pod);
        }
        self.of_object(member.owner, &member.pod.meta.uid)
    }

    /// `uid`: of the deepest object that the trouble is about.
    pub fn of_object(self, object: &ObjectRef, uid: &Uid) -> Finding {
        let container = self.container.as_deref().unwrap_or("-");
        let mut chain = vec![object.short()];
        chain.extend(self.links);
        let missing = self.missing.as_ref().map(ObjectRef::short);
        chain.extend(missing.or(self.told_by));
        Finding {
            key: format!("{}/{container}/{}", uid.0, self.cause.as_str()),
            cause: self.cause,
            object: object.clone(),
            hope: self.hope,
            missing: self.missing,
            verdict: Verdict {
                class: VerdictClass::Certain,
                sentence: self.sentence,
                chain,
                evidence: self.evidence,
                hints: self.hints,
            },
            log_of: self.log_of,
        }
    }
}

impl Finding {
    /// What it tells goes back to this trouble of a pod.
    pub fn go_on_to(&mut self, deeper: &Finding) {
        let (own, of_pod) = (&mut self.verdict, &deeper.verdict);
        own.chain.clone_from(&of_pod.chain);
        own.hints.clone_from(&of_pod.hints);
        own.evidence.extend(of_pod.evidence.iter().cloned());
        self.log_of.clone_from(&deeper.log_of);
    }
}
