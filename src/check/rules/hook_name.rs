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

/// What helm leaves out is in no manifest, so the templates are read as they are written.
fn check(stack: &Stack, findings: &mut Findings) {
    for release in &stack.releases {
        for (file, text) in &release.templates {
            for name in text
                .lines()
                .filter_map(written)
                .flat_map(|list| list.split(','))
            {
                let name = name.trim();
                if name.is_empty() || KNOWN.contains(&name) || name.contains('{') {
                    continue;
                }
                let message = format!("`{name}` is no hook, so helm leaves its object out");
                findings.in_file(release, file.clone(), message).near(name);
            }
        }
    }
}

fn written(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches('"');
    let value = line.strip_prefix("helm.sh/hook")?.trim_start_matches('"');
    Some(value.strip_prefix(':')?.trim().trim_matches(['"', '\'']))
}
