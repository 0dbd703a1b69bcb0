//! The stacks' objects under watch.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::stream::LocalBoxStream;
use futures::{FutureExt, StreamExt};

use super::known::Known;
use super::{Member, Stack, namespaces};
use crate::cluster::Cluster;
use crate::command::session;
use crate::error::Failure;
use crate::names::Namespace;
use crate::runner::ports::{self, Observer};
use crate::snapshot::{Observation, Pod, Record, RecordStatus, World};
use crate::verdict::{self, Assessment, Baseline, Scope};

/// By which its silence is known among what is interrupted.
const API_SERVER: &str = "the API server";

/// A release as the cluster has it now.
#[derive(Debug)]
pub struct Seen {
    pub record: Option<Record>,
    pub assessment: Option<Assessment>,
    /// Why what helm's record holds is not known, and the release can't be judged.
    pub unreadable: Option<String>,
}

/// The stacks' objects under watch.
pub struct View<'a> {
    cluster: &'a Cluster,
    stacks: &'a [Stack],
    observations: LocalBoxStream<'static, Observation>,
    world: World,
    /// Per stack and release.
    known: Vec<Vec<Known>>,
    /// Watches that don't go on, by what they watch, and why.
    interrupted: BTreeMap<String, String>,
}

impl<'a> View<'a> {
    /// Returns when everything that the stacks consist of has been seen once.
    pub async fn open(cluster: &'a Cluster, stacks: &'a [Stack]) -> Result<View<'a>, Failure> {
        let namespaces: Vec<Namespace> = namespaces(stacks).into_iter().collect();
        let observations = cluster.observations();
        let watching = cluster.watch(&namespaces).await;
        watching.map_err(|error| session::observe(&error))?;
        let nothing = |stack: &Stack| stack.releases.iter().map(|_| Known::Nothing).collect();
        let mut view = View {
            cluster,
            stacks,
            observations,
            world: World::default(),
            known: stacks.iter().map(nothing).collect(),
            interrupted: BTreeMap::new(),
        };
        view.refresh().await;
        Ok(view)
    }

    /// Waits until something has changed; [`View::refresh`] then takes it in.
    pub async fn changed(&mut self) {
        match self.observations.next().await {
            Some(seen) => self.apply(&seen),
            None => std::future::pending().await,
        }
    }

    /// Takes in all that was told, and reads what revisions that are new consist of.
    pub async fn refresh(&mut self) {
        self.catch_up();
        let (cluster, stacks) = (self.cluster, self.stacks);
        for (at, stack) in stacks.iter().enumerate() {
            let mut reads = Vec::new();
            for (place, member) in stack.releases.iter().enumerate() {
                let present = record(&self.world, member).map(|record| record.revision);
                if present != self.known[at][place].revision() {
                    let known = Known::read(cluster, member, present);
                    reads.push(known.map(move |known| (place, known)));
                }
            }
            for (place, known) in join_all(reads).await {
                if let Known::Contents(contents) = &known {
                    cluster.follow(&contents.objects).await;
                }
                self.known[at][place] = known;
            }
        }
        self.catch_up();
    }

    /// Every release as it is now, per stack.
    pub fn seen(&self) -> Vec<Vec<Seen>> {
        let stacks = self.stacks.iter().zip(&self.known);
        stacks
            .map(|(stack, known)| {
                let members = stack.releases.iter().zip(known);
                members
                    .map(|(member, known)| self.see(member, known))
                    .collect()
            })
            .collect()
    }

    /// Why something may be missing in what is seen, a sentence each.
    pub fn unseen(&self) -> Vec<String> {
        let unreadable = self.known.iter().flatten().filter_map(|known| match known {
            Known::Unreadable { why, .. } => Some(why.clone()),
            Known::Nothing | Known::Contents(_) => None,
        });
        self.interrupted
            .values()
            .cloned()
            .chain(unreadable)
            .collect()
    }

    /// The pod of this name, which a release in `namespace` owns: there, or where else it is.
    pub fn pod(&self, namespace: &Namespace, name: &str) -> Option<&Pod> {
        let named = self.world.pods.values().filter(|pod| pod.meta.name == name);
        named.max_by_key(|pod| (pod.meta.namespace == namespace.as_str(), pod.meta.created))
    }

    fn apply(&mut self, seen: &Observation) {
        match seen {
            Observation::Interrupted { what, why } => {
                let blind = format!("can't watch {what}: {why}");
                self.interrupted.insert(what.clone(), blind);
            }
            Observation::Resumed { what } => drop(self.interrupted.remove(what)),
            Observation::Unreachable { why, .. } => {
                let silence = format!("the API server does not answer: {why}");
                self.interrupted.insert(API_SERVER.to_owned(), silence);
            }
            Observation::Reachable => drop(self.interrupted.remove(API_SERVER)),
            Observation::Seen(_) | Observation::Gone(_) => self.world.apply(seen),
        }
    }

    fn catch_up(&mut self) {
        while let Some(seen) = ports::at_hand(&mut self.observations) {
            self.apply(&seen);
        }
    }

    fn see(&self, member: &Member, known: &Known) -> Seen {
        let record = record(&self.world, member);
        let (contents, unreadable) = match known {
            Known::Nothing => (None, None),
            Known::Contents(contents) => (Some(contents), None),
            Known::Unreadable { why, .. } => (None, Some(why.clone())),
        };
        // Of a revision that helm has given up, the hooks are not past.
        let given_up = |status: RecordStatus| status.is_pending() || status == RecordStatus::Failed;
        let assessment = contents.map(|contents| {
            let scope = Scope {
                id: &member.id,
                namespace: &member.namespace,
                contents,
                applied: record.is_some_and(|record| !given_up(record.status)),
                before: &Baseline::default(),
                completed: session::completed_rule(self.cluster),
                repeating: verdict::nothing_repeats(),
            };
            verdict::assess(&self.world, &scope, &member.budgets)
        });
        Seen {
            record: record.cloned(),
            assessment,
            unreadable,
        }
    }
}

fn record<'a>(world: &'a World, member: &Member) -> Option<&'a Record> {
    world.last_record(member.namespace.as_str(), member.release.as_str())
}
