use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "secret-in-plain",
    severity: Severity::Warning,
    summary: "A password stands in the manifest",
    why: "whoever may read the object, helm's record or the values can read it",
    remedy: "put it into a Secret and refer to it with `secretKeyRef`",
    check,
};

const SECRET: [&str; 5] = ["PASSWORD", "PASSWD", "TOKEN", "API_KEY", "SECRET_KEY"];

fn check(stack: &Stack, findings: &mut Findings) {
    for (release, object, container) in stack.containers() {
        for (name, value) in container.variables() {
            let name = name.to_uppercase();
            let is_secret = SECRET.iter().any(|end| name.ends_with(end));
            if is_secret && may_be_one(&name, value) || has_password(value) {
                let message = format!(
                    "variable `{name}` of container `{}` of {} has its value in plain text",
                    container.name(),
                    object.title()
                );
                findings.at(release, object, message).near(&name);
            }
        }
    }
}

/// Not a switch, a file, or a reference to what is kept elsewhere.
fn may_be_one(name: &str, value: &str) -> bool {
    let switches = [
        "true", "false", "yes", "no", "on", "off", "0", "1", "enabled", "disabled",
    ];
    let is_switch = switches.contains(&value.to_lowercase().as_str());
    let is_asked = ["ALLOW_", "ENABLE_", "DISABLE_", "SKIP_", "REQUIRE_"]
        .iter()
        .any(|start| name.starts_with(start));
    let is_elsewhere = value.starts_with('/') || value.contains("$(") || value.contains("${");
    let is_reference = value.starts_with("vault:") || value.starts_with("file:");
    !value.is_empty() && !is_switch && !is_asked && !is_elsewhere && !is_reference
}

/// `scheme://user:password@host`
fn has_password(value: &str) -> bool {
    let rest = value.split_once("://").map_or("", |(_, rest)| rest);
    let login = rest.rsplit_once('@').map_or("", |(login, _)| login);
    let password = login.split_once(':').map_or("", |(_, password)| password);
    !password.is_empty() && !password.starts_with('$') && !password.contains('/')
}
