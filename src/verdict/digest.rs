//! Long messages of the cluster, put so that they can be read at a glance. What they don't know
//! they pass on.

use super::words::brief;

/// What the scheduler says of a reason, and how people say it of one node and of several.
const NODES: [(&str, &str, &str); 12] = [
    (
        "Too many pods",
        "runs as many pods as it may",
        "run as many pods as they may",
    ),
    ("were unschedulable", "is cordoned", "are cordoned"),
    (
        "didn't match Pod's node affinity/selector",
        "does not match its node selector or affinity",
        "do not match its node selector or affinity",
    ),
    (
        "didn't match node selector",
        "does not match its node selector",
        "do not match its node selector",
    ),
    (
        "didn't match pod anti-affinity rules",
        "runs a pod that it must not share a node with",
        "run a pod that it must not share a node with",
    ),
    (
        "didn't match pod affinity rules",
        "lacks a pod that it must share a node with",
        "lack a pod that it must share a node with",
    ),
    (
        "didn't match pod topology spread constraints (missing required label)",
        "lacks the label that these pods are spread by",
        "lack the label that these pods are spread by",
    ),
    (
        "didn't match pod topology spread constraints",
        "has its share of these pods already",
        "have their share of these pods already",
    ),
    (
        "had volume node affinity conflict",
        "can't reach its volume",
        "can't reach its volume",
    ),
    (
        "didn't find available persistent volumes to bind",
        "has no volume for its claim",
        "have no volume for its claim",
    ),
    (
        "didn't have free ports for the requested pod ports",
        "has its host port in use",
        "have its host port in use",
    ),
    (
        "had volume limits",
        "has as many volumes as it may",
        "have as many volumes as they may",
    ),
];

/// The scheduler's verdict about all nodes: `of 3 nodes 1 is cordoned and 2 have too little cpu
/// left`. Of its sentences the first tells about nodes, the next repeats it for preemption.
pub fn nodes(message: &str) -> String {
    let first = message.split(". ").next().unwrap_or(message);
    let Some((total, reasons)) = counted(first) else {
        return brief(first);
    };
    let reasons: Vec<(Option<u32>, String)> = split(reasons).into_iter().map(of_nodes).collect();
    if total == 1 {
        let about_it = reasons.iter().any(|(number, _)| number.is_some());
        let whose = if about_it { "the only node " } else { "" };
        let said: Vec<String> = reasons.into_iter().map(|(_, said)| said).collect();
        return format!("{whose}{}", crate::wording::list(&said));
    }
    let said: Vec<String> = reasons
        .into_iter()
        .map(|(number, said)| match number {
            Some(number) => format!("{number} {said}"),
            None => said,
        })
        .collect();
    format!("of {total} nodes {}", crate::wording::list(&said))
}

/// `0/3 nodes are available: REASONS`.
fn counted(sentence: &str) -> Option<(u32, &str)> {
    let (count, reasons) = sentence.split_once(" nodes are available: ")?;
    let (_, total) = count.split_once('/')?;
    Some((total.parse().ok()?, reasons.trim().trim_end_matches('.')))
}

/// At the commas, but not at those inside braces or before a reason that goes on.
fn split(reasons: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = reasons;
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let mut from = 0;
    while let Some(at) = rest[from..].find(", ").map(|at| at + from) {
        if begins(&rest[at + 2..]) {
            parts.push(&rest[..at]);
            rest = &rest[at + 2..];
            from = 0;
        } else {
            from = at + 2;
        }
    }
    parts.push(rest);
    parts
}

/// Of how many nodes it is said, and what. Without a number it is about the pod, or not understood.
fn of_nodes(reason: &str) -> (Option<u32>, String) {
    if reason.contains("unbound immediate PersistentVolumeClaims") {
        return (None, "its claim is not bound".to_owned());
    }
    let Some((number, what)) = reason
        .split_once(' ')
        .and_then(|(number, what)| Some((number.parse::<u32>().ok()?, what)))
    else {
        return (None, brief(reason));
    };
    let verb = if number == 1 { "has" } else { "have" };
    let known = NODES.iter().find(|(text, ..)| what.contains(text));
    let said = if let Some((_, one, many)) = known {
        (if number == 1 { *one } else { *many }).to_owned()
    } else if let Some(resource) = what.strip_prefix("Insufficient ") {
        format!("{verb} too little {resource} left")
    } else if let Some((_, taint)) = what.split_once("taint {") {
        let taint = taint.split('}').next().unwrap_or(taint);
        let taint = taint.trim_end_matches([':', ' ']).replace(": ", "=");
        format!("{verb} taint `{taint}`, which it does not tolerate")
    } else {
        return (None, brief(reason));
    };
    (Some(number), said)
}

/// How the API server begins where it got no answer (`k8s.io/apiserver/pkg/admission/plugin/webhook`).
pub const UNREACHABLE_WEBHOOK: &str = "failed calling webhook \"";

/// Why admission let no pod pass. Reads the messages of ResourceQuota (`plugin/pkg/admission/
/// resourcequota`) and Pod Security (`k8s.io/pod-security-admission`).
pub fn refusal(message: &str) -> String {
    const ATTEMPTS: [&str; 3] = ["is forbidden: ", "is invalid: ", "error: "];
    let message = message.trim_start_matches("Error creating: ");
    let cut = ATTEMPTS.iter().filter_map(|attempt| {
        let at = message.find(attempt)?;
        Some(at + attempt.len())
    });
    let reason = &message[cut.max().unwrap_or(0)..];
    quota(reason)
        .or_else(|| pod_security(reason))
        .or_else(|| unreachable_webhook(reason))
        .unwrap_or_else(|| brief(reason.trim_start_matches('[').trim_end_matches(']')))
}

/// `failed calling webhook "w": failed to call webhook: Post "https://s.ns.svc:443/p?timeout=10s": WHY`:
/// the cause comes last.
fn unreachable_webhook(reason: &str) -> Option<String> {
    let rest = reason.split_once(UNREACHABLE_WEBHOOK)?.1;
    let (webhook, rest) = rest.split_once('"')?;
    let why = rest.trim_start_matches(": ");
    let why = why.strip_prefix("failed to call webhook: ").unwrap_or(why);
    let why = match why.strip_prefix("Post \"") {
        Some(request) => request.split_once("\": ").map_or(why, |(_, why)| why),
        None => why,
    };
    Some(format!(
        "admission webhook `{webhook}` can't be asked: {}",
        brief(why)
    ))
}

/// `exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3`.
fn quota(reason: &str) -> Option<String> {
    let rest = reason.strip_prefix("exceeded quota: ")?;
    let (name, rest) = rest.split_once(", requested: ")?;
    let (requested, rest) = rest.split_once(", used: ")?;
    let (used, limited) = rest.split_once(", limited: ")?;
    let of = |list: &str, resource: &str| {
        list.split(',')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == resource)
            .map(|(_, amount)| amount.to_owned())
    };
    let each: Vec<String> = requested
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(resource, asked)| {
            let (used, limit) = (of(used, resource)?, of(limited, resource)?);
            Some(format!(
                "{resource}: {asked} more asked for, {used} of {limit} used"
            ))
        })
        .collect();
    let each = each.join("; ");
    (!each.is_empty()).then(|| format!("ResourceQuota `{name}` is used up ({each})"))
}

/// `violates PodSecurity "restricted:latest": RULE (container ... must set ...), RULE (...)`.
fn pod_security(reason: &str) -> Option<String> {
    let rest = reason.strip_prefix("violates PodSecurity \"")?;
    let (level, rules) = rest.split_once("\": ")?;
    let level = level.split(':').next().unwrap_or(level);
    let mut depth = 0_u32;
    let rules: String = rules
        .chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect();
    let rules: Vec<&str> = rules.split(',').map(str::trim).collect();
    let rules = rules.join(", ");
    Some(format!("Pod Security `{level}` forbids: {rules}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_scheduler_says() {
        let cases = [
            (
                "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available.",
                "the only node has too little cpu left",
            ),
            (
                "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.",
                "the only node has too little cpu left and has too little memory left",
            ),
            (
                "0/5 nodes are available: 1 node(s) were unschedulable, 2 Insufficient memory, \
                 2 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }.",
                "of 5 nodes 1 is cordoned, 2 have too little memory left and 2 have taint \
                 `node-role.kubernetes.io/control-plane`, which it does not tolerate",
            ),
            (
                "0/2 nodes are available: 2 node(s) had taint {team: shop}, that the pod didn't tolerate.",
                "of 2 nodes 2 have taint `team=shop`, which it does not tolerate",
            ),
            (
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
                "the only node does not match its node selector or affinity",
            ),
            (
                "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
                "its claim is not bound",
            ),
            (
                "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 2 \
                 node(s) didn't match pod topology spread constraints (missing required label).",
                "of 3 nodes 1 has its share of these pods already and 2 lack the label that these \
                 pods are spread by",
            ),
            (
                "no nodes available to schedule pods",
                "no nodes available to schedule pods",
            ),
            (
                "0/2 nodes are available: 2 node(s) felt unwell.",
                "of 2 nodes 2 node(s) felt unwell",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(nodes(message), expected, "{message}");
        }
    }

    #[test]
    fn what_admission_says() {
        let cases = [
            (
                "Error creating: pods \"x-1\" is forbidden: exceeded quota: compute, requested: \
                 limits.memory=2Gi,pods=1, used: limits.memory=7Gi,pods=3, limited: \
                 limits.memory=8Gi,pods=3",
                "ResourceQuota `compute` is used up (limits.memory: 2Gi more asked for, 7Gi of \
                 8Gi used; pods: 1 more asked for, 3 of 3 used)",
            ),
            (
                "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: \
                 violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false \
                 (container \"db\" must set securityContext.allowPrivilegeEscalation=false), \
                 seccompProfile (pod or container \"db\" must set it to \"RuntimeDefault\")",
                "Pod Security `restricted` forbids: allowPrivilegeEscalation != false, \
                 seccompProfile",
            ),
            (
                "pods \"x\" is forbidden: [maximum cpu usage per Container is 1, but limit is 2]",
                "maximum cpu usage per Container is 1, but limit is 2",
            ),
            (
                "pods \"x\" is forbidden: failed quota: compute: must specify limits.cpu for: web",
                "failed quota: compute: must specify limits.cpu for: web",
            ),
            (
                "Error creating: Internal error occurred: failed calling webhook \
                 \"mutate.pods.very-long-name.policy.example.com\": failed to call webhook: Post \
                 \"https://policy-controller.policy-system.svc:443/mutate/pods?timeout=10s\": dial \
                 tcp 10.96.7.1:443: connect: connection refused",
                "admission webhook `mutate.pods.very-long-name.policy.example.com` can't be asked: \
                 dial tcp 10.96.7.1:443: connect: connection refused",
            ),
            (
                "Internal error occurred: failed calling webhook \"w\": expected webhook response of \
                 admission.k8s.io/v1, got /",
                "admission webhook `w` can't be asked: expected webhook response of \
                 admission.k8s.io/v1, got /",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(refusal(message), expected, "{message}");
        }
    }
}
