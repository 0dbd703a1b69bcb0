//! The objects of a release, as they are and as the API server says that they would be.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::look::LookError;
use super::{After, Applied, Compared};
use crate::cluster::{Answer, Cluster, Trial};
use crate::helm::{Upcoming, UpcomingHook};
use crate::manifest::{self, Whole};
use crate::plan::Step;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{LastingHook, ObjectRef, Record, RecordStatus};

/// Questions about the objects of one release that are open at once.
const OBJECTS: usize = 4;

/// How a manifest is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Apply,
    /// Fields are taken from whoever holds them.
    Force,
    /// Only where there is a reason to.
    AsItStays,
}

impl How {
    fn apply(force: bool) -> How {
        match force {
            true => How::Force,
            false => How::Apply,
        }
    }
}

/// Compares what is there with what an apply of the manifest would make of it, and with what the last
/// deployed revision had. What was `applied` is a manifest that `up` would not apply again by itself.
pub async fn compare(
    step: &Step,
    wanted: Vec<Whole>,
    records: &[Record],
    cluster: &Cluster,
    applied: Option<&Applied>,
) -> Result<Vec<Compared>, LookError> {
    let how = match applied {
        Some(_) => How::AsItStays,
        None => How::apply(step.force_conflicts),
    };
    let compared = compare_with(step, wanted.clone(), records, cluster, how).await?;
    // What another manager keeps stays with it until an upgrade has another reason.
    let is_reason = |applied: &Applied, one: &Compared| {
        one.is_created() && !(applied.verified && one.has_gone())
    };
    let is_upgraded = applied.is_some_and(|it| compared.iter().any(|one| is_reason(it, one)));
    if step.force_conflicts && is_upgraded {
        return compare_with(step, wanted, records, cluster, How::Force).await;
    }
    Ok(compared)
}

async fn compare_with(
    step: &Step,
    wanted: Vec<Whole>,
    records: &[Record],
    cluster: &Cluster,
    how: How,
) -> Result<Vec<Compared>, LookError> {
    let mut placed: Vec<(ObjectRef, Value)> = Vec::new();
    for Whole { mut value, .. } in wanted {
        if let Some(object) = manifest::reference(&value) {
            let (release, namespace) = (step.release.as_str(), step.namespace.as_str());
            manifest::own(&mut value, release, namespace);
            placed.push((cluster.placed(object, &step.namespace).await?, value));
        }
    }
    let wanted = placed;
    let mut compared: Vec<Compared> = stream::iter(&wanted)
        .map(|(object, value)| async move {
            let mut trial = cluster.try_apply(object, value, how == How::Force).await?;
            if how == How::AsItStays {
                trial = as_it_stays(cluster, (object, value), trial).await?;
            }
            Ok::<_, LookError>(tried(object, trial))
        })
        .buffered(OBJECTS)
        .try_collect()
        .await?;
    // helm takes away what the last revision that was deployed had, or the last one, where none was.
    let last = records.iter().max_by_key(|record| record.revision);
    let last = last.filter(|it| it.status != RecordStatus::Uninstalled);
    let deployed = records
        .iter()
        .filter(|record| record.status == RecordStatus::Deployed);
    let Some(before) = deployed.max_by_key(|record| record.revision).or(last) else {
        return Ok(compared);
    };
    let contents = cluster
        .contents(&step.namespace, &step.release, before.revision)
        .await;
    let contents = contents?;
    let key = |object: &ObjectRef| {
        (
            object.group().to_owned(),
            object.kind.clone(),
            object.namespace.clone(),
            object.name.clone(),
        )
    };
    let stays: BTreeSet<_> = wanted.iter().map(|(object, _)| key(object)).collect();
    for object in contents
        .objects
        .iter()
        .filter(|object| !stays.contains(&key(object)))
    {
        let (before, after) = match cluster.live(object).await {
            Err(denied @ ObserveError::Denied(_)) => (None, After::Refused(denied.to_string())),
            before if contents.kept.contains(object) => (before?, After::Kept),
            before => (before?, After::Deleted),
        };
        let takes = takes_along(object).filter(|_| after == After::Deleted);
        compared.push(Compared {
            object: object.short(),
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            before,
            after,
            note: takes.map(str::to_owned),
            may_go_once_ready: object.may_go_once_ready(),
        });
    }
    Ok(compared)
}

/// What goes with an object that is deleted, whoever has made it.
fn takes_along(object: &ObjectRef) -> Option<&'static str> {
    match (object.group(), object.kind.as_str()) {
        ("", "Namespace") => Some("with all that is in it, whoever has made that"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            Some("with all its instances in every namespace, whoever has made them")
        }
        _ => None,
    }
}

/// Of what `up` would not apply again by itself: what others have filled in stays as it is.
async fn as_it_stays(
    cluster: &Cluster,
    (object, value): (&ObjectRef, &Value),
    mut trial: Trial,
) -> Result<Trial, ObserveError> {
    let Some(before) = &trial.before else {
        return Ok(trial);
    };
    let forced = match &trial.answer {
        Answer::Refused(_) => cluster.try_apply(object, value, true).await?.answer,
        answer => answer.clone(),
    };
    if let Answer::Accepted(after) = forced
        && manifest::drift(value, before, &after).is_empty()
    {
        trial.answer = Answer::Accepted(before.clone());
    }
    Ok(trial)
}

/// Hooks that were there for others and are gone, where an upgrade makes them again: for their sake
/// `up` does not leave a release as it is.
pub async fn lost_hooks(
    cluster: &Cluster,
    hooks: &[LastingHook],
) -> Result<Vec<Compared>, ObserveError> {
    let again = hooks.iter().filter(|hook| hook.on_upgrade);
    let again: Vec<ObjectRef> = again.map(|hook| hook.object.clone()).collect();
    let there = match again.as_slice() {
        [] => Vec::new(),
        again => cluster.survey(again).await?,
    };
    let gone = again
        .iter()
        .filter(|hook| there.iter().all(|it| it.object != **hook || it.is_going));
    let trial = || Trial {
        before: None,
        answer: Answer::Later,
    };
    Ok(gone
        .map(|hook| Compared {
            note: Some("made by a hook".to_owned()),
            ..tried(hook, trial())
        })
        .collect())
}

/// Hooks that are not the same in the last revision that was deployed, or else the last one.
pub async fn changed_hooks<'a>(
    step: &Step,
    upcoming: &'a Upcoming,
    records: &[Record],
    cluster: &Cluster,
) -> Result<Vec<&'a UpcomingHook>, LookError> {
    let hooks = upcoming.hooks.iter().flatten();
    let is_deployed = |it: &&Record| it.status == RecordStatus::Deployed;
    let before = records
        .iter()
        .max_by_key(|it| (is_deployed(it), it.revision));
    let Some(before) = before.filter(|_| hooks.clone().next().is_some()) else {
        return Ok(hooks.collect());
    };
    let (namespace, release) = (&step.namespace, &step.release);
    let before = cluster.hook_manifests(namespace, release, before.revision);
    let mut known = Vec::new();
    for manifest in before.await? {
        let readable = manifest::readable_wholes(&manifest).read;
        known.extend(readable.into_iter().map(|it| it.value));
    }
    let mut changed = Vec::new();
    for hook in hooks {
        let now = manifest::readable_wholes(&hook.manifest).read;
        if now.iter().any(|it| !known.contains(&it.value)) {
            changed.push(hook);
        }
    }
    Ok(changed)
}

/// Takes in that these are removed before the release is installed anew.
pub fn remove_first(compared: &mut [Compared], removed: &[ObjectRef]) {
    for one in compared {
        let is_it = |it: &ObjectRef| it.short() == one.object && it.namespace == one.namespace;
        if removed.iter().any(is_it) && one.after != After::Deleted {
            one.before = None;
        }
    }
}

/// Says what becomes of objects that are hooks of the same name from now on: helm makes these, and
/// deletes them with the old ones.
pub fn note_hooks(compared: &mut [Compared], upcoming: &Upcoming, step: &Step) {
    for one in compared.iter_mut().filter(|it| it.after == After::Deleted) {
        // What has run may go.
        if ["Job", "Pod"].contains(&one.kind.as_str()) {
            continue;
        }
        let is_it = |hook: &&UpcomingHook| {
            let wholes = manifest::readable_wholes(&hook.manifest).read;
            let mut objects = wholes
                .iter()
                .filter_map(|it| manifest::reference(&it.value));
            objects.any(|it| {
                let namespace = it.namespace.as_deref().unwrap_or(step.namespace.as_str());
                let is_there = one.namespace.as_deref().is_none_or(|own| own == namespace);
                it.short() == one.object && is_there
            })
        };
        let Some(hook) = upcoming.hooks.iter().flatten().find(is_it) else {
            continue;
        };
        let is_on = |event: &str| hook.events.iter().flatten().any(|it| it == event);
        let note = match (is_on("post-upgrade"), is_on("pre-upgrade")) {
            (true, _) => "it becomes a hook of the same name, which helm makes afterwards",
            (false, true) => {
                "it becomes a hook of the same name, which helm makes before that and deletes with \
                 it; a second `up` makes it again"
            }
            (false, false) => {
                "it becomes a hook of the same name, which helm makes in a first install only"
            }
        };
        one.note = Some(note.to_owned());
    }
}

fn tried(object: &ObjectRef, trial: Trial) -> Compared {
    Compared {
        object: object.short(),
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        before: trial.before,
        after: match trial.answer {
            Answer::Accepted(after) => After::Is(after),
            Answer::Refused(why) => After::Refused(why),
            Answer::Later => After::New,
        },
        note: None,
        may_go_once_ready: object.may_go_once_ready(),
    }
}
