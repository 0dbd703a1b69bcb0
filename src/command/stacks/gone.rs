//! What of a release is gone without a watch to tell it: what has no readiness is asked for.

use std::collections::HashMap;

use super::{Member, Seen};
use crate::cluster::Cluster;
use crate::event::Health;
use crate::runner::ports::Observer;
use crate::snapshot::{Contents, Lingering, ObjectRef, Surveyed};
use crate::verdict::{Assessment, ObjectHealth, Waiting};
use crate::wording;

type There<'a> = HashMap<&'a ObjectRef, &'a Surveyed>;

/// What was asked for of the present revision of a release, and what came of it.
#[derive(Debug, Default)]
pub struct Look {
    revision: Option<u32>,
    gone: Vec<ObjectRef>,
    /// Those that are being deleted.
    going: Vec<ObjectRef>,
    /// Those that a removal waits for, of a release that helm has forgotten.
    pub(super) held: Option<Vec<Lingering>>,
    /// Those that may not be asked for.
    closed: Vec<ObjectRef>,
    /// There never was an answer.
    is_open: bool,
    /// Why there was none the last time.
    pub(super) unanswered: Option<String>,
}

/// A release that is to be looked at.
pub struct Wanted<'a> {
    pub seen: &'a Seen,
    pub contents: &'a Contents,
    pub look: &'a mut Look,
}

/// Looks for what nothing is known of: with `anew` for all of it, else for that of new revisions. The
/// number of questions does not grow with that of the objects.
pub async fn look(cluster: &Cluster, wanted: Vec<Wanted<'_>>, anew: bool) {
    let mut asked = Vec::new();
    for Wanted {
        seen,
        contents,
        look,
    } in wanted
    {
        if !seen.is_applied() {
            *look = Look::default();
            continue;
        }
        if anew || look.revision != Some(contents.revision) {
            asked.push((silent(seen, contents), contents.revision, look));
        }
    }
    let all: Vec<ObjectRef> = asked
        .iter()
        .flat_map(|(objects, ..)| objects.iter().cloned())
        .collect();
    let answer = cluster.survey(&all).await;
    let there: Result<There<'_>, String> = match &answer {
        Ok(surveyed) => Ok(surveyed.iter().map(|it| (&it.object, it)).collect()),
        Err(error) => Err(error.to_string()),
    };
    for (objects, revision, look) in asked {
        match &there {
            Ok(there) => *look = Look::of(revision, objects, there),
            Err(why) => look.fail(revision, why),
        }
    }
}

/// What no watch tells of.
fn silent(seen: &Seen, contents: &Contents) -> Vec<ObjectRef> {
    let judged = seen.assessment.iter().flat_map(|it| &it.objects);
    let judged: Vec<&ObjectRef> = judged.map(|health| &health.object).collect();
    let objects = contents.objects.iter();
    objects
        .filter(|it| !judged.contains(it) && !it.may_go_once_ready())
        .cloned()
        .collect()
}

impl Look {
    fn of(revision: u32, objects: Vec<ObjectRef>, there: &There<'_>) -> Look {
        let mut look = Look {
            revision: Some(revision),
            ..Look::default()
        };
        for object in objects {
            match there.get(&object) {
                None => look.gone.push(object),
                Some(found) if found.is_going => look.going.push(object),
                Some(found) if found.share.is_none() => look.closed.push(object),
                Some(_) => {}
            }
        }
        look
    }

    /// What was known of the revision stays so; of a new one nothing is.
    fn fail(&mut self, revision: u32, why: &str) {
        if self.revision != Some(revision) {
            *self = Look {
                revision: Some(revision),
                is_open: true,
                ..Look::default()
            };
        }
        self.unanswered = Some(why.to_owned());
    }

    /// Why it is not known whether all is there.
    pub fn open(&self) -> Option<&String> {
        self.unanswered.as_ref().filter(|_| self.is_open)
    }

    /// What is not known, a sentence each.
    pub fn unseen(&self, member: &Member) -> Vec<String> {
        let id = &member.id;
        let unanswered = self.unanswered.iter();
        let unanswered = unanswered
            .map(|why| format!("whether all that `{id}` has made is there is not known: {why}"));
        let closed: Vec<String> = self.closed.iter().map(ObjectRef::short).collect();
        let closed = (!closed.is_empty()).then(|| {
            format!(
                "whether {} of `{id}` is there is not known: these credentials may not list such \
                 objects",
                wording::list(&closed)
            )
        });
        unanswered.chain(closed).collect()
    }

    /// A release of which something is gone, or may be, is not ready.
    pub fn tell(&self, assessment: &mut Assessment) {
        assessment.ready &= !self.is_open;
        tell_lost(assessment, &self.gone, "not in the cluster");
        tell_lost(assessment, &self.going, "being deleted");
    }
}

fn tell_lost(assessment: &mut Assessment, lost: &[ObjectRef], how: &str) {
    let judged = |it: &&ObjectRef| assessment.objects.iter().any(|had| had.object == **it);
    let lost: Vec<&ObjectRef> = lost.iter().filter(|it| !judged(it)).collect();
    if lost.is_empty() {
        return;
    }
    assessment.ready = false;
    let names: Vec<String> = lost.iter().map(|it| it.short()).collect();
    let (are, them) = match names.len() {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    assessment.waiting.get_or_insert_with(|| Waiting {
        on: format!(
            "{} {are} {how}; `stackctl up` puts {them} back",
            wording::list(&names)
        ),
        since: None,
        chain: names,
        log_of: None,
    });
    let missing = lost.into_iter().map(|object| ObjectHealth {
        object: object.clone(),
        health: Health::Missing,
        reason: how.to_owned(),
        ready: 0,
        desired: 1,
    });
    assessment.objects.extend(missing);
}
