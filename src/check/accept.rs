//! Findings that the profile accepts, each with its reason.

use super::finding::Finding;
use crate::profile::{Accepted, Profile};

pub fn accept(findings: &mut [Finding], profile: &Profile) {
    for finding in findings {
        let accepted = profile.accept.iter().find(|it| fits(it, finding));
        finding.accepted = accepted.map(|it| it.reason.clone());
    }
}

fn fits(accepted: &Accepted, finding: &Finding) -> bool {
    let is = |wanted: &Option<String>, own: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| own == Some(wanted))
    };
    accepted.rule == finding.rule
        && is(&accepted.release, Some(finding.release.as_str()))
        && is(&accepted.object, finding.object.as_deref())
}
