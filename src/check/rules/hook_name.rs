use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "hook-name",
    severity: Severity::Error,
    summary: "A hook has a name that helm does not know",
    why: "helm leaves out an object with an unknown hook without a word",
    remedy: "write one of `pre-install`, `post-install`, `pre-upgrade`, `post-upgrade`, `pre-rollback`, `post-rollback`, `pre-delete`, `post-delete`, `test`",
    check,
};

/// helm `pkg/release/v1/hook.go`.
const KNOWN: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "pre-delete",
    "post-delete",
    "test",
    "test-success",
];

/// Those of helm 2, which many charts still name beside what took their place.
const OLD: [&str; 2] = ["crd-install", "test-failure"];

/// What helm leaves out is in no manifest, so the templates are read as they are written.
fn check(stack: &Stack, findings: &mut Findings) {
    for release in &stack.releases {
        for (file, text) in &release.templates {
            for name in text.lines().flat_map(written) {
                if KNOWN.contains(&name.as_str()) {
                    continue;
                }
                let severity = match OLD.contains(&name.as_str()) {
                    true => Severity::Note,
                    false => Severity::Error,
                };
                let message = format!("`{name}` is no hook, so helm leaves its object out");
                findings
                    .in_file(release, file.clone(), message)
                    .near(&name)
                    .severity(severity);
            }
        }
    }
}

/// The hooks that a line names; none where a template is still to put them in.
fn written(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches(['"', '\'']);
    let rest = line.strip_prefix("helm.sh/hook").unwrap_or_default();
    let value = rest.trim_start_matches(['"', '\'']).strip_prefix(':');
    let value = value.unwrap_or_default();
    let value = value.split(" #").next().unwrap_or_default();
    let value = value.trim().trim_matches(['"', '\'']);
    if value.contains("{{") {
        return Vec::new();
    }
    let names = value.split(',').map(|name| name.trim().to_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn the_names_of_hooks_are_read_as_helm_does() {
        for (line, names) in [
            ("  helm.sh/hook: pre-install", &["pre-install"][..]),
            (
                "\"helm.sh/hook\": Post-Instal, test # once",
                &["post-instal", "test"],
            ),
            ("'helm.sh/hook': 'post-delete'", &["post-delete"]),
            ("helm.sh/hook: {{ join \",\" .Values.hooks }}", &[]),
            ("helm.sh/hook-weight: \"1\"", &[]),
            ("# helm.sh/hook: crd-instal", &[]),
        ] {
            assert_eq!(written(line), names, "{line}");
        }
    }
}
