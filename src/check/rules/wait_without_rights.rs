use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::maker::has;
use crate::check::object::Object;
use crate::check::pod::PodSpec;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "wait-without-rights",
    severity: Severity::Warning,
    summary: "A container asks the API server for what its ServiceAccount may not see",
    why: "a request that is forbidden looks like one whose answer is `not yet`, and the container waits for ever",
    remedy: "bind a Role with `get` on that resource to the ServiceAccount and let its token be mounted, or take the wait out",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for waiter in stack.waiters() {
        let Some(pod) = waiter.object.pod() else {
            continue;
        };
        let account = pod.service_account();
        let namespace = waiter.object.namespace.as_str();
        let own = stack.find("ServiceAccount", namespace, account).next();
        let is_ours = own.is_some() || account == "default";
        let asked = waiter.script.awaited().into_iter().find(|it| it.by_api);
        let Some(awaited) = asked.filter(|_| is_ours) else {
            continue;
        };
        let mounts = pod.0["automountServiceAccountToken"].as_bool();
        let mounts = mounts.or_else(|| own?.1.at("/automountServiceAccountToken").as_bool());
        let why = if mounts == Some(false) && !brings_token(pod) {
            "has no token".to_owned()
        } else if may_read(stack, account, namespace, awaited.kind) {
            continue;
        } else {
            format!("may not read it: no Role of the stack gives it to ServiceAccount `{account}`")
        };
        let message = format!(
            "{} asks the API server for {} `{}` and {why}",
            waiter.title(),
            awaited.kind,
            awaited.name
        );
        findings
            .at(waiter.release, waiter.object, message)
            .near(&awaited.name);
    }
}

fn may_read(stack: &Stack, account: &str, namespace: &str, kind: &str) -> bool {
    let resource = format!("{}s", kind.to_lowercase());
    stack.objects().any(|(_, _, binding)| {
        if !matches!(binding.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
            return false;
        }
        let subjects = binding.at("/subjects").as_array();
        let is_bound = subjects.into_iter().flatten().any(|subject| {
            let of = subject["namespace"].as_str().unwrap_or(&binding.namespace);
            let name = subject["name"].as_str().unwrap_or_default();
            match subject["kind"].as_str() {
                Some("ServiceAccount") => name == account && of == namespace,
                Some("Group") => is_in(name, namespace),
                _ => false,
            }
        });
        is_bound && gives(stack, binding, &resource)
    })
}

/// Groups that Kubernetes puts every ServiceAccount into.
fn is_in(group: &str, namespace: &str) -> bool {
    let of_namespace = group.strip_prefix("system:serviceaccounts:");
    matches!(group, "system:serviceaccounts" | "system:authenticated")
        || of_namespace == Some(namespace)
}

/// A token may be asked for as a volume instead.
fn brings_token(pod: PodSpec<'_>) -> bool {
    let volumes = pod.0["volumes"].as_array().into_iter().flatten();
    let mut sources = volumes.filter_map(|it| it["projected"]["sources"].as_array());
    sources.any(|all| all.iter().any(|it| it["serviceAccountToken"].is_object()))
}

/// A role that the stack does not have is taken to give everything, and so is one that is put
/// together from others.
fn gives(stack: &Stack, binding: &Object, resource: &str) -> bool {
    let kind = binding.text("/roleRef/kind").unwrap_or_default();
    let name = binding.text("/roleRef/name").unwrap_or_default();
    let mut roles = stack.objects().filter(|(_, _, it)| {
        let here = kind == "ClusterRole" || it.namespace == binding.namespace;
        it.kind == kind && it.name == name && here
    });
    let Some((_, _, role)) = roles.next() else {
        return true;
    };
    let rules = role.at("/rules").as_array();
    let mut rules = rules.into_iter().flatten();
    role.at("/aggregationRule").is_object()
        || rules.any(|rule| has(rule, "resources", &[resource]) && has(rule, "verbs", &["get"]))
}
