//! What events say, in words.

use std::time::Duration;

use crate::event::{CancelReason, EventKind, Health, HookPhase, Verb, VerdictClass};
use crate::state::ReleaseState;
use crate::wording;

use super::line::Tone;
use super::text::{bounded, clean, told};

/// Characters of a foreign line.
pub const LINE_LIMIT: usize = 1000;

/// No time that anybody waits.
const AT_ONCE: Duration = Duration::from_secs(1);

/// One thing to say of a release.
pub struct Sentence {
    pub tone: Tone,
    pub text: String,
    /// Whether it is news each time, even in the same words.
    pub repeats: bool,
}

/// What an event says of the run as a whole.
pub fn of_run(kind: &EventKind) -> Option<(Tone, String)> {
    match kind {
        EventKind::RunStarted {
            verb,
            namespace,
            context,
            releases,
            ..
        } => {
            let verb = verb.as_str();
            let number = wording::count(releases.len(), "release");
            let context = clean(context);
            let text = format!("{verb}: {number}, namespace {namespace}, context {context}");
            Some((Tone::Plain, text))
        }
        EventKind::RunCancelling { reason } => {
            let text = match reason {
                CancelReason::Interrupt => {
                    "interrupted: nothing new is started, a helm at work is asked to end; \
                     once more (Ctrl-C) ends it at once"
                }
                CancelReason::Terminate => {
                    "told to terminate: nothing new is started, a helm at work is asked to end"
                }
                CancelReason::Deadline => "the deadline passed: nothing new is started",
                CancelReason::Superseded => {
                    "another run asks for the stack: nothing new is started, what has begun may end"
                }
                CancelReason::NamespaceGone => {
                    "somebody has deleted the stack's namespace: nothing new is started, a helm \
                     at work is asked to end"
                }
                CancelReason::LockLost => {
                    "another run has taken the stack, for this one could not renew its Lease: nothing \
                     new is started, a helm at work is asked to end"
                }
            };
            Some((Tone::Warn, text.to_owned()))
        }
        EventKind::RunRollingBack { to, .. } => {
            let text = format!(
                "failed: goes back to what run {} had verified",
                clean(to.as_str())
            );
            Some((Tone::Warn, text))
        }
        EventKind::LockWaiting { holder } => {
            let text = format!("waits for {}", clean(&holder.to_string()));
            Some((Tone::Plain, text))
        }
        EventKind::NamespaceWaiting { namespace, kept } => {
            let why = match kept.as_slice() {
                [] => String::new(),
                kept => format!(": {}", clean(&kept.join("; "))),
            };
            let text =
                format!("waits for namespace {namespace}, which is being deleted, to be gone{why}");
            Some((Tone::Plain, text))
        }
        EventKind::Warning {
            release: None,
            message,
        } => Some((Tone::Warn, format!("warning: {}", told(message)))),
        _ => None,
    }
}

/// A Service or a claim is ready long before anybody can use it: that is no news.
fn carries_the_release(kind: &str) -> bool {
    !matches!(kind, "Service" | "PersistentVolumeClaim")
}

/// Nothing of the release is waited for any more, so that one of its objects is ready is no news.
pub fn is_all_ready(release: &ReleaseState) -> bool {
    let mut objects = release.objects.values();
    !release.phase.is_active() || objects.all(|object| object.desired <= object.ready)
}

/// What an event says of its release, which has taken it in already. Nothing where the event
/// alone makes no news.
pub fn of_release(
    release: &ReleaseState,
    verb: Verb,
    kind: &EventKind,
    elapsed: Duration,
) -> Option<Sentence> {
    let took = release.took(elapsed).map(wording::duration);
    let with_time = |text: &str, preposition: &str| match &took {
        Some(took) => format!("{text} {preposition} {took}"),
        None => text.to_owned(),
    };
    let told = match kind {
        EventKind::ReleaseStarted { .. } => {
            let text = match verb {
                // What an `up` prunes is none of what it brings up.
                Verb::Up if release.planned.is_none() => "removal started",
                Verb::Up | Verb::Rollback => "started",
                Verb::Down => "removal started",
            };
            (Tone::Plain, text.to_owned(), true)
        }
        EventKind::ReleaseDeployed { revision, .. } => {
            let text = format!("deployed, revision {revision}");
            (Tone::Plain, text, false)
        }
        EventKind::ReleaseUnchanged {
            revision, verified, ..
        } => {
            let text = match verified {
                true => format!("unchanged, revision {revision}"),
                false => format!("unchanged, revision {revision}, not yet seen ready"),
            };
            (Tone::Plain, text, false)
        }
        EventKind::HookChanged {
            kind, name, phase, ..
        } => {
            let hook = format!("hook {}/{}", clean(kind).to_lowercase(), clean(name));
            let key = (kind.clone(), name.clone());
            let started = release.hooks.get(&key).map_or(elapsed, |hook| hook.started);
            let took = wording::duration(elapsed.saturating_sub(started));
            match phase {
                HookPhase::Running => (Tone::Plain, format!("{hook} started"), false),
                HookPhase::Succeeded => (Tone::Plain, format!("{hook} done ({took})"), false),
                HookPhase::Failed => (Tone::Bad, format!("{hook} failed ({took})"), false),
            }
        }
        EventKind::ObjectChanged {
            kind,
            name,
            health: Health::Ready,
            desired: 1..,
            ..
        } if carries_the_release(kind) => {
            if is_all_ready(release) {
                return None;
            }
            let object = format!("{}/{}", clean(kind).to_lowercase(), clean(name));
            (Tone::Plain, format!("{object} ready"), false)
        }
        EventKind::ReleaseRollingBack { to, .. } => {
            (Tone::Warn, format!("goes back to revision {to}"), true)
        }
        EventKind::ReleaseRecovering { from, .. } => {
            let text = format!("recovered: an earlier helm has left it {}", clean(from));
            (Tone::Warn, text, true)
        }
        // Nothing else was to be expected.
        EventKind::ReleaseReady { .. }
            if release.unchanged && release.took(elapsed) < Some(AT_ONCE) =>
        {
            return None;
        }
        EventKind::ReleaseReady { .. } => (Tone::Good, with_time("ready", "in"), true),
        EventKind::ReleaseDegraded { reason, .. } => {
            let text = format!("not ready any more: {}", clean(reason));
            (Tone::Warn, text, true)
        }
        EventKind::ReleaseFailed { verdict, .. } => {
            let sentence = bounded(&told(&verdict.sentence), LINE_LIMIT);
            let failed = match verdict.class {
                // Its sentence says after which time.
                VerdictClass::Expired => "given up".to_owned(),
                VerdictClass::Certain | VerdictClass::Likely => with_time("failed", "after"),
            };
            let text = format!("{failed}: {sentence}");
            (Tone::Bad, text, true)
        }
        EventKind::ReleaseBlocked { by, .. } => {
            let text = format!("blocked by {}", wording::list(by));
            (Tone::Warn, text, true)
        }
        // The summary names those that had not begun.
        EventKind::ReleaseCancelled { .. } if release.started.is_some() => {
            (Tone::Warn, with_time("cancelled", "after"), true)
        }
        EventKind::ReleaseRemoved {
            kept,
            untouched: true,
            ..
        } => {
            let text = match kept.as_slice() {
                [] => "not installed: there is nothing to remove",
                _ => "not removed: another stack has it by now",
            };
            (Tone::Plain, text.to_owned(), true)
        }
        EventKind::ReleaseRemoved { kept, .. } => {
            let removed = with_time("removed", "in");
            let text = match kept.as_slice() {
                [] => removed,
                kept => format!("{removed}, keeps {}", clean(&wording::folded(kept))),
            };
            (Tone::Good, text, true)
        }
        EventKind::Warning { message, .. } => {
            (Tone::Warn, format!("warning: {}", told(message)), false)
        }
        _ => return None,
    };
    let (tone, text, repeats) = told;
    Some(Sentence {
        tone,
        text,
        repeats,
    })
}
