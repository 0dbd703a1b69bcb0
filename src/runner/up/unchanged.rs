//! Releases that are in the cluster as they are to be: the same inputs, applied by a run of this
//! stack, and all of it still there. They start no helm; one that was never seen ready, or is not
//! now, is waited for as any other.
//!
//! Who has changed something by hand meanwhile is told. What helm can put right makes an upgrade;
//! where it would be refused, because another manager keeps a field, the release is left as it is.

use std::collections::HashMap;

use futures::FutureExt;
use futures::future::try_join_all;
use tokio::time::Instant;

use super::deploying::earlier;
use super::{Done, Up};
use crate::event::EventKind;
use crate::plan::Step;
use crate::runner::asking::{read_contents, until_answered};
use crate::runner::ports::{ObserveError, Observer};
use crate::runner::tracked::{Before, Phase};
use crate::snapshot::{Contents, ObjectRef, Record, Share, Surveyed};
use crate::verdict::Baseline;
use crate::wording;

/// A release that may be unchanged, until its objects have been looked for.
pub struct Candidate<'p> {
    at: usize,
    step: &'p Step,
    revision: u32,
    verified: bool,
    /// Each with what helm held of it when it was last seen ready; None where nothing is remembered.
    objects: Option<Vec<Surveyed>>,
}

/// What is in the cluster of a release that needs no helm.
#[derive(Debug)]
pub struct Settled {
    contents: Contents,
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
        let looked = async move { Done::Surveyed(look(observer, candidates).await) };
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

    /// Made with the inputs of now, and helm was through with it.
    fn candidate(&self, at: usize) -> Option<Candidate<'p>> {
        let step = self.releases[at].step;
        let known = self.known.get(&step.id)?;
        let (namespace, name) = (step.namespace.as_str(), step.release.as_str());
        let last: &Record = self.world.last_record(namespace, name)?;
        let is_as_wanted = last.is_made_of(self.stack.as_str(), &known.inputs);
        // helm counts anew after a removal: without its mark, this is another revision of that number.
        let verified = last.marks.verified == Some(last.revision);
        let remembered = known.verified.as_ref();
        let remembered = remembered.filter(|it| verified && it.revision == last.revision);
        is_as_wanted.then(|| Candidate {
            at,
            step,
            revision: last.revision,
            verified,
            objects: remembered.map(|verified| verified.objects.clone()),
        })
    }

    /// Goes on with a release as if helm had just been through with it.
    pub(super) fn settle(&mut self, at: usize, settled: Settled) {
        let Settled { contents, before } = settled;
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
        if before.verified {
            release.concluded = release.step.after.len();
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
    candidates: Vec<Candidate<'_>>,
) -> Result<Found, ObserveError> {
    let known = candidates.iter().map(|it| objects(observer, it));
    let known = try_join_all(known).await?;
    let all = known.iter().flatten().map(|it| it.object.clone());
    let all: Vec<ObjectRef> = all.collect();
    let mut found = Found::default();
    if all.is_empty() {
        return Ok(found);
    }
    let surveyed = until_answered(|| observer.survey(&all)).await?;
    let there: There<'_> = surveyed.iter().map(|it| (&it.object, &it.share)).collect();
    for (candidate, known) in candidates.iter().zip(&known) {
        let at = candidate.at;
        let (gone, changed) = differences(candidate, known, &there);
        let contested = match changed.as_slice() {
            [] => Vec::new(),
            changed => {
                let (step, revision) = (candidate.step, candidate.revision);
                let (namespace, release) = (&step.namespace, &step.release);
                let ask = || observer.contested(namespace, release, revision, changed);
                until_answered(ask).await?
            }
        };
        for one in &contested {
            let text = format!(
                "{} `{}` is kept by {}: helm would be refused, so it stays; set it back, or leave \
                 it out of the chart",
                one.object, one.field, one.manager
            );
            found.said.push((at, text));
        }
        if !gone.is_empty() {
            let text = format!("{} is gone: helm puts it back", names(&gone));
            found.said.push((at, text));
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

fn names(objects: &[ObjectRef]) -> String {
    let names: Vec<String> = objects.iter().map(ObjectRef::short).collect();
    wording::list(&names)
}

async fn objects(
    observer: &dyn Observer,
    candidate: &Candidate<'_>,
) -> Result<Vec<Surveyed>, ObserveError> {
    if let Some(objects) = &candidate.objects {
        return Ok(objects.clone());
    }
    let contents = read_contents(observer, candidate.step, candidate.revision).await?;
    let share = None;
    let objects = contents.objects.into_iter();
    Ok(objects
        .map(|object| Surveyed {
            object,
            share: share.clone(),
        })
        .collect())
}

/// What is gone, and what helm does not hold any more as it did.
fn differences(
    candidate: &Candidate<'_>,
    known: &[Surveyed],
    there: &There<'_>,
) -> (Vec<ObjectRef>, Vec<ObjectRef>) {
    let (mut gone, mut changed) = (Vec::new(), Vec::new());
    for Surveyed { object, share } in known {
        match there.get(object) {
            // A Job that was complete once may go: its `ttlSecondsAfterFinished` takes it away.
            None if candidate.verified && object.kind == "Job" => {}
            None => gone.push(object.clone()),
            Some(Some(now)) if share.as_ref().is_some_and(|then| then != now) => {
                changed.push(object.clone());
            }
            Some(_) => {}
        }
    }
    (gone, changed)
}

impl Candidate<'_> {
    fn settled(&self, known: &[Surveyed], there: &There<'_>) -> Settled {
        let objects = known.iter().map(|it| &it.object);
        Settled {
            contents: Contents {
                revision: self.revision,
                objects: objects
                    .filter(|it| there.contains_key(it))
                    .cloned()
                    .collect(),
                ..Contents::default()
            },
            before: Before {
                verified: self.verified,
                remembered: self.objects.is_some(),
            },
        }
    }
}
