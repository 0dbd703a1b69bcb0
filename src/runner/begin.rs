//! How a run begins, whichever way it goes.

use std::time::Duration;

use futures::stream::LocalBoxStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::emitter::Emitter;
use super::ports::{ObserveError, Observer};
use super::{Channels, Gate, Settings, outcome_of, sleep_until};
use crate::event::{CancelReason, EventKind, Outcome, PlannedRelease, SCHEMA, Verb};
use crate::names::RunId;
use crate::plan::Plan;
use crate::snapshot::Observation;
use crate::wording;

/// What a run goes on with.
pub enum Begun {
    Watching(Watching),
    /// It was cancelled before it saw anything, and has said so.
    Cancelled(Outcome),
}

pub struct Watching {
    pub emitter: Emitter,
    pub observations: LocalBoxStream<'static, Observation>,
    pub cancel: UnboundedReceiver<CancelReason>,
    pub gate: Gate,
    /// The run's.
    pub deadline: Option<Instant>,
    /// Earlier runs that were gone without a word.
    pub unsure: Vec<RunId>,
}

/// Says what is planned and starts to watch.
///
/// # Errors
/// The cluster can't be watched at all, or not before the run's time is up.
pub async fn begin(
    verb: Verb,
    plan: &Plan,
    observer: &dyn Observer,
    settings: &Settings,
    channels: Channels,
) -> Result<Begun, ObserveError> {
    let Channels {
        mut emitter,
        mut cancel,
        gate,
        unsure,
    } = channels;
    emitter.emit(run_started(verb, plan, settings));
    let deadline = settings.timeout.map(|limit| Instant::now() + limit);
    let observations = observer.observations();
    let namespaces = plan.namespaces();
    tokio::select! {
        watching = observer.watch(&namespaces) => watching?,
        Some(reason) = cancel.recv() => {
            emitter.emit(EventKind::RunCancelling { reason });
            let outcome = outcome_of(reason);
            emitter.finish(outcome);
            return Ok(Begun::Cancelled(outcome));
        }
        () = sleep_until(deadline) => return Err(not_answered(settings.timeout)),
    }
    Ok(Begun::Watching(Watching {
        emitter,
        observations,
        cancel,
        gate,
        deadline,
        unsure,
    }))
}

/// The run's time was up before it had seen anything.
fn not_answered(limit: Option<Duration>) -> ObserveError {
    let limit = wording::duration(limit.unwrap_or_default());
    ObserveError::Unreachable(format!(
        "could not ask what is in the cluster: the API server has not answered within {limit}"
    ))
}

fn run_started(verb: Verb, plan: &Plan, settings: &Settings) -> EventKind {
    let release = |step: &crate::plan::Step| PlannedRelease {
        id: step.id.clone(),
        namespace: step.namespace.clone(),
        name: step.release.clone(),
        chart: settings.charts.get(&step.id).cloned().unwrap_or_default(),
        needs: step
            .needs
            .iter()
            .map(|&need| plan.steps()[need].id.clone())
            .collect(),
    };
    EventKind::RunStarted {
        schema: SCHEMA,
        run: settings.run.clone(),
        verb,
        stack: plan.stack.clone(),
        namespace: plan.namespace.clone(),
        context: settings.context.clone(),
        releases: plan.steps().iter().map(release).collect(),
    }
}
