//! The stacks' objects under watch.

use futures::future::join_all;
use futures::stream::LocalBoxStream;
use futures::{FutureExt, StreamExt};

use super::{Member, Stack};
use crate::budget::Budgets;
use crate::cluster::Cluster;
use crate::command::session;
use crate::error::Failure;
use crate::names::Namespace;
use crate::runner::ports::Observer;
use crate::snapshot::{Contents, Observation, Record, World};
use crate::verdict::{self, Assessment, Baseline, CompletedRule, Scope};

/// A release as the cluster has it now.
#[derive(Debug)]
pub struct Seen {
    pub record: Option<Record>,
    pub assessment: Option<Assessment>,
}

/// The stacks' objects under watch.
pub struct View<'a> {
    cluster: &'a Cluster,
    stacks: &'a [Stack],
    observations: LocalBoxStream<'static, Observation>,
    world: World,
    /// Per stack and release; None where helm has no record that can be read.
    contents: Vec<Vec<Option<Contents>>>,
}

impl<'a> View<'a> {
    /// Returns when everything that the stacks consist of has been seen once.
    pub async fn open(cluster: &'a Cluster, stacks: &'a [Stack]) -> Result<View<'a>, Failure> {
        let members = || stacks.iter().flat_map(|stack| &stack.releases);
        let mut namespaces: Vec<Namespace> = members().map(|m| m.namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        let observations = cluster.observations();
        let watching = cluster.watch(&namespaces).await;
        watching.map_err(|error| session::observe(&error))?;
        let mut view = View {
            cluster,
            stacks,
            observations,
            world: World::default(),
            contents: Vec::new(),
        };
        view.catch_up();
        for stack in stacks {
            let reads = stack.releases.iter().map(|member| view.read(member));
            let contents = join_all(reads).await;
            for contents in contents.iter().flatten() {
                cluster.follow(&contents.objects).await;
            }
            view.contents.push(contents);
        }
        view.catch_up();
        Ok(view)
    }

    /// Waits until something has changed.
    pub async fn changed(&mut self) {
        if let Some(seen) = self.observations.next().await {
            self.world.apply(&seen);
            self.catch_up();
        }
    }

    /// Every release as it is now, per stack.
    pub fn seen(&self) -> Vec<Vec<Seen>> {
        let completed = session::completed_rule(self.cluster);
        let stacks = self.stacks.iter().zip(&self.contents);
        stacks
            .map(|(stack, contents)| {
                let members = stack.releases.iter().zip(contents);
                members
                    .map(|(member, contents)| {
                        assess(&self.world, member, contents.as_ref(), completed)
                    })
                    .collect()
            })
            .collect()
    }

    fn catch_up(&mut self) {
        while let Some(Some(seen)) = self.observations.next().now_or_never() {
            self.world.apply(&seen);
        }
    }

    async fn read(&self, member: &Member) -> Option<Contents> {
        let namespace = member.namespace.as_str();
        let record = self.world.last_record(namespace, member.release.as_str())?;
        let contents = self
            .cluster
            .contents(&member.namespace, &member.release, record.revision);
        contents.await.ok()
    }
}

fn assess(
    world: &World,
    member: &Member,
    contents: Option<&Contents>,
    completed: CompletedRule,
) -> Seen {
    let record = world.last_record(member.namespace.as_str(), member.release.as_str());
    let assessment = contents.map(|contents| {
        let scope = Scope {
            id: &member.id,
            namespace: &member.namespace,
            contents,
            applied: record.is_some_and(|record| !record.status.is_pending()),
            before: &Baseline::default(),
            completed,
            repeating: verdict::nothing_repeats(),
        };
        verdict::assess(world, &scope, &Budgets::default())
    });
    Seen {
        record: record.cloned(),
        assessment,
    }
}
