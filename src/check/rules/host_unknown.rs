use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::host::Host;
use crate::check::pod::{Container, PodSpec};
use crate::check::script::host_of_url;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "host-unknown",
    severity: Severity::Warning,
    summary: "A variable names a host that no Service of the stack answers to",
    why: "a name without dots is looked up among the Services of the namespace, and then in the search domains of the nodes; where neither has it, every connection fails",
    remedy: "use the Service's own name, or give its chart a `fullnameOverride`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let Some(pod) = object.pod() else { continue };
        let mut told: Vec<&str> = Vec::new();
        for (name, host) in hosts(pod) {
            if told.contains(&host) {
                continue;
            }
            told.push(host);
            let (what, severity) = match stack.host(host, pod, &object.namespace) {
                Host::Service(_) | Host::Elsewhere => continue,
                Host::Unseen => (
                    format!("and no release has such a Service; {}", stack.unasked()),
                    Severity::Note,
                ),
                Host::Nobody => match stack.maker("Service", host, &object.namespace) {
                    Some(maker) => (
                        format!("and no release has such a Service{}", maker.may("it")),
                        Severity::Note,
                    ),
                    None => (nobody(stack), Severity::Warning),
                },
            };
            let message = format!("`{name}` of {} names host `{host}`, {what}", object.title());
            findings
                .at(release, object, message)
                .near(name)
                .severity(severity);
        }
    }
}

fn nobody(stack: &Stack) -> String {
    match stack.known {
        Some(_) => "and neither a release nor this cluster has such a Service".to_owned(),
        None => format!("and no release has such a Service; {}", stack.unasked()),
    }
}

/// The hosts that a pod's variables name, each with its variable.
pub fn hosts<'a>(pod: PodSpec<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let variables = pod.containers().flat_map(Container::variables);
    variables.filter_map(|(name, value)| Some((name, host(name, value)?)))
}

/// The host that a variable names: in a URL, or by itself where the variable's name says so.
fn host<'a>(name: &str, value: &'a str) -> Option<&'a str> {
    // Streams of programs, files, and buckets.
    let schemes = [
        "php://",
        "file://",
        "unix://",
        "stdin://",
        "s3://",
        "gs://",
        "azblob://",
        "memory://",
        "mem://",
    ];
    if schemes.iter().any(|scheme| value.starts_with(scheme)) {
        return None;
    }
    let is_named = name.ends_with("_HOST") || name == "HOST" || name == "PGHOST";
    let is_switch = [
        "true", "false", "yes", "no", "on", "off", "none", "all", "auto", "any",
    ];
    if is_switch.contains(&value) {
        return None;
    }
    host_of_url(value).or_else(|| {
        let host = value.split(':').next()?;
        (is_named && !host.is_empty() && !host.contains('/')).then_some(host)
    })
}
