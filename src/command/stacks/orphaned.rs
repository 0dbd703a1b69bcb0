//! Releases of the stacks that nobody plans any more.

use super::{Member, Stack, namespaces, removal};
use crate::budget::Budgets;
use crate::cluster::Cluster;
use crate::command::session;
use crate::error::Failure;
use crate::memory::Left;
use crate::runner::ports::ObserveError;
use crate::snapshot::{Record, StackId};

/// Adds to a stack of a profile what the cluster remembers of it.
pub async fn remember(
    cluster: &Cluster,
    planned: &mut Stack,
    unseen: &mut Vec<String>,
) -> Result<(), Failure> {
    let StackId {
        name, namespace, ..
    } = &planned.id;
    match cluster.read_stack(name, namespace).await {
        Ok(Some(record)) => {
            planned.id = record.id();
            for member in &mut planned.releases {
                member.left = Left::of(&record.left, &member.release, &member.namespace);
            }
            removal::add(planned, &record.left);
        }
        Ok(None) | Err(ObserveError::NotFound(_)) => {}
        Err(error @ (ObserveError::Denied(_) | ObserveError::Unreadable { .. })) => {
            unseen.push(error.to_string());
        }
        Err(error) => return Err(session::observe(&error)),
    }
    Ok(())
}

/// The records of releases that bear our mark, namespace by namespace.
pub async fn records(
    cluster: &Cluster,
    stacks: &[Stack],
    unseen: &mut Vec<String>,
) -> Result<Vec<Record>, ObserveError> {
    let mut places = namespaces(stacks);
    let listed = stacks.iter().flat_map(|stack| &stack.id.listed);
    places.extend(listed.map(|(namespace, _)| namespace.clone()));
    let mut records = Vec::new();
    for namespace in places {
        match cluster.records(None, Some(&namespace)).await {
            Ok(found) => records.extend(found),
            Err(ObserveError::Denied(why)) => unseen.push(format!(
                "releases in `{namespace}` that no profile names any more are not seen: {why}"
            )),
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}

/// Adds those of which the last revision bears the mark of a stack that does not plan them.
pub fn add(stacks: &mut [Stack], records: Vec<Record>) {
    for record in Record::last_of_each(records) {
        let is_planned = stacks
            .iter()
            .flat_map(|stack| &stack.releases)
            .any(|member| {
                member.release.as_str() == record.release
                    && member.namespace.as_str() == record.namespace
            });
        if is_planned || !record.is_there() {
            continue;
        }
        if let Some(stack) = stacks.iter_mut().find(|stack| stack.id.owns(&record)) {
            stack.releases.extend(orphan(&record));
        }
    }
}

fn orphan(record: &Record) -> Option<Member> {
    // As helm calls it: the profile may have given its id to another since.
    let once = || record.marks.release.as_deref()?.parse().ok();
    Some(Member {
        id: record.release.parse().ok().or_else(once)?,
        release: record.release.parse().ok()?,
        namespace: record.namespace.parse().ok()?,
        budgets: Budgets::default(),
        orphaned: true,
        left: Vec::new(),
    })
}
