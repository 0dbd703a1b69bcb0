//! What is shown of the stacks, from what the watches saw of them.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::proofs::Proofs;
use super::rows::{self, Look};
use crate::cluster::Cluster;
use crate::command::stacks::{Found, Seen, Stack, View};
use crate::event::VerdictClass;
use crate::reporter::status::{Overview, StackStatus};
use crate::runner::{Held, Patience};
use crate::verdict::{Finding, Hope};

pub struct Judge<'a> {
    cluster: &'a Cluster,
    found: &'a Found,
    view: View<'a>,
    /// How long the trouble of each release has lasted since we look, per stack.
    patience: Vec<Vec<Patience>>,
    proofs: Proofs,
}

impl<'a> Judge<'a> {
    pub fn new(cluster: &'a Cluster, found: &'a Found, view: View<'a>) -> Judge<'a> {
        let fresh = |stack: &Stack| stack.releases.iter().map(|_| Patience::default()).collect();
        Judge {
            cluster,
            found,
            view,
            patience: found.stacks.iter().map(fresh).collect(),
            proofs: Proofs::default(),
        }
    }

    /// Waits until something has changed; [`Judge::refresh`] then takes it in.
    pub async fn changed(&mut self) {
        tokio::select! {
            () = self.view.changed() => {}
            () = self.proofs.arrived() => {}
        }
    }

    pub async fn refresh(&mut self) {
        self.view.refresh().await;
        self.view.look(false).await;
    }

    /// Asks again for what no watch shows.
    pub async fn look_again(&mut self) {
        self.view.look(true).await;
    }

    /// Reads the last lines of what failed; waits for them, but not for long.
    pub async fn fetch_proofs(&mut self) {
        self.overview();
        self.proofs.all_arrived().await;
    }

    /// Everything as it is now. Begins to read the logs of what fails, once each.
    pub fn overview(&mut self) -> Overview {
        let mut unseen = self.found.unseen.clone();
        unseen.extend(self.view.unseen());
        let mut stacks = Vec::new();
        let seen = self.view.seen();
        for ((stack, seen), patience) in self.found.stacks.iter().zip(seen).zip(&mut self.patience)
        {
            let mut releases = Vec::new();
            for ((member, seen), patience) in stack.releases.iter().zip(&seen).zip(patience) {
                // What has been left of it stays.
                if member.orphaned && seen.record.is_none() && seen.held.is_empty() {
                    continue;
                }
                let worst = worst(seen, patience);
                let log_of = worst
                    .as_ref()
                    .and_then(|(finding, _)| finding.log_of.as_ref());
                if let (Some(log), Some(assessment)) = (log_of, &seen.assessment) {
                    self.proofs.want(self.cluster, log, &assessment.pods);
                }
                let look = Look {
                    member,
                    seen,
                    log: log_of.and_then(|log| self.proofs.evidence(log)),
                    worst,
                };
                releases.push(rows::row(look));
            }
            stacks.push(StackStatus {
                stack: stack.id.name.clone(),
                namespace: stack.id.namespace.clone(),
                context: self.cluster.context().to_owned(),
                releases,
            });
        }
        unseen.extend(self.proofs.failures());
        Overview { stacks, unseen }
    }
}

/// The worst trouble, and whether it is beyond hope. What may pass by itself is given its budget
/// from when it began, where the cluster says that, else from when it was first seen here.
fn worst(seen: &Seen, patience: &mut Patience) -> Option<(Finding, bool)> {
    let assessment = seen.assessment.as_ref()?;
    let lost = patience.exhausted(&assessment.findings, Held::default(), Instant::now());
    if let Some(finding) = lost {
        return Some((finding, true));
    }
    let mut finding = assessment.findings.first()?.clone();
    finding.verdict.class = VerdictClass::Likely;
    let since = assessment
        .waiting
        .as_ref()
        .and_then(|waiting| waiting.since);
    let lasted: Option<Duration> =
        since.and_then(|since| Timestamp::now().duration_since(since).try_into().ok());
    let lost = match (finding.hope, lasted) {
        (Hope::Likely(budget), Some(lasted)) => budget <= lasted,
        _ => false,
    };
    Some((finding, lost))
}
