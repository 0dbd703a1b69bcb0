//! One run at a time works on a stack.

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::namespaces::Namespaces;
use super::session;
use crate::cli::Run;
use crate::cluster::Cluster;
use crate::error::{Failure, Kind};
use crate::event::{CancelReason, Holder, Outcome, Verb};
use crate::identity;
use crate::names::{Namespace, RunId, StackName};
use crate::plan::Plan;
use crate::recovery::Runs;
use crate::runner::ports::{Leases, ObserveError};
use crate::runner::{self, Channels, Clock, NotHeld, Wish};

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
    namespaces: &Namespaces<'_>,
    Who { verb, run, recover }: Who,
    args: &Run,
    canceller: UnboundedSender<CancelReason>,
    mut channels: Channels,
    what: impl FnOnce(Channels) -> R,
) -> Result<Outcome, Failure>
where
    R: Future<Output = Result<Outcome, Failure>>,
{
    let plan = namespaces.plan;
    let lease = namespaces.cluster.lease(&plan.stack, &plan.namespace);
    let wish = Wish {
        holder: identity::holder(run, verb, Timestamp::now()),
        patience: args.patience(),
        supersede: args.supersede,
        clock: Clock::system(),
        is_dead: &identity::is_dead,
        is_over: match recover {
            true => &|_: &Holder| true,
            false => &identity::is_over,
        },
    };
    let acquired = loop {
        if verb == Verb::Up
            && let Err(why) = namespaces.own_ready(&mut channels).await
        {
            return why.ends();
        }
        let acquired =
            runner::acquire(&lease, &wish, &mut channels.emitter, &mut channels.cancel).await;
        let changed = match (verb, &acquired) {
            // The run that we have waited for may have removed it, and the Lease goes with it.
            (Verb::Up, Ok(_) | Err(NotHeld::Observe(_))) => {
                namespaces.own_ready(&mut channels).await
            }
            // No Lease can be made in it, and without it none is needed.
            (_, Err(NotHeld::Observe(ObserveError::NamespaceGoing(_)))) => {
                namespaces.own_gone(&mut channels).await.map(|()| true)
            }
            _ => Ok(false),
        };
        match changed {
            Ok(true) => {}
            Ok(false) => break acquired,
            Err(why) => {
                if let Ok(keeper) = acquired {
                    keeper.give_back().await;
                }
                return why.ends();
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
        Err(NotHeld::Superseded(by)) => {
            let title = session::title(&plan.stack, &plan.namespace);
            let text = format!("run {by} has asked for {title} after this one");
            return Err(Failure::new(Kind::Locked, text));
        }
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

/// What the stack's Lease tells of its runs, of others than `own`.
///
/// # Errors
/// The cluster can't be asked.
pub async fn runs(cluster: &Cluster, plan: &Plan, own: &RunId) -> Result<Runs, ObserveError> {
    let lease = match cluster.lease(&plan.stack, &plan.namespace).read().await {
        Ok(Some(lease)) => lease,
        Ok(None) | Err(ObserveError::NotFound(_)) => return Ok(Runs::default()),
        Err(error) => return Err(error),
    };
    let holder = lease.holder.as_ref().filter(|it| it.run != *own);
    let holder = holder.filter(|it| !identity::is_dead(it));
    let holder = holder.map(|holder| holder.run.clone());
    let not_over = lease.not_over(&identity::is_over).into_iter();
    let not_over = not_over.map(|it| it.run);
    Ok(Runs {
        abandoned: not_over
            .filter(|run| run != own && Some(run) != holder.as_ref())
            .collect(),
        holder,
    })
}

/// No run of the stack has left a Lease there yet.
///
/// # Errors
/// The cluster can't be asked.
pub async fn is_new(cluster: &Cluster, plan: &Plan) -> Result<bool, Failure> {
    match cluster.lease(&plan.stack, &plan.namespace).read().await {
        Ok(lease) => Ok(lease.is_none()),
        Err(ObserveError::NotFound(_)) => Ok(true),
        Err(error) => Err(session::observe(&error)),
    }
}

/// Another run has taken the stack from this one.
pub fn lost(stack: &StackName, namespace: &Namespace) -> Failure {
    let title = session::title(stack, namespace);
    Failure::new(
        Kind::Locked,
        format!("another run has taken {title} meanwhile"),
    )
    .hint("this one has started nothing since; run it again once the other has ended")
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
