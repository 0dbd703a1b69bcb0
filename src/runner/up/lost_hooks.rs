//! Objects that have become hooks. In the upgrade that brings the change, helm makes such a hook
//! before anything else, and then deletes it: the revision before had an object of that name, and the
//! new one has none (`pkg/action/upgrade.go`, `releasingUpgrade`). The next upgrade makes it again
//! and leaves it.

use futures::FutureExt;

use super::unchanged::names;
use super::{Done, Up};
use crate::snapshot::{LastingHook, ObjectRef, Surveyed};

impl Up<'_> {
    /// Asks what is there of the objects that have become hooks, once helm is through.
    pub(super) fn look_for_lost_hooks(&mut self, at: usize) {
        let release = &self.releases[at];
        let known = self.known.get(&release.step.id);
        let before = known.and_then(|known| known.verified.as_ref());
        let was_object = |hook: &&LastingHook| {
            let mut objects = before.iter().flat_map(|it| &it.objects);
            objects.any(|it| it.object == hook.object)
        };
        let hooks = release.hooks.iter().filter(was_object);
        let hooks: Vec<ObjectRef> = hooks.map(|hook| hook.object.clone()).collect();
        if hooks.is_empty() {
            return;
        }
        let (observer, limits) = (self.observer, release.limits());
        let looked = async move {
            let there = limits.until_answered(|| observer.survey(&hooks)).await;
            let gone = there.map(|there| {
                let is_gone = |hook: &ObjectRef| {
                    let is_there = |it: &Surveyed| it.object == *hook && !it.is_going;
                    !there.iter().any(is_there)
                };
                hooks.into_iter().filter(is_gone).collect()
            });
            Done::HooksLookedFor(at, gone)
        };
        self.work.push(looked.boxed_local());
    }

    pub(super) fn tell_lost_hooks(&mut self, at: usize, gone: Vec<ObjectRef>) {
        let hooks = &self.releases[at].hooks;
        let is_repeated = |object: &&ObjectRef| {
            let mut hooks = hooks.iter();
            hooks.any(|hook| hook.on_upgrade && hook.object == **object)
        };
        let (again, once): (Vec<&ObjectRef>, Vec<&ObjectRef>) = gone.iter().partition(is_repeated);
        const HOW: &str = "was an object of the release and is a hook now, so helm has deleted it";
        let mut said = Vec::new();
        if !again.is_empty() {
            let names = names(again);
            said.push(format!(
                "{names} {HOW}: run `up` again, which makes it once more"
            ));
        }
        if !once.is_empty() {
            let names = names(once);
            said.push(format!(
                "{names} {HOW}, and makes it in a first install only: add `pre-upgrade` to its \
                 `helm.sh/hook`, or let it be no hook"
            ));
        }
        for said in said {
            self.warn(at, said);
        }
        self.releases[at].lost_hooks = gone;
    }
}
