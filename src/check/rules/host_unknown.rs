use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::pod::{Container, PodSpec};
use crate::check::script::host_of_url;
use crate::check::stack::{Host, Stack};

pub const RULE: Rule = Rule {
    id: "host-unknown",
    severity: Severity::Error,
    summary: "A variable names a host that no Service of the stack answers to",
    why: "a name without dots is looked up among the Services of the namespace only; what is not there is not found",
    remedy: "use the Service's own name, or give its chart a `fullnameOverride`; `stackctl check --cluster` sees Services that are there already",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(pod) = object.pod() else { continue };
        let mut told: Vec<&str> = Vec::new();
        for (name, host) in hosts(pod) {
            if told.contains(&host) || stack.host(host, &object.namespace) != Host::Nobody {
                continue;
            }
            told.push(host);
            let message = format!(
                "`{name}` of {} names host `{host}`, and no release has such a Service",
                object.title()
            );
            findings.at(release, object, message).near(name);
        }
    }
}

/// The hosts that a pod's variables name, each with its variable.
pub fn hosts<'a>(pod: PodSpec<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let variables = pod.containers().flat_map(Container::variables);
    variables.filter_map(|(name, value)| Some((name, host(name, value)?)))
}

/// The host that a variable names: in a URL, or by itself where the variable's name says so.
fn host<'a>(name: &str, value: &'a str) -> Option<&'a str> {
    // Streams of programs, and files.
    let schemes = ["php://", "file://", "unix://", "stdin://"];
    if schemes.iter().any(|scheme| value.starts_with(scheme)) {
        return None;
    }
    let is_named = name.ends_with("_HOST") || name == "HOST" || name == "PGHOST";
    host_of_url(value).or_else(|| {
        let host = value.split(':').next()?;
        (is_named && !host.is_empty() && !host.contains('/')).then_some(host)
    })
}
