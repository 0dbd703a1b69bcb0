//! Which stacks there are: those of a profile that is named, else those that the cluster records.

mod find;
mod gone;
mod known;
mod orphaned;
mod removal;
mod seen;
mod view;

use std::collections::BTreeSet;

use super::{Context, profile};
use crate::budget::Budgets;
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::memory::{Left, StackRecord, StackRelease};
use crate::names::{Namespace, ReleaseId, ReleaseName};
use crate::plan::Selection;
use crate::snapshot::{Remaining, StackId};

pub use find::{find, records};
pub use seen::Seen;
pub use view::View;

#[derive(Debug)]
pub struct Stack {
    /// By which helm's records of it are known.
    pub id: StackId,
    /// In the order of the needs, those that nobody plans any more at the end.
    pub releases: Vec<Member>,
}

#[derive(Debug)]
pub struct Member {
    pub id: ReleaseId,
    pub release: ReleaseName,
    pub namespace: Namespace,
    /// The profile's, else those of every release.
    pub budgets: Budgets,
    /// The cluster has it for this stack, and nobody plans it any more.
    pub orphaned: bool,
    /// What removals have left of it, or are waiting for.
    pub left: Vec<Remaining>,
}

/// The stacks that there are, as far as we may look.
#[derive(Debug, Default)]
pub struct Found {
    pub stacks: Vec<Stack>,
    /// Where we may not look, a sentence each.
    pub unseen: Vec<String>,
}

/// Where the stacks' releases are, each once.
fn namespaces(stacks: &[Stack]) -> BTreeSet<Namespace> {
    let members = stacks.iter().flat_map(|stack| &stack.releases);
    members.map(|member| member.namespace.clone()).collect()
}

/// There is nothing to watch or follow, and nobody waits for a stack that may never come.
pub fn none_recorded(cluster: &Cluster) -> Failure {
    let context = cluster.context();
    Context::usage(format!("no stack is recorded in context `{context}`"))
        .hint("a stack that is yet to come is named with `--profile NAME`")
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
        budgets: step.budgets.clone(),
        orphaned: false,
        left: Vec::new(),
    };
    Ok(Some(Stack {
        id: StackId::new(plan.stack.clone(), plan.namespace.clone()),
        releases: plan.steps().iter().map(member).collect(),
    }))
}

fn recorded(record: StackRecord) -> Stack {
    let id = record.id();
    let left = record.left;
    let member = |release: StackRelease| Member {
        left: Left::of(&left, &release.release, &release.namespace),
        id: release.id,
        release: release.release,
        namespace: release.namespace,
        budgets: Budgets::default(),
        orphaned: false,
    };
    let mut stack = Stack {
        id,
        releases: record.releases.into_iter().map(member).collect(),
    };
    removal::add(&mut stack, &left);
    stack
}
