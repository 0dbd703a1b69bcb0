//! Rules over a whole stack as helm renders it, before anything is touched.
//!
//! The room owns what can be known to go wrong from the text alone: in one object, between the
//! objects of a release, and between releases. Each rule is a file in `rules/`. It is given the
//! rendered manifests and never renders, reads or asks by itself; what only a cluster knows comes
//! in as [`Known`].

mod accept;
mod finding;
mod hook;
mod host;
mod maker;
mod object;
mod pod;
mod rules;
mod sarif;
mod script;
mod stack;
mod text;
mod wait;

pub use finding::{Counts, Finding, Findings, Report, Severity};
pub use rules::{RULES, Rule};
pub use sarif::sarif;
pub use stack::{Known, Release, Stack};
pub use text::{list, text};

use crate::profile::Profile;

/// Applies every rule, and what the profile accepts. Returns the findings in the order of releases.
pub fn check(stack: &Stack, profile: &Profile) -> Report {
    let mut all = Vec::new();
    for rule in RULES {
        let mut findings = Findings::new(rule);
        (rule.check)(stack, &mut findings);
        all.extend(findings.into_inner());
    }
    rules::leave_out_the_lesser(&mut all);
    accept::accept(&mut all, profile);
    let order = |finding: &Finding| {
        stack
            .releases
            .iter()
            .position(|it| it.id == finding.release)
    };
    all.sort_by_key(|finding| (order(finding), finding.severity));
    Report {
        releases: stack.releases.len(),
        findings: all,
    }
}
