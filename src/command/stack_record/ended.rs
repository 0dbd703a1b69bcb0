//! What is written down of a run that has ended.

use std::time::Duration;

use jiff::Timestamp;

use super::is_ours;
use crate::cluster::{Cluster, StoredStack, TRIES, Written, written_by_others};
use crate::command::print;
use crate::memory::{RunEnd, Verified};
use crate::names::{ReleaseId, RunId};
use crate::runner::Ended;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{LastingHook, ObjectRef, Surveyed};
use crate::wording;

/// How long a run that is over may take for it.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Takes note of how a run ended. What fails in that is told, and is no failure of the run: the next
/// one has more to look at then.
pub async fn end(cluster: &Cluster, stored: StoredStack, run: &RunId, ended: &Ended) {
    let write = try_end(cluster, stored, run, ended);
    let why = match tokio::time::timeout(LAST_WORDS, write).await {
        Ok(Ok(without)) if without.is_empty() => return,
        Ok(Ok(without)) => format!(
            "what these releases consist of is too much to be remembered, so each run looks at them \
             anew: {}",
            wording::list(&without)
        ),
        Ok(Err(error)) => format!("how the run ended can't be written down: {error}"),
        Err(_) => "how the run ended can't be written down in time".to_owned(),
    };
    // Nobody is left to tell of a stderr that is gone.
    let _ = print::warnings([&why]);
}

async fn try_end(
    cluster: &Cluster,
    mut stored: StoredStack,
    run: &RunId,
    ended: &Ended,
) -> Result<Vec<ReleaseId>, ObserveError> {
    let all = ended.verified.iter().flat_map(|it| {
        let hooks = it.hooks.iter().map(|hook| &hook.object);
        it.objects.iter().chain(hooks)
    });
    let all: Vec<ObjectRef> = all.cloned().collect();
    let there = match all.as_slice() {
        [] => Vec::new(),
        all => cluster.survey(all).await?,
    };
    let verified = ended.verified.iter().map(|it| {
        let is_there = |hook: &&LastingHook| there.iter().any(|there| there.object == hook.object);
        let lasts = |hook: &&LastingHook| is_there(hook) || it.lost.contains(&hook.object);
        let verified = Verified {
            revision: it.revision,
            record: it.record.clone(),
            objects: it
                .objects
                .iter()
                .filter_map(|it| remembered(it, &there))
                .collect(),
            hooks: it.hooks.iter().filter(lasts).cloned().collect(),
        };
        (it.id.clone(), verified)
    });
    let verified: Vec<_> = verified.collect();
    let end = RunEnd {
        at: Timestamp::now(),
        outcome: ended.outcome,
        releases: ended.releases.clone(),
        together: ended.together,
        back: ended.back.clone(),
    };
    let (stack, namespace) = (stored.record.stack.clone(), stored.record.namespace.clone());
    for _ in 0..TRIES {
        // After the record was read: whoever takes the stack from here on writes over it first.
        match is_ours(cluster, &stored, run).await? {
            true => {
                for (id, revision, record) in &ended.identified {
                    stored.record.identify(id, *revision, record);
                }
                stored.record.end(run, end.clone(), verified.clone());
                stored.record.leave(&ended.left);
            }
            false => stored.record.close(run, end.clone()),
        }
        if let Written::Stored { without } = cluster.write_stack(&mut stored).await? {
            return Ok(without);
        }
        match cluster.stored_stack(&stack, &namespace).await? {
            Some(newer) => stored = newer,
            // Whoever has removed the stack has no use for it.
            None => return Ok(Vec::new()),
        }
    }
    Err(written_by_others())
}

/// What is remembered of an object of a release that was ready. One that has gone since is missed by
/// the next run, unless it was to go once its work was done.
fn remembered(object: &ObjectRef, there: &[Surveyed]) -> Option<Surveyed> {
    let found = there.iter().find(|it| it.object == *object).cloned();
    let missed = || Surveyed::unseen(object.clone());
    found.or_else(|| (!object.may_go_once_ready()).then(missed))
}
