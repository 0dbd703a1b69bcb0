//! One file a rule.

mod api_not_served;
mod claim_shared;
mod command_dashes;
mod deadline_short;
mod hook_holds_data;
mod hook_name;
mod hook_needs_own_object;
mod hook_order;
mod hook_policy;
mod hook_weight;
mod hook_writes_live_volume;
mod host_unknown;
mod image_floating;
mod image_never_pulled;
mod image_withdrawn;
mod job_restart_policy;
mod job_unbounded;
mod migration_per_replica;
mod need_missing;
mod need_redundant;
mod need_unstated;
mod not_text;
mod object_twice;
mod pod_not_restricted;
mod pod_waits_for_job;
mod probe_without_handler;
mod readiness_missing;
mod reference_missing;
mod rendered_differently;
mod requests_missing;
mod secret_in_plain;
mod service_selects_nothing;
mod telemetry_legacy;
mod wait_by_pattern;
mod wait_for_short_lived_job;
mod wait_names_nothing;
mod wait_without_deadline;
mod wait_without_need;
mod wait_without_rights;

use serde::Serialize;

pub use host_unknown::hosts;

use super::finding::{Finding, Findings, Severity};
use super::stack::Stack;

/// Something that is known to go wrong.
#[derive(Debug, Serialize)]
pub struct Rule {
    pub id: &'static str,
    pub severity: Severity,
    /// What is wrong, as a heading.
    pub summary: &'static str,
    /// What comes of it.
    pub why: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
    #[serde(skip)]
    pub(super) check: fn(&Stack, &mut Findings),
}

/// All rules, by what they are about.
pub const RULES: &[&Rule] = &[
    &hook_needs_own_object::RULE,
    &hook_order::RULE,
    &hook_name::RULE,
    &hook_weight::RULE,
    &hook_policy::RULE,
    &hook_holds_data::RULE,
    &hook_writes_live_volume::RULE,
    &wait_names_nothing::RULE,
    &wait_without_need::RULE,
    &wait_for_short_lived_job::RULE,
    &wait_without_rights::RULE,
    &wait_by_pattern::RULE,
    &wait_without_deadline::RULE,
    &pod_waits_for_job::RULE,
    &reference_missing::RULE,
    &host_unknown::RULE,
    &need_unstated::RULE,
    &need_missing::RULE,
    &need_redundant::RULE,
    &object_twice::RULE,
    &service_selects_nothing::RULE,
    &api_not_served::RULE,
    &not_text::RULE,
    &claim_shared::RULE,
    &command_dashes::RULE,
    &probe_without_handler::RULE,
    &readiness_missing::RULE,
    &image_floating::RULE,
    &image_withdrawn::RULE,
    &image_never_pulled::RULE,
    &requests_missing::RULE,
    &pod_not_restricted::RULE,
    &secret_in_plain::RULE,
    &rendered_differently::RULE,
    &migration_per_replica::RULE,
    &deadline_short::RULE,
    &job_restart_policy::RULE,
    &job_unbounded::RULE,
    &telemetry_legacy::RULE,
];

/// That a pod waits for a Job at all says nothing new where it is known to wait in vain.
pub fn leave_out_the_lesser(findings: &mut Vec<Finding>) {
    let is_wait = |finding: &Finding| finding.rule.starts_with("wait-");
    let worse: Vec<_> = findings
        .iter()
        .filter(|finding| is_wait(finding))
        .map(|finding| (finding.release.clone(), finding.object.clone()))
        .collect();
    findings.retain(|finding| {
        finding.rule != pod_waits_for_job::RULE.id
            || !worse.contains(&(finding.release.clone(), finding.object.clone()))
    });
}
