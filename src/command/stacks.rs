//! Which stacks there are: those of a profile that is named, else those that the cluster records.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::stream::LocalBoxStream;
use futures::{FutureExt, StreamExt};

use super::{Context, profile, session};
use crate::budget::Budgets;
use crate::cluster::{Cluster, StackRecord};
use crate::error::{Failure, Kind};
use crate::names::{Namespace, ReleaseId, ReleaseName, StackName};
use crate::plan::Selection;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{Contents, Observation, Record, World};
use crate::verdict::{self, Assessment, Baseline, CompletedRule, Scope};

#[derive(Debug)]
pub struct Stack {
    pub name: StackName,
    pub namespace: Namespace,
    /// In the order of the needs, those that nobody plans any more at the end.
    pub releases: Vec<Member>,
}

#[derive(Debug)]
pub struct Member {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    /// The cluster has it for this stack, but neither profile nor stack record names it.
    pub orphaned: bool,
}

/// The stacks that a command is about, with the releases that were asked for.
pub async fn find(
    context: &Context,
    cluster: &Cluster,
    wanted: &[ReleaseId],
) -> Result<Vec<Stack>, Failure> {
    let records = records(context, cluster)
        .await
        .map_err(|e| session::observe(&e))?;
    let mut stacks = if context.common.profile.is_some() {
        vec![planned(context)?]
    } else {
        let fallback = fallback(context, cluster)?;
        let known = cluster.list_stacks(&fallback).await;
        let known = known.map_err(|e| session::observe(&e))?;
        let here = |stack: &StackRecord| {
            let only = context.common.namespace.as_ref();
            only.is_none_or(|namespace| stack.namespace == *namespace)
        };
        known.into_iter().filter(here).map(recorded).collect()
    };
    add_orphans(&mut stacks, &records);
    check(&stacks, wanted)?;
    for stack in &mut stacks {
        let keep = |member: &Member| wanted.is_empty() || wanted.contains(&member.id);
        stack.releases.retain(keep);
    }
    stacks.retain(|stack| wanted.is_empty() || !stack.releases.is_empty());
    Ok(stacks)
}

fn fallback(context: &Context, cluster: &Cluster) -> Result<Namespace, Failure> {
    match &context.common.namespace {
        Some(namespace) => Ok(namespace.clone()),
        None => cluster.default_namespace().parse().map_err(|error| {
            Failure::new(
                Kind::Environment,
                format!("the context's namespace is not valid: {error}"),
            )
        }),
    }
}

/// Every record of a release that bears our mark, in all namespaces where that is allowed.
async fn records(context: &Context, cluster: &Cluster) -> Result<Vec<Record>, ObserveError> {
    let only = context.common.namespace.as_ref();
    match cluster.records(None, only).await {
        Err(ObserveError::Denied(_)) if only.is_none() => Ok(Vec::new()),
        other => other,
    }
}

fn planned(context: &Context) -> Result<Stack, Failure> {
    let profile = profile::load(context)?;
    let plan = profile::plan(&profile, &Selection::All)?;
    let member = |step: &crate::plan::Step| Member {
        id: step.id.clone(),
        release: step.release.clone(),
        namespace: step.namespace.clone(),
        orphaned: false,
    };
    Ok(Stack {
        name: plan.stack.clone(),
        namespace: plan.namespace.clone(),
        releases: plan.steps().iter().map(member).collect(),
    })
}

fn recorded(record: StackRecord) -> Stack {
    let member = |release: crate::cluster::StackRelease| Member {
        id: release.id,
        release: release.release,
        namespace: release.namespace,
        orphaned: false,
    };
    Stack {
        name: record.stack,
        namespace: record.namespace,
        releases: record.releases.into_iter().map(member).collect(),
    }
}

fn add_orphans(stacks: &mut [Stack], records: &[Record]) {
    let mut marked: BTreeMap<(&str, &str), &Record> = BTreeMap::new();
    for record in records {
        marked.insert((&record.namespace, &record.release), record);
    }
    for record in marked.into_values() {
        let Some(stack) = stacks
            .iter_mut()
            .find(|stack| record.marks.stack.as_deref() == Some(stack.name.as_str()))
        else {
            continue;
        };
        let known = stack.releases.iter().any(|member| {
            member.release.as_str() == record.release
                && member.namespace.as_str() == record.namespace
        });
        let id = record.marks.release.as_deref().unwrap_or(&record.release);
        if let (false, Ok(id), Ok(release), Ok(namespace)) = (
            known,
            id.parse(),
            record.release.parse(),
            record.namespace.parse(),
        ) {
            stack.releases.push(Member {
                id,
                release,
                namespace,
                orphaned: true,
            });
        }
    }
}

fn check(stacks: &[Stack], wanted: &[ReleaseId]) -> Result<(), Failure> {
    let mut known = stacks.iter().flat_map(|stack| &stack.releases);
    match wanted
        .iter()
        .find(|id| known.all(|member| member.id != **id))
    {
        None => Ok(()),
        Some(id) => Err(Context::usage(format!("no stack has a release `{id}`"))
            .hint("`stackctl status` shows what there is")),
    }
}

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
        };
        verdict::assess(world, &scope, &Budgets::default())
    });
    Seen {
        record: record.cloned(),
        assessment,
    }
}
