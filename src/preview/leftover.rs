//! What an earlier helm has left of a release half done, and what `up` makes of that.

use super::look::Scene;
use crate::plan::Step;
use crate::recovery::{self, FirstInstall, Intent, LeftAlone, Runs};
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{Contents, Hook, ObjectRef, Record, RecordStatus, World};

#[derive(Debug, Default)]
pub struct Leftover {
    /// In words: `revision 1 failed: `up` takes it up again`.
    pub told: Option<String>,
    /// Why `up` leaves it as it is.
    pub refused: Option<LeftAlone>,
    /// helm refuses the release as it stands, also for a dry run.
    pub is_half_done: bool,
    /// What goes before the release is installed anew; None where it is not.
    pub removed: Option<Vec<ObjectRef>>,
    /// It is installed anew unless a hook that is at work succeeds.
    pub maybe_anew: bool,
}

/// What becomes of a release whose first install was cut off or failed.
enum Course {
    Upgraded,
    Anew(Vec<ObjectRef>),
    /// Nothing is known of that before this hook has ended.
    After(String),
    Refused(LeftAlone),
}

pub async fn look(
    scene: Scene<'_>,
    step: &Step,
    records: &[Record],
) -> Result<Leftover, ObserveError> {
    let last = records.iter().max_by_key(|record| record.revision);
    let is_left = |it: &&Record| it.status.is_half_done() || it.status == RecordStatus::Failed;
    let Some(last) = last.filter(is_left) else {
        return Ok(Leftover::default());
    };
    let is_half_done = last.status.is_half_done();
    let course = match course(scene, step, records, last).await {
        Ok(course) => course,
        Err(error) if error.passes().is_some() => return Err(error),
        Err(error) => Course::Refused(LeftAlone::unreadable(&error)),
    };
    let found = match is_half_done {
        true => format!("revision {} is {}", last.revision, last.status.as_str()),
        false => format!("revision {} failed", last.revision),
    };
    let mut left = Leftover {
        is_half_done,
        ..Leftover::default()
    };
    left.told = match course {
        Course::Upgraded => Some(format!("{found}: `up` takes it up again")),
        Course::Anew(removed) => {
            left.removed = Some(removed);
            Some(format!(
                "{found}: `up` removes what is there of it and installs it anew"
            ))
        }
        Course::After(hook) => {
            left.maybe_anew = true;
            Some(format!(
                "{found}: `up` waits for its hook {hook}, which is at work, and takes it up again, or \
                 installs it anew where that has not succeeded"
            ))
        }
        Course::Refused(why) => {
            left.refused = Some(why);
            None
        }
    };
    if is_half_done {
        settle(&mut left, scene, step, last, &found);
    }
    Ok(left)
}

/// Whoever has begun it may be at work on it still.
fn settle(left: &mut Leftover, scene: Scene<'_>, step: &Step, last: &Record, found: &str) {
    let Runs { abandoned, .. } = match scene.runs {
        Ok(runs) => {
            if let Some(run) = runs.at_work_on(scene.stack, last) {
                left.told = Some(format!(
                    "{found}: run {run} has the stack, and `up` waits for it"
                ));
                return;
            }
            runs
        }
        Err(error) => {
            left.told = None;
            left.refused = Some(LeftAlone::unreadable(error));
            return;
        }
    };
    let named = (&step.release, &step.namespace);
    if let Some(why) = recovery::doubt(scene.stack, last, abandoned, named, Intent::Up) {
        left.told = None;
        left.refused = Some(why);
    }
}

async fn course(
    scene: Scene<'_>,
    step: &Step,
    records: &[Record],
    last: &Record,
) -> Result<Course, ObserveError> {
    let cluster = scene.cluster;
    let contents = |revision| cluster.contents(&step.namespace, &step.release, revision);
    if last.status == RecordStatus::Uninstalling {
        return Ok(Course::Anew(contents(last.revision).await?.removable()));
    }
    let Some(first) = recovery::first_of(records.iter()) else {
        return Ok(Course::Upgraded);
    };
    let last_contents = contents(last.revision).await?;
    let first = contents(first).await?;
    let may = recovery::may_hold_data(&last_contents);
    let holds_data = !may.is_empty() && !cluster.survey(&may).await?.is_empty();
    let hooks = first.hooks.iter().chain(&last_contents.hooks);
    let hooks: Vec<ObjectRef> = hooks.map(|hook| hook.object.clone()).collect();
    let mut world = World::default();
    for seen in cluster.refresh(&hooks).await? {
        world.apply(&seen);
    }
    let named = (&step.release, &step.namespace);
    let ours = last.is_of(scene.stack);
    let course = recovery::after(named, &first, &world, ours, holds_data);
    let at_work = || at_work(&first, &world);
    Ok(match course {
        FirstInstall::Upgraded => Course::Upgraded,
        FirstInstall::Anew | FirstInstall::Refused(_) if at_work().is_some() => {
            Course::After(at_work().unwrap_or_default())
        }
        FirstInstall::Anew => Course::Anew(last_contents.removable()),
        FirstInstall::Refused(why) => Course::Refused(why),
    })
}

/// A hook whose Job has not ended.
fn at_work(contents: &Contents, world: &World) -> Option<String> {
    let is_at_work = |hook: &&Hook| {
        let job = world.job(&hook.object);
        job.is_some_and(|job| !job.suspended && !job.has_ended())
    };
    let hook = contents.hooks.iter().find(is_at_work)?;
    Some(hook.object.short())
}
