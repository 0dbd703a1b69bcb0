//! Runs a run: pumps its events to the reporters, its signals to it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::{Instant, MissedTickBehavior};

use super::signals::Signals;
use super::{Context, print};
use crate::cli::{Format, Run};
use crate::error::{Failure, Kind};
use crate::event::{CancelReason, Event, Outcome, Verdict};
use crate::output::Mode;
use crate::reporter::{self, Now, Reporter};
use crate::runner::{Channels, Emitter, Gate};
use crate::state::RunState;

/// How often a live display is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// Drives a run to its end and tells it in the way the command line asks for. `begin` is given the
/// run's ends, and where else it can be cancelled from.
///
/// # Errors
/// What makes the exit code: the run could not begin, or it did not end well.
pub async fn drive<R>(
    signals: Signals,
    mut reporter: Box<dyn Reporter>,
    output: Format,
    begin: impl FnOnce(Channels, UnboundedSender<CancelReason>) -> R,
) -> Result<(), Failure>
where
    R: Future<Output = Result<Outcome, Failure>>,
{
    let (cancel, cancelled) = mpsc::unbounded_channel();
    let (events, mut happened) = mpsc::unbounded_channel();
    let channels = Channels {
        emitter: Emitter::new(events, Timestamp::now()),
        cancel: cancelled,
        gate: Gate::open(),
        unsure: Vec::new(),
    };
    let signals = signals.forward(cancel.clone());
    let run = AssertUnwindSafe(begin(channels, cancel)).catch_unwind();
    tokio::pin!(run, signals);

    let started = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut state = RunState::default();
    let mut tell = |event: &Event, reporter: &mut dyn Reporter| {
        state.apply(event);
        reporter.handle(event);
    };
    let ended = loop {
        tokio::select! {
            biased;
            Some(event) = happened.recv() => tell(&event, reporter.as_mut()),
            ended = &mut run => break ended,
            _ = tick.tick() => {
                let elapsed = started.elapsed();
                let at = Timestamp::now();
                reporter.tick(Now { elapsed, at });
            }
            () = &mut signals => {}
        }
    };
    while let Ok(event) = happened.try_recv() {
        tell(&event, reporter.as_mut());
    }
    let written = reporter.finish();
    let outcome = match ended {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failure)) => return Err(failure),
        Err(_) => return Err(Failure::new(Kind::Unexpected, "the run broke off")),
    };
    written?;
    if output != Format::Text {
        print::data(output, &report(&state, outcome))?;
    }
    exit(outcome)
}

fn exit(outcome: Outcome) -> Result<(), Failure> {
    match outcome {
        Outcome::Ready | Outcome::Removed => Ok(()),
        Outcome::Failed => Err(Failure::told(Kind::ReleaseFailed)),
        Outcome::DeadlinePassed => Err(Failure::told(Kind::DeadlinePassed)),
        Outcome::Superseded | Outcome::LockLost => Err(Failure::told(Kind::Locked)),
        Outcome::Interrupted => Err(Failure::told(Kind::Interrupted)),
        Outcome::Terminated => Err(Failure::told(Kind::Terminated)),
    }
}

/// Who tells of a run in the way the command line asks for. Wanted first of all: what can't be told
/// is not begun.
///
/// # Errors
/// The way is not possible here.
pub fn reporter(context: &Context, args: &Run) -> Result<Box<dyn Reporter>, Failure> {
    let mode = context
        .environment
        .mode(args.progress)
        .map_err(|error| Context::usage(&error).hint("use `--progress plain`"))?;
    if mode == Mode::Json && args.output != Format::Text {
        return Err(
            Context::usage("`--progress json` and `--output` both write to stdout")
                .hint("leave one of them out"),
        );
    }
    Ok(reporter::for_mode(
        mode,
        &context.environment,
        context.common.color,
    ))
}

/// How a run ended, as data.
#[derive(Debug, Serialize)]
struct Report<'a> {
    outcome: Outcome,
    releases: Vec<ReleaseReport<'a>>,
}

#[derive(Debug, Serialize)]
struct ReleaseReport<'a> {
    id: &'a str,
    state: &'static str,
    revision: Option<u32>,
    /// It was ready before, and needed no helm.
    unchanged: bool,
    /// What its removal has left in the cluster.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    kept: &'a [String],
    /// There was nothing of it to remove.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    untouched: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a Verdict>,
}

fn report(state: &RunState, outcome: Outcome) -> Report<'_> {
    let releases = state.releases.iter().map(|release| ReleaseReport {
        id: release.id.as_str(),
        state: release.phase.as_str(),
        revision: release.revision,
        unchanged: release.unchanged,
        kept: &release.kept,
        untouched: release.untouched,
        verdict: release.failed.as_ref(),
    });
    Report {
        outcome,
        releases: releases.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;

    #[test]
    fn what_a_removal_has_left_is_in_the_result() {
        let mut state = RunState::default();
        let mut seq = 0;
        let mut tell = |release: &str, kept: &[&str]| {
            seq += 1;
            state.apply(&Event {
                kind: EventKind::ReleaseRemoved {
                    release: release.parse().unwrap(),
                    kept: kept.iter().map(|it| (*it).to_owned()).collect(),
                    untouched: false,
                },
                seq,
                at: Timestamp::UNIX_EPOCH,
                elapsed_ms: 0,
            });
        };
        tell("db", &["persistentvolumeclaim/data-db-0"]);
        tell("web", &[]);
        let told = serde_json::to_value(report(&state, Outcome::Removed)).unwrap();
        let kept = |at: usize| told["releases"][at].get("kept").cloned();
        let claims = serde_json::json!(["persistentvolumeclaim/data-db-0"]);
        assert_eq!((kept(0), kept(1)), (Some(claims), None));
    }
}
