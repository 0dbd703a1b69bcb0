use std::collections::HashMap;

use tokio::time::Instant;

use super::hold::Held;
use crate::event::VerdictClass;
use crate::verdict::{Finding, Hope};

/// How long each trouble of a release has lasted. Trouble that goes away in between starts anew,
/// and so does one that was borne for a while because another release might end it.
#[derive(Debug, Default)]
pub struct Patience {
    since: HashMap<String, Instant>,
}

impl Patience {
    /// Takes note of the trouble there is now and returns the worst that is beyond hope: certain
    /// ones at once, likely ones when they have used up their budget. What is held uses up nothing.
    pub fn exhausted(&mut self, findings: &[Finding], held: Held, now: Instant) -> Option<Finding> {
        let is_borne = |f: &&Finding| matches!(f.hope, Hope::AfterHooks | Hope::Retried);
        let counts = |f: &&Finding| !is_borne(f) && !held.holds(f);
        self.since
            .retain(|key, _| findings.iter().filter(counts).any(|f| f.key == *key));
        for finding in findings.iter().filter(counts) {
            self.since.entry(finding.key.clone()).or_insert(now);
        }
        let certain = findings.iter().find(|f| f.hope == Hope::Certain);
        certain.cloned().or_else(|| self.run_out(findings, now))
    }

    /// When the next budget runs out if nothing changes.
    pub fn next(&self, findings: &[Finding]) -> Option<Instant> {
        findings.iter().filter_map(|f| self.end(f)).min()
    }

    fn run_out(&self, findings: &[Finding], now: Instant) -> Option<Finding> {
        let spent = findings
            .iter()
            .find(|finding| self.end(finding).is_some_and(|end| end <= now))?;
        let mut finding = spent.clone();
        finding.verdict.class = VerdictClass::Likely;
        Some(finding)
    }

    fn end(&self, finding: &Finding) -> Option<Instant> {
        match finding.hope {
            Hope::Certain | Hope::AfterHooks | Hope::Retried => None,
            Hope::Likely(budget) => Some(*self.since.get(&finding.key)? + budget),
        }
    }
}
