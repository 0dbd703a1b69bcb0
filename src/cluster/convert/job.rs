use k8s_openapi::api::batch::v1 as api;

use super::count;
use super::meta::{conditions, meta};
use crate::snapshot::Job;

/// `spec.backoffLimit` when left out (`batch/v1` defaults).
const BACKOFF_LIMIT: i32 = 6;
/// What `spec.managedBy` may say of Kubernetes' own (`batch/v1`, `JobControllerName`).
const OWN_CONTROLLER: &str = "kubernetes.io/job-controller";

pub(super) fn job(object: api::Job) -> Job {
    let spec = object.spec.unwrap_or_default();
    let status = object.status.unwrap_or_default();
    Job {
        meta: meta(object.metadata),
        completions: spec.completions.map(|n| count(Some(n))),
        parallelism: count(spec.parallelism.or(Some(1))),
        backoff_limit: count(spec.backoff_limit.or(Some(BACKOFF_LIMIT))),
        managed_by: spec.managed_by.filter(|it| it != OWN_CONTROLLER),
        suspended: spec.suspend.unwrap_or(false),
        active: count(status.active),
        succeeded: count(status.succeeded),
        failed: count(status.failed),
        conditions: conditions!(status.conditions),
    }
}
