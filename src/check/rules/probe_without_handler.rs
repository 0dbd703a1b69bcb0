use serde_json::{Map, Value};

use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "probe-without-handler",
    severity: Severity::Error,
    summary: "A probe does not say how to probe",
    why: "the API server refuses the object: a probe needs one of `httpGet`, `tcpSocket`, `exec` and `grpc`",
    remedy: "put `path` and `port` below `httpGet`",
    check,
};

const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];
const HANDLERS: [&str; 4] = ["httpGet", "tcpSocket", "exec", "grpc"];

fn check(stack: &Stack, findings: &mut Findings) {
    for (release, object, container) in stack.containers() {
        for probe in PROBES {
            let written = container.0[probe].as_object();
            let lacks = |it: &Map<String, Value>| !HANDLERS.iter().any(|key| it.contains_key(*key));
            if written.is_some_and(lacks) {
                let message = format!(
                    "the `{probe}` of container `{}` of {} has no handler",
                    container.name(),
                    object.title()
                );
                findings.at(release, object, message).near(probe);
            }
        }
    }
}
