//! Claims of StatefulSets that only earlier revisions had: a chart that drops a set, or calls it or its
//! template of claims otherwise, leaves them, and the last revision tells nothing of them.

use std::collections::BTreeSet;

use super::Down;
use crate::plan::Step;
use crate::runner::asking::Limits;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{Contents, WorkloadKind, is_ordinal};

/// Where claims may be of an earlier revision.
pub(super) struct Earlier {
    /// Those before the last one, the newest first.
    revisions: Vec<u32>,
    /// Claims that nothing owns, by namespace and name.
    claims: Vec<(String, String)>,
    /// StatefulSets that there are.
    sets: BTreeSet<(String, String)>,
}

impl Down<'_> {
    pub(super) fn earlier(&self, step: &Step, last: u32) -> Earlier {
        let (namespace, release) = (step.namespace.as_str(), step.release.as_str());
        let records = self.world.records.values();
        let own = records.filter(|it| it.namespace == namespace && it.release == release);
        let revisions = own.map(|it| it.revision).filter(|it| *it != last);
        let claims = self.world.claims.values().map(|it| &it.meta);
        let free = claims.filter(|it| it.owner.is_none());
        let workloads = self.world.workloads.values();
        let sets = workloads.filter(|it| it.kind == WorkloadKind::StatefulSet);
        Earlier {
            revisions: revisions
                .collect::<BTreeSet<_>>()
                .into_iter()
                .rev()
                .collect(),
            claims: free
                .map(|it| (it.namespace.clone(), it.name.clone()))
                .collect(),
            sets: sets
                .map(|it| (it.meta.namespace.clone(), it.meta.name.clone()))
                .collect(),
        }
    }
}

impl Earlier {
    /// Takes the templates of claims of earlier revisions into `contents`. Their records are read only
    /// where there is a claim that may be of one. A set of that name that the release does not have is
    /// another's, and so are its claims.
    ///
    /// # Errors
    /// There was no answer in time.
    pub async fn add_to(
        self,
        contents: &mut Contents,
        observer: &dyn Observer,
        limits: &Limits,
        step: &Step,
    ) -> Result<(), ObserveError> {
        let own = step.namespace.as_str();
        let is_open = |(namespace, name): &(String, String)| {
            !contents.is_claim_of_set(own, namespace, name) && is_numbered(name)
        };
        if !self.claims.iter().any(is_open) {
            return Ok(());
        }
        for revision in &self.revisions {
            let old = match limits.read_contents(observer, step, *revision).await {
                Ok(old) => old,
                Err(error) if error.passes().is_some() => return Err(error),
                // It is gone, or can't be read: the others tell what they can.
                Err(_) => continue,
            };
            for (set, template) in old.claims {
                let place = set.namespace.as_deref().unwrap_or(own);
                let is_there = self.sets.contains(&(place.to_owned(), set.name.clone()));
                let is_own = contents
                    .objects
                    .iter()
                    .any(|it| it.kind == set.kind && it.name == set.name);
                let one = (set, template);
                if (is_own || !is_there) && !contents.claims.contains(&one) {
                    contents.claims.push(one);
                }
            }
        }
        Ok(())
    }
}

/// It may be a StatefulSet's, for the pod of this number.
fn is_numbered(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(_, number)| is_ordinal(number))
}
