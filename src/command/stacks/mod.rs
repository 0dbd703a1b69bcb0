//! Which stacks there are: those of a profile that is named, else those that the cluster records.

mod find;
mod gone;
mod known;
mod seen;
mod view;

use std::collections::BTreeSet;

use super::{Context, profile};
use crate::budget::Budgets;
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::memory::{StackRecord, StackRelease};
use crate::names::{Namespace, ReleaseId, ReleaseName, StackName};
use crate::plan::Selection;
use crate::snapshot::Record;

pub use find::{fallback, find};
pub use seen::Seen;
pub use view::View;

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
    /// The profile's, else those of every release.
    pub budgets: Budgets,
    /// The cluster has it for this stack, but neither profile nor stack record names it.
    pub orphaned: bool,
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
    };
    Ok(Some(Stack {
        name: plan.stack.clone(),
        namespace: plan.namespace.clone(),
        releases: plan.steps().iter().map(member).collect(),
    }))
}

fn recorded(record: StackRecord) -> Stack {
    let member = |release: StackRelease| Member {
        id: release.id,
        release: release.release,
        namespace: release.namespace,
        budgets: Budgets::default(),
        orphaned: false,
    };
    Stack {
        name: record.stack,
        namespace: record.namespace,
        releases: record.releases.into_iter().map(member).collect(),
    }
}
