use std::collections::BTreeSet;

use serde_json::Value;

use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::pod::{Container, PodSpec};
use crate::check::stack::Stack;
use crate::wording;

pub const RULE: Rule = Rule {
    id: "pod-not-restricted",
    severity: Severity::Warning,
    summary: "A pod asks for more than the Pod Security level `restricted` gives",
    why: "a namespace that enforces the level refuses the pod, and only an event of its ReplicaSet or Job tells so",
    remedy: "set `runAsNonRoot`, `seccompProfile`, `allowPrivilegeEscalation: false` and drop all capabilities",
    check,
};

/// As `restricted` of the Pod Security Standards asks, in the order in which they are told.
fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(pod) = object.pod() else { continue };
        let missing: BTreeSet<&str> = pod.containers().flat_map(|it| missing(pod, it)).collect();
        let host = ["hostNetwork", "hostPID", "hostIPC"]
            .into_iter()
            .filter(|it| pod.0[*it] == true);
        let missing: Vec<&str> = missing.into_iter().chain(host).collect();
        if !missing.is_empty() {
            let message = format!(
                "{} is not restricted: {}",
                object.title(),
                wording::list(&missing)
            );
            findings.at(release, object, message);
        }
    }
}

fn missing<'a>(pod: PodSpec<'a>, container: Container<'a>) -> Vec<&'static str> {
    let (own, around) = (&container.0["securityContext"], &pod.0["securityContext"]);
    let either = |key: &str| match &own[key] {
        Value::Null => &around[key],
        set => set,
    };
    let profile = either("seccompProfile")["type"].as_str();
    let drops = own["capabilities"]["drop"].as_array();
    let mut missing = Vec::new();
    if either("runAsNonRoot") != true {
        missing.push("no `runAsNonRoot`");
    }
    if either("runAsUser") == 0 {
        missing.push("`runAsUser: 0`");
    }
    if !matches!(profile, Some("RuntimeDefault" | "Localhost")) {
        missing.push("no `seccompProfile`");
    }
    if own["allowPrivilegeEscalation"] != false {
        missing.push("no `allowPrivilegeEscalation: false`");
    }
    if own["privileged"] == true {
        missing.push("`privileged`");
    }
    if !drops.is_some_and(|drops| drops.iter().any(|it| it == "ALL")) {
        missing.push("capabilities that are not dropped");
    }
    missing
}
