//! Finds the stacks in the cluster, as far as we may look.

use super::{Found, Member, Stack, orphaned, recorded};
use crate::cluster::Cluster;
use crate::command::{Context, session};
use crate::error::{Failure, Kind};
use crate::memory::StackRecord;
use crate::names::{Namespace, ReleaseId};
use crate::runner::ports::ObserveError;

/// The stacks that a command is about, with the releases that were asked for: `planned`, else all
/// that the cluster records.
pub async fn find(
    context: &Context,
    cluster: &Cluster,
    planned: Option<Stack>,
    wanted: &[ReleaseId],
) -> Result<Found, Failure> {
    let _waiting = context.environment.waiting_for("looking for stacks");
    // A profile says which namespace its stack has, and its releases may be in others.
    let only = context.common.namespace.as_ref();
    let only = only.filter(|_| planned.is_none());
    let everywhere = cluster.records(None, only).await;
    let mut unseen = Vec::new();
    let mut stacks = if let Some(mut planned) = planned {
        orphaned::remember(cluster, &mut planned, &mut unseen).await?;
        vec![planned]
    } else {
        let (known, unread) = records(context, cluster).await?;
        unseen.extend(unread.iter().map(ToString::to_string));
        if let (Err(ObserveError::Denied(why)), None) = (&everywhere, only) {
            let fallback = fallback(context, cluster)?;
            unseen.push(format!(
                "stacks in other namespaces than `{fallback}` are not seen: {why}"
            ));
        }
        known.into_iter().map(recorded).collect()
    };
    let records = match everywhere {
        Err(ObserveError::Denied(_)) if only.is_none() => {
            orphaned::records(cluster, &stacks, &mut unseen).await
        }
        other => other,
    };
    orphaned::add(&mut stacks, records.map_err(|e| session::observe(&e))?);
    check(&stacks, wanted)?;
    for stack in &mut stacks {
        let keep = |member: &Member| wanted.is_empty() || wanted.contains(&member.id);
        stack.releases.retain(keep);
    }
    stacks.retain(|stack| wanted.is_empty() || !stack.releases.is_empty());
    Ok(Found { stacks, unseen })
}

/// What the cluster remembers of all stacks, or of those of the namespace that is asked for, and why some
/// can't be read. Of one that is gone, only what has been left of it is remembered: it is none.
pub async fn records(
    context: &Context,
    cluster: &Cluster,
) -> Result<(Vec<StackRecord>, Vec<ObserveError>), Failure> {
    let known = cluster.list_stacks(&fallback(context, cluster)?).await;
    let (mut known, unread) = known.map_err(|error| session::observe(&error))?;
    let only = context.common.namespace.as_ref();
    known.retain(|stack| only.is_none_or(|only| stack.namespace == *only) && !stack.is_gone());
    Ok((known, unread))
}

/// Where to look when the whole cluster may not be listed.
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

fn check(stacks: &[Stack], wanted: &[ReleaseId]) -> Result<(), Failure> {
    let known = || stacks.iter().flat_map(|stack| &stack.releases);
    let is_unknown = |id: &&ReleaseId| known().all(|member| member.id != **id);
    let Some(id) = wanted.iter().find(is_unknown) else {
        return Ok(());
    };
    let failure = Context::usage(format!("no stack has a release `{id}`"));
    let there: Vec<String> = known().map(|member| format!("`{}`", member.id)).collect();
    Err(match there.is_empty() {
        true => failure.hint("there is none at all; `stackctl up` brings one up"),
        false => failure.hint(format!("there are {}", crate::wording::list(&there))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budgets;
    use crate::snapshot::StackId;

    fn stack(ids: &[&str]) -> Stack {
        let member = |id: &&str| Member {
            id: id.parse().unwrap(),
            release: id.parse().unwrap(),
            namespace: "shop".parse().unwrap(),
            budgets: Budgets::default(),
            orphaned: false,
            left: Vec::new(),
        };
        Stack {
            id: StackId::new("shop".parse().unwrap(), "shop".parse().unwrap()),
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
