//! Which stacks there are: those of a profile that is named, else those that the cluster records.

mod view;

use std::collections::BTreeMap;

use super::{Context, profile, session};
use crate::cluster::{Cluster, StackRecord};
use crate::error::{Failure, Kind};
use crate::names::{Namespace, ReleaseId, ReleaseName, StackName};
use crate::plan::Selection;
use crate::runner::ports::ObserveError;
use crate::snapshot::Record;

pub use view::{Seen, View};

#[derive(Debug)]
pub struct Stack {
    pub name: StackName,
    pub namespace: Namespace,
    /// In the order of the needs, those that nobody plans any more at the end.
    pub releases: Vec<Member>,
}

impl Stack {
    /// The record bears the stack's name, and is where the stack is: another namespace may have a
    /// stack of the same name.
    fn could_hold(&self, record: &Record) -> bool {
        let own = std::iter::once(&self.namespace);
        let mut namespaces = own.chain(self.releases.iter().map(|member| &member.namespace));
        record.marks.stack.as_deref() == Some(self.name.as_str())
            && namespaces.any(|namespace| namespace.as_str() == record.namespace)
    }
}

#[derive(Debug)]
pub struct Member {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    /// The cluster has it for this stack, but neither profile nor stack record names it.
    pub orphaned: bool,
}

/// The stacks that a command is about, with the releases that were asked for: `planned`, else all
/// that the cluster records.
pub async fn find(
    context: &Context,
    cluster: &Cluster,
    planned: Option<Stack>,
    wanted: &[ReleaseId],
) -> Result<Vec<Stack>, Failure> {
    let _waiting = context.environment.waiting_for("looking for stacks");
    let records = records(context, cluster)
        .await
        .map_err(|e| session::observe(&e))?;
    let mut stacks = if let Some(planned) = planned {
        vec![planned]
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

/// The stack of the profile, if one is named.
pub fn planned(context: &Context) -> Result<Option<Stack>, Failure> {
    if !profile::is_named(context) {
        return Ok(None);
    }
    let profile = profile::load(context)?;
    let plan = profile::plan(&profile, &Selection::All)?;
    let member = |step: &crate::plan::Step| Member {
        id: step.id.clone(),
        release: step.release.clone(),
        namespace: step.namespace.clone(),
        orphaned: false,
    };
    Ok(Some(Stack {
        name: plan.stack.clone(),
        namespace: plan.namespace.clone(),
        releases: plan.steps().iter().map(member).collect(),
    }))
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
        let known = stacks
            .iter()
            .flat_map(|stack| &stack.releases)
            .any(|member| {
                member.release.as_str() == record.release
                    && member.namespace.as_str() == record.namespace
            });
        let Some(stack) = stacks
            .iter_mut()
            .find(|stack| !known && stack.could_hold(record))
        else {
            continue;
        };
        let id = record.marks.release.as_deref().unwrap_or(&record.release);
        if let (Ok(id), Ok(release), Ok(namespace)) =
            (id.parse(), record.release.parse(), record.namespace.parse())
        {
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
    let known = || stacks.iter().flat_map(|stack| &stack.releases);
    match wanted
        .iter()
        .find(|id| known().all(|member| member.id != **id))
    {
        None => Ok(()),
        Some(id) => Err(Context::usage(format!("no stack has a release `{id}`"))
            .hint("`stackctl status` shows what there is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(ids: &[&str]) -> Stack {
        let member = |id: &&str| Member {
            id: id.parse().unwrap(),
            release: id.parse().unwrap(),
            namespace: "shop".parse().unwrap(),
            orphaned: false,
        };
        Stack {
            name: "shop".parse().unwrap(),
            namespace: "shop".parse().unwrap(),
            releases: ids.iter().map(member).collect(),
        }
    }

    #[test]
    fn releases_may_be_named_in_any_order() {
        let stacks = [stack(&["database", "api"]), stack(&["web"])];
        let ids =
            |ids: &[&str]| -> Vec<ReleaseId> { ids.iter().map(|id| id.parse().unwrap()).collect() };
        assert!(check(&stacks, &ids(&["web", "api", "database"])).is_ok());
        assert!(check(&stacks, &ids(&["api", "api"])).is_ok());
        let failure = check(&stacks, &ids(&["web", "mail"])).unwrap_err();
        assert_eq!(
            failure.message.as_deref(),
            Some("no stack has a release `mail`")
        );
    }
}
