//! Releases that helm has forgotten, and of which something is still being deleted.

use super::gone::Look;
use super::{Member, Stack};
use crate::budget::Budgets;
use crate::cluster::Cluster;
use crate::command::held;
use crate::memory::Left;
use crate::runner::ports::ObserveError;
use crate::snapshot::Lingering;

/// Adds releases that the stack does not plan and that removals have left something of: something of
/// them may still be going.
pub fn add(stack: &mut Stack, left: &[Left]) {
    for left in left {
        let of_it = |it: &Member| left.is_of(&it.release, &it.namespace);
        let Ok(id) = left.release.as_str().parse() else {
            continue;
        };
        if !stack.releases.iter().any(of_it) {
            stack.releases.push(Member {
                id,
                release: left.release.clone(),
                namespace: left.namespace.clone(),
                budgets: Budgets::default(),
                orphaned: true,
                left: left.objects.clone(),
            });
        }
    }
}

/// Asks what of these is being deleted: with `anew` of all, else of those that were not asked for.
pub async fn look(cluster: &Cluster, wanted: Vec<(&Member, &mut Look)>, anew: bool) {
    for (member, look) in wanted {
        if !anew && look.held.is_some() {
            continue;
        }
        let answer = held::of(cluster, &member.left).await;
        look.take_removal(answer);
    }
}

impl Look {
    fn take_removal(&mut self, answer: Result<Vec<Lingering>, ObserveError>) {
        let before = self.held.take().unwrap_or_default();
        let (held, unanswered) = match answer {
            Ok(held) => (held, None),
            Err(error) => (before, Some(error.to_string())),
        };
        *self = Look::default();
        self.held = Some(held);
        self.unanswered = unanswered;
    }

    /// What a removal waits for.
    pub fn held(&self) -> &[Lingering] {
        self.held.as_deref().unwrap_or_default()
    }
}
