//! Releases that are in the cluster as they are to be: the same inputs, applied by a run of this
//! stack, and all of it still there. So are those that a rollback of before has brought back already,
//! when it is taken up again. They start no helm; one that was never seen ready, or is not
//! now, is waited for as any other.
//!
//! Who has changed something by hand meanwhile is told. What helm can put right makes an upgrade;
//! where it would be refused, because another manager keeps a field, the release is left as it is.

use std::collections::{BTreeSet, HashMap};

use futures::FutureExt;
use futures::future::try_join_all;
use tokio::time::Instant;

use super::deploying::earlier;
use super::{Done, Up};
use crate::event::EventKind;
use crate::plan::Step;
use crate::runner::asking::Limits;
use crate::runner::ports::{ObserveError, Observer};
use crate::runner::sooner::needed;
use crate::runner::tracked::{Before, Past, Phase};
use crate::snapshot::{
    Contents, Drift, Hook, LastingHook, Leaves, ObjectRef, Record, Share, Surveyed, Unread,
};
use crate::verdict::Baseline;
use crate::wording;

/// A release that may be unchanged, until its objects have been looked for.
pub struct Candidate<'p> {
    at: usize,
    step: &'p Step,
    revision: u32,
    verified: bool,
    /// What it was made of when it was last seen ready.
    remembered: Option<Parts>,
    goes_back: bool,
    /// Objects of it that others need, by kind and name.
    needed: Vec<(&'p str, &'p str)>,
}

/// What a release is made of.
#[derive(Debug, Clone, Default)]
struct Parts {
    /// Each with what helm held of it, where that is remembered.
    objects: Vec<Surveyed>,
    /// What its hooks have made for others.
    hooks: Vec<LastingHook>,
    /// Hooks that other releases need.
    needed_hooks: Vec<Hook>,
    /// Jobs that other releases need, and that may have gone before it was remembered what there was.
    needed_jobs: Vec<ObjectRef>,
    unread: Vec<Unread>,
}

/// What is in the cluster of a release that needs no helm.
#[derive(Debug)]
pub struct Settled {
    contents: Contents,
    hooks: Vec<LastingHook>,
    past: Past,
    before: Before,
}

/// What has come of looking for candidates, by their positions in the plan.
#[derive(Debug, Default)]
pub struct Found {
    settled: HashMap<usize, Settled>,
    /// What somebody has changed.
    said: Vec<(usize, String)>,
}

type There<'a> = HashMap<&'a ObjectRef, &'a Option<Share>>;

impl<'p> Up<'p> {
    /// Looks for the releases that need no helm. Nothing starts before there is an answer.
    pub(super) fn look_for_settled(&mut self) {
        let candidates: Vec<Candidate<'p>> = (0..self.releases.len())
            .filter_map(|at| self.candidate(at))
            .collect();
        let observer = self.observer;
        // A run without a deadline asks for as long as one of its releases might.
        let longest = self.releases.iter().map(|it| it.step.timeout).max();
        let own = longest.map(|longest| Instant::now() + longest);
        let limits = Limits {
            until: self.deadline.or(own),
            ..Limits::default()
        };
        let looked = async move { Done::Surveyed(look(observer, &limits, candidates).await) };
        self.work.push(looked.boxed_local());
    }

    pub(super) fn surveyed(&mut self, found: Result<Found, ObserveError>) {
        let found = found.unwrap_or_else(|error| {
            self.emitter.emit(EventKind::Warning {
                release: None,
                message: format!("what is unchanged can't be told: {error}"),
            });
            Found::default()
        });
        for (at, said) in found.said {
            self.warn(at, said);
        }
        self.settled = Some(found.settled);
    }

    /// Made with the inputs of now, or brought back to where it is to go, and helm was through with it.
    fn candidate(&self, at: usize) -> Option<Candidate<'p>> {
        let step = self.releases[at].step;
        let known = self.known.get(&step.id);
        let (namespace, name) = (step.namespace.as_str(), step.release.as_str());
        let last: &Record = self.world.last_record(namespace, name)?;
        let stack = &self.stack;
        let is_as_wanted = match self.releases[at].back {
            Some(target) => last.is_back_at(stack, target),
            None => last.is_made_of(stack, &known?.inputs),
        };
        // helm counts anew after a removal: without its mark, this is another revision of that number.
        let verified = last.marks.verified == Some(last.revision);
        let remembered = known.and_then(|known| known.verified.as_ref());
        let remembered = remembered.filter(|it| {
            let is_another = it.record.as_ref().is_some_and(|record| *record != last.uid);
            verified && it.revision == last.revision && !is_another
        });
        is_as_wanted.then(|| Candidate {
            at,
            step,
            revision: last.revision,
            verified,
            remembered: remembered.map(|verified| Parts {
                objects: verified.objects.clone(),
                hooks: verified.hooks.clone(),
                ..Parts::default()
            }),
            goes_back: self.releases[at].back.is_some(),
            needed: needed(self.plan, at),
        })
    }

    /// Goes on with a release as if helm had just been through with it.
    pub(super) fn settle(&mut self, at: usize, settled: Settled) {
        let Settled {
            contents,
            hooks,
            past,
            before,
        } = settled;
        let revision = contents.revision;
        let baseline = Baseline::of(&self.world);
        let release = &mut self.releases[at];
        (release.found, release.before) = (revision, revision);
        release.baseline = baseline;
        release.phase = Phase::Converging;
        release.deadline = Some(earlier(
            Instant::now() + release.step.timeout,
            self.deadline,
        ));
        release.revision = Some(revision);
        release.asked = Some(revision);
        release.helm_done = true;
        release.settled = Some(before);
        (release.hooks, release.past) = (hooks, past);
        if before.verified {
            release.concluded = release.step.after.len();
        }
        if release.back.is_some() {
            self.queue.succeed(at);
        }
        self.emitter.emit(EventKind::ReleaseUnchanged {
            release: release.step.id.clone(),
            revision,
            verified: before.verified,
        });
        self.learn(at, contents);
    }
}

/// Looks for all that the candidates consist of. The number of questions does not grow with theirs,
/// but for those that somebody has changed or of which nothing is remembered.
async fn look(
    observer: &dyn Observer,
    limits: &Limits,
    candidates: Vec<Candidate<'_>>,
) -> Result<Found, ObserveError> {
    let known = candidates.iter().map(|it| parts(observer, limits, it));
    let known = try_join_all(known).await?;
    let all = known.iter().flat_map(|parts| {
        let hooks = parts.hooks.iter().map(|it| &it.object);
        let needed = parts.needed_hooks.iter().map(|it| &it.object);
        let objects = parts.objects.iter().map(|it| &it.object);
        objects.chain(hooks).chain(needed)
    });
    let all: BTreeSet<ObjectRef> = all.cloned().collect();
    let all: Vec<ObjectRef> = all.into_iter().collect();
    let mut found = Found::default();
    let surveyed = limits.until_answered(|| observer.survey(&all)).await?;
    let (going, there): (Vec<&Surveyed>, Vec<&Surveyed>) =
        surveyed.iter().partition(|it| it.is_going);
    let there: There<'_> = there.iter().map(|it| (&it.object, &it.share)).collect();
    for (candidate, known) in candidates.iter().zip(&known) {
        let at = candidate.at;
        let (mut gone, touched) = differences(candidate, &known.objects, &there);
        let (again, once) = lost(&known.hooks, &there);
        gone.extend(again);
        let Drift { changed, contested } = match touched.as_slice() {
            [] => Drift::default(),
            touched => {
                let (step, revision) = (candidate.step, candidate.revision);
                let (namespace, release) = (&step.namespace, &step.release);
                let ask = || observer.drift(namespace, release, revision, touched);
                limits.until_answered(ask).await?
            }
        };
        for one in &contested {
            let stays = match candidate.step.force_conflicts {
                // Each run would take it, and the other manager take it back.
                true => "it stays until an upgrade has another reason",
                false => {
                    "helm would be refused, so it stays; set it back, or leave it out of the chart"
                }
            };
            let text = format!(
                "{} `{}` is kept by {}: {stays}",
                one.object, one.field, one.manager
            );
            found.said.push((at, text));
        }
        if !once.is_empty() {
            let (release, namespace) = (&candidate.step.release, &candidate.step.namespace);
            let text = format!(
                "{} is gone, and helm makes it in a first install only: `helm get hooks {release} -n \
                 {namespace}` prints its manifest; a hook that upgrades are to repeat needs \
                 `pre-upgrade`",
                names(&once)
            );
            found.said.push((at, text));
        }
        let is_going = |object: &&ObjectRef| going.iter().any(|it| it.object == **object);
        let (leaving, away): (Vec<&ObjectRef>, Vec<&ObjectRef>) = gone.iter().partition(is_going);
        for (objects, how) in [(leaving, "being deleted"), (away, "gone")] {
            if !objects.is_empty() {
                let text = format!("{} is {how}: helm puts it back", names(objects));
                found.said.push((at, text));
            }
        }
        let is_for_helm = contested.is_empty() && !changed.is_empty();
        if is_for_helm {
            let changed = names(&changed);
            let text = format!("{changed} was changed by hand: helm puts it right");
            found.said.push((at, text));
        }
        if gone.is_empty() && !is_for_helm {
            found.settled.insert(at, candidate.settled(known, &there));
        }
    }
    Ok(found)
}

pub(super) fn names<'a>(objects: impl IntoIterator<Item = &'a ObjectRef>) -> String {
    let names: Vec<String> = objects.into_iter().map(ObjectRef::short).collect();
    wording::list(&names)
}

/// What the candidate is made of. Where its parts are remembered, its record is read only if others need
/// something that is none of its remembered objects.
async fn parts(
    observer: &dyn Observer,
    limits: &Limits,
    candidate: &Candidate<'_>,
) -> Result<Parts, ObserveError> {
    if let Some(remembered) = &candidate.remembered
        && candidate.has_all_needed(&remembered.objects)
    {
        return Ok(remembered.clone());
    }
    let contents = limits.read_contents(observer, candidate.step, candidate.revision);
    let contents = contents.await?;
    let known = match &candidate.remembered {
        Some(remembered) => remembered.clone(),
        None => recorded(&contents, candidate.goes_back),
    };
    let jobs = contents.objects.into_iter();
    let jobs = jobs.filter(|it| it.may_go_once_ready() && candidate.is_needed(it));
    let hooks = contents.hooks.into_iter();
    Ok(Parts {
        needed_jobs: jobs.collect(),
        needed_hooks: (hooks.filter(|it| candidate.is_needed(&it.object))).collect(),
        ..known
    })
}

/// What helm's record says that there is to be.
fn recorded(contents: &Contents, goes_back: bool) -> Parts {
    let objects = contents.objects.iter().cloned();
    Parts {
        objects: objects.map(Surveyed::unseen).collect(),
        hooks: match goes_back {
            // A rollback runs none of them.
            true => Vec::new(),
            false => contents.lasting_hooks(),
        },
        unread: contents.unread.clone(),
        ..Parts::default()
    }
}

/// Hooks that are gone: those that an upgrade makes again, and those that it does not.
fn lost(hooks: &[LastingHook], there: &There<'_>) -> (Vec<ObjectRef>, Vec<ObjectRef>) {
    let gone = hooks.iter().filter(|it| !there.contains_key(&it.object));
    let (again, once): (Vec<_>, Vec<_>) = gone.partition(|it| it.on_upgrade);
    let objects = |hooks: Vec<&LastingHook>| -> Vec<ObjectRef> {
        hooks.into_iter().map(|it| it.object.clone()).collect()
    };
    (objects(again), objects(once))
}

/// What is gone, and where somebody else has taken a field of helm's.
fn differences(
    candidate: &Candidate<'_>,
    known: &[Surveyed],
    there: &There<'_>,
) -> (Vec<ObjectRef>, Vec<ObjectRef>) {
    let (mut gone, mut touched) = (Vec::new(), Vec::new());
    for Surveyed { object, share, .. } in known {
        match there.get(object) {
            None if candidate.verified && object.may_go_once_ready() => {}
            None => gone.push(object.clone()),
            Some(Some(now)) if share.as_ref().is_some_and(|then| then != now) => {
                touched.push(object.clone());
            }
            Some(_) => {}
        }
    }
    (gone, touched)
}

impl Candidate<'_> {
    fn is_needed(&self, object: &ObjectRef) -> bool {
        let mut needed = self.needed.iter();
        needed.any(|(kind, name)| object.is_called(kind, name))
    }

    fn has_all_needed(&self, objects: &[Surveyed]) -> bool {
        let is_one = |(kind, name): &(&str, &str)| {
            let mut objects = objects.iter();
            objects.any(|it| it.object.is_called(kind, name))
        };
        self.needed.iter().all(is_one)
    }

    fn settled(&self, known: &Parts, there: &There<'_>) -> Settled {
        let is_there = |it: &&ObjectRef| there.contains_key(it);
        let objects = known.objects.iter().map(|it| &it.object);
        Settled {
            contents: Contents {
                revision: self.revision,
                objects: objects.filter(is_there).cloned().collect(),
                hooks: known.needed_hooks.clone(),
                unread: known.unread.clone(),
                ..Contents::default()
            },
            hooks: known.hooks.clone(),
            past: self.past(known, there),
            before: Before {
                verified: self.verified,
                remembered: self.remembered.is_some(),
            },
        }
    }

    fn past(&self, known: &Parts, there: &There<'_>) -> Past {
        let objects = known.objects.iter().map(|it| &it.object);
        let jobs = objects
            .chain(&known.needed_jobs)
            .filter(|it| self.verified && it.may_go_once_ready() && !there.contains_key(it));
        let of_hooks = |leaves: Leaves| {
            let hooks = known.needed_hooks.iter();
            let left = hooks.filter(move |it| it.leaves(self.revision) == leaves);
            left.map(|it| &it.object)
        };
        let gone = of_hooks(Leaves::Object).filter(|it| !there.contains_key(it));
        Past {
            done: jobs.chain(of_hooks(Leaves::Done)).cloned().collect(),
            gone: gone.cloned().collect(),
        }
    }
}
