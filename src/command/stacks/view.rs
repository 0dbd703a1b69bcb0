//! The stacks' objects under watch.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::stream::LocalBoxStream;
use futures::{FutureExt, StreamExt};

use super::gone::{self, Look, Wanted};
use super::known::Known;
use super::seen::{self, Seen};
use super::{Stack, namespaces, removal};
use crate::cluster::Cluster;
use crate::command::session;
use crate::error::Failure;
use crate::names::Namespace;
use crate::runner::{ports, ports::Observer};
use crate::snapshot::{Observation, Pod, World};

/// By which its silence is known among what is interrupted.
const API_SERVER: &str = "the API server";

/// The stacks' objects under watch.
pub struct View<'a> {
    cluster: &'a Cluster,
    stacks: &'a [Stack],
    observations: LocalBoxStream<'static, Observation>,
    world: World,
    /// Per stack and release.
    known: Vec<Vec<Known>>,
    looks: Vec<Vec<Look>>,
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
        let unlooked = |stack: &Stack| stack.releases.iter().map(|_| Look::default()).collect();
        let mut view = View {
            cluster,
            stacks,
            observations,
            world: World::default(),
            known: stacks.iter().map(nothing).collect(),
            looks: stacks.iter().map(unlooked).collect(),
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
                let present = seen::installed(&self.world, member).map(|record| record.revision);
                if present != self.known[at][place].revision() {
                    let known = Known::read(cluster, member, present);
                    reads.push(known.map(move |known| (place, known)));
                }
            }
            for (place, known) in join_all(reads).await {
                self.known[at][place] = known;
            }
        }
        self.catch_up();
    }

    /// Asks for what no watch shows: that of new revisions, with `anew` that of all.
    pub async fn look(&mut self, anew: bool) {
        let seen = self.seen();
        let members = self.stacks.iter().flat_map(|stack| &stack.releases);
        let known = members.zip(self.known.iter().flatten());
        let known = known.zip(seen.iter().flatten());
        let (mut wanted, mut removed) = (Vec::new(), Vec::new());
        for (((member, known), seen), look) in known.zip(self.looks.iter_mut().flatten()) {
            match known {
                Known::Contents(contents) => wanted.push(Wanted {
                    seen,
                    contents,
                    look,
                }),
                Known::Nothing if !member.left.is_empty() => removed.push((member, look)),
                Known::Nothing | Known::Unreadable { .. } => *look = Look::default(),
            }
        }
        gone::look(self.cluster, wanted, anew).await;
        removal::look(self.cluster, removed, anew).await;
    }

    /// Every release as it is now, per stack.
    pub fn seen(&self) -> Vec<Vec<Seen>> {
        let completed = session::completed_rule(self.cluster);
        let stacks = self.stacks.iter().zip(self.known.iter().zip(&self.looks));
        stacks
            .map(|(stack, (known, looks))| {
                let members = stack.releases.iter().zip(known.iter().zip(looks));
                members
                    .map(|(member, of)| Seen::of(&self.world, member, of, completed))
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
        let members = || self.stacks.iter().flat_map(|stack| &stack.releases);
        let looks = members().zip(self.looks.iter().flatten());
        let known = members().zip(self.known.iter().flatten());
        let partly_read = known.flat_map(|(member, known)| known.unread(member));
        self.interrupted
            .values()
            .cloned()
            .chain(unreadable)
            .chain(partly_read)
            .chain(looks.flat_map(|(member, look)| look.unseen(member)))
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
            _ => self.world.apply(seen),
        }
    }

    fn catch_up(&mut self) {
        while let Some(seen) = ports::at_hand(&mut self.observations) {
            self.apply(&seen);
        }
    }
}
