//! One run at a time works on a stack.

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::session;
use crate::cli::Run;
use crate::cluster::{Cluster, Ensured};
use crate::error::{Failure, Kind};
use crate::event::{CancelReason, Holder, Outcome, Verb};
use crate::identity;
use crate::names::RunId;
use crate::plan::Plan;
use crate::runner::ports::ObserveError;
use crate::runner::{self, Channels, NotHeld, Wish};

/// Who wants the stack.
pub struct Who {
    pub verb: Verb,
    pub run: RunId,
    /// Somebody's word that no helm of an earlier run is at work any more: such runs are not kept in
    /// mind any longer.
    pub recover: bool,
}

/// Takes the stack, does `what`, and gives it back, however that ends.
///
/// # Errors
/// Its own, or that another run has the stack.
pub async fn hold<R>(
    cluster: &Cluster,
    plan: &Plan,
    Who { verb, run, recover }: Who,
    args: &Run,
    canceller: UnboundedSender<CancelReason>,
    mut channels: Channels,
    what: impl FnOnce(Channels) -> R,
) -> Result<Outcome, Failure>
where
    R: Future<Output = Result<Outcome, Failure>>,
{
    let lease = cluster.lease(&plan.stack, &plan.namespace);
    let wish = Wish {
        holder: identity::holder(run, verb, Timestamp::now()),
        patience: args.patience(),
        supersede: args.supersede,
        is_dead: &identity::is_dead,
        is_over: match recover {
            true => &|_: &Holder| true,
            false => &identity::is_over,
        },
    };
    let Channels {
        emitter, cancel, ..
    } = &mut channels;
    let acquired = loop {
        let acquired = runner::acquire(&lease, &wish, emitter, cancel).await;
        let may_be_gone = matches!(acquired, Ok(_) | Err(NotHeld::Observe(_)));
        if verb != Verb::Up || !may_be_gone {
            break acquired;
        }
        // The run that we have waited for may have removed the namespace, and the Lease goes with it.
        tokio::select! {
            is_new = is_made_anew(cluster, plan, &wish) => if !is_new { break acquired },
            Some(reason) = cancel.recv() => {
                if let Ok(keeper) = acquired {
                    keeper.give_back().await;
                }
                return Ok(runner::outcome_of(reason));
            }
        }
    };
    let mut keeper = match acquired {
        Ok(keeper) => keeper,
        Err(NotHeld::Cancelled(reason)) => return Ok(runner::outcome_of(reason)),
        // Without its namespace there is nothing of the stack that two could take away.
        Err(NotHeld::Observe(ObserveError::NotFound(_))) if verb != Verb::Up => {
            return what(channels).await;
        }
        Err(NotHeld::Observe(error @ ObserveError::Denied(_))) => {
            return Err(session::observe(&error).hint(
                "one run at a time works on a stack: it needs get, list, watch, create, update and \
                 patch of `leases.coordination.k8s.io`",
            ));
        }
        Err(NotHeld::Observe(error)) => return Err(session::observe(&error)),
        Err(NotHeld::Held(holder)) => return Err(held(plan, &holder)),
    };
    channels.gate = keeper.gate();
    channels.unsure = keeper.unsure();
    let ended = tokio::select! {
        ended = what(channels) => ended,
        never = keeper.keep(&canceller) => match never {},
    };
    keeper.give_back().await;
    ended
}

/// The stack's namespace was missing or on its way out, and is there again.
async fn is_made_anew(cluster: &Cluster, plan: &Plan, wish: &Wish<'_>) -> bool {
    if !plan.create_namespace {
        return false;
    }
    let ensured = session::ensured(cluster, &plan.namespace, wish.patience).await;
    ensured.is_ok_and(|ensured| ensured == Ensured::Made)
}

fn held(plan: &Plan, holder: &Holder) -> Failure {
    let title = session::title(&plan.stack, &plan.namespace);
    let failure = Failure::new(Kind::Locked, format!("{title} is taken by {holder}"));
    let failure = match &holder.link {
        Some(link) => failure.details([format!("  {link}")]),
        None => failure,
    };
    failure
        .hint("`--lock-wait TIME` waits longer for it")
        .hint("`--supersede` asks it to make way after the releases in hand")
}
