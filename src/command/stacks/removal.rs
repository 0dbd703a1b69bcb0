//! Releases that helm has forgotten, and of which something is still being deleted.

use super::Member;
use super::gone::Look;
use crate::cluster::Cluster;
use crate::memory::Left;
use crate::names::{Namespace, ReleaseName};
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{Lingering, ObjectRef, Remaining};

/// What removals have left of one release.
pub fn left_of(left: &[Left], release: &ReleaseName, namespace: &Namespace) -> Vec<Remaining> {
    let of_it = |it: &&Left| it.release == *release && it.namespace == *namespace;
    let objects = left.iter().filter(of_it).flat_map(|it| &it.objects);
    objects.cloned().collect()
}

/// Asks what of these is being deleted: with `anew` of all, else of those that were not asked for.
pub async fn look(cluster: &Cluster, wanted: Vec<(&Member, &mut Look)>, anew: bool) {
    for (member, look) in wanted {
        if !anew && look.held.is_some() {
            continue;
        }
        let objects: Vec<ObjectRef> = member.left.iter().map(|it| it.object.clone()).collect();
        let answer = cluster.lingering(&objects).await.map(|there| {
            let there = there.into_iter();
            let held = there.filter(|it| it.is_going && it.is_among(&member.left));
            held.collect()
        });
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
