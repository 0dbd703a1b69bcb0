//! The other releases of a run, as one of them sees them.

use std::fmt;

use super::hold::Holds;
use super::tracked::Tracked;
use crate::snapshot::ObjectRef;
use crate::verdict::{Provider, Providers};

pub struct Others<'a, 'p> {
    pub at: usize,
    pub releases: &'a [Tracked<'p>],
    pub holds: &'a Holds,
}

impl Providers for Others<'_, '_> {
    fn provider(&self, object: &ObjectRef) -> Provider {
        let others = self.releases.iter().enumerate();
        let mut others = others.filter(|(other, _)| *other != self.at);
        let has = |release: &Tracked<'_>| {
            let contents = release.contents.as_ref();
            contents.is_some_and(|contents| contents.objects.contains(object))
        };
        let is_needed = |other| self.holds.needs(self.at, other);
        if let Some((other, release)) = others.clone().find(|(_, release)| has(release)) {
            let id = release.step.id.clone();
            return match is_needed(other) {
                true => Provider::Needed(id),
                false => Provider::NotNeeded(id),
            };
        }
        match others.all(|(other, _)| is_needed(other)) {
            true => Provider::Nobody,
            false => Provider::Unknown,
        }
    }
}

impl fmt::Debug for Others<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.releases[self.at].step.id;
        f.debug_struct("Others")
            .field("of", id)
            .finish_non_exhaustive()
    }
}
