//! How a release stands, by helm's records of it.

use super::Base;
use super::leftover::{self, Leftover};
use super::look::Scene;
use crate::plan::Step;
use crate::runner::ports::ObserveError;
use crate::snapshot::{Record, RecordStatus};

/// What there is of a release.
pub struct Standing {
    pub records: Vec<Record>,
    pub left: Leftover,
}

impl Standing {
    /// # Errors
    /// The cluster can't be asked.
    pub async fn of(scene: Scene<'_>, step: &Step) -> Result<Standing, ObserveError> {
        let records = scene.cluster.revisions(&step.namespace, &step.release);
        let records = records.await?;
        let left = leftover::look(scene, step, &records).await?;
        Ok(Standing { records, left })
    }

    pub fn last(&self) -> Option<&Record> {
        self.records.iter().max_by_key(|record| record.revision)
    }

    /// helm makes the first revision of it, or the first after an end.
    pub fn installs(&self) -> bool {
        let is_gone = |last: &Record| last.status == RecordStatus::Uninstalled;
        self.left.removed.is_some() || self.last().is_none_or(is_gone)
    }

    /// What helm goes on from.
    pub fn base(&self) -> Base {
        let last = self.last().filter(|_| self.left.removed.is_none());
        let is_unfinished =
            |last: &Record| last.status.is_pending() || last.status == RecordStatus::Failed;
        Base {
            revision: last.map_or(0, |last| last.revision) + 1,
            is_unfinished: last.is_some_and(is_unfinished),
        }
    }
}
