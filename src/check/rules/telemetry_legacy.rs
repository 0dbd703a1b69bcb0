use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "telemetry-legacy",
    severity: Severity::Warning,
    summary: "Traces are sent in Jaeger's old way",
    why: "OpenTelemetry has dropped the Jaeger exporters, and Jaeger 2 takes OTLP; what still sends to port 14268 sends to nobody",
    remedy: "set `OTEL_EXPORTER_OTLP_ENDPOINT` to port 4317 or 4318",
    check,
};

/// What Jaeger's own clients were told by.
const OLD: [&str; 5] = [
    "JAEGER_ENDPOINT",
    "JAEGER_AGENT_HOST",
    "JAEGER_AGENT_PORT",
    "JAEGER_SERVICE_NAME",
    "OTEL_EXPORTER_JAEGER_ENDPOINT",
];

fn check(stack: &Stack, findings: &mut Findings) {
    for (release, object, container) in stack.containers() {
        for (name, value) in container.variables() {
            if OLD.contains(&name) || value.contains(":14268") {
                let message = format!(
                    "variable `{name}` of container `{}` of {} speaks to Jaeger's own port",
                    container.name(),
                    object.title()
                );
                findings.at(release, object, message).near(name);
            }
        }
    }
}
