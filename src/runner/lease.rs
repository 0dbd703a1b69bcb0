//! A run has its stack to itself: it takes the Lease, renews it as long as it lives, and gives it back.

use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::time::Instant;

use super::emitter::{Emitter, Progress};
use super::ports::{Cancel, DeployError, Leases, ObserveError};
use crate::event::{CancelReason, EventKind, Holder};
use crate::lease::{CONFIDENCE, Decision, Lease, RENEWAL, TERM, Watched, is_sure};
use crate::names::RunId;

/// Before something that did not work is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How a run wants its stack.
pub struct Wish<'a> {
    pub holder: Holder,
    /// How long it waits for another run.
    pub patience: Duration,
    /// It asks another run to make way.
    pub supersede: bool,
    /// Whether another run's process is known to be no more.
    pub is_dead: &'a dyn Fn(&Holder) -> bool,
    /// The same of that process and of all that it has started.
    pub is_over: &'a dyn Fn(&Holder) -> bool,
}

/// Why a run does not get its stack.
#[derive(Debug)]
pub enum NotHeld {
    /// Another run has it, for longer than this one waits.
    Held(Box<Holder>),
    Cancelled(CancelReason),
    Observe(ObserveError),
}

impl From<ObserveError> for NotHeld {
    fn from(error: ObserveError) -> NotHeld {
        NotHeld::Observe(error)
    }
}

/// Whether things may be started: only while nobody else can have the stack.
#[derive(Debug, Clone)]
pub struct Gate(Option<watch::Receiver<Instant>>);

impl Gate {
    /// Of a run that needs no Lease.
    pub fn open() -> Gate {
        Gate(None)
    }

    pub fn is_open(&self) -> bool {
        self.0.as_ref().is_none_or(|renewed| {
            let unrenewed = renewed.borrow().elapsed();
            is_sure(Duration::ZERO, unrenewed)
        })
    }

    /// When it shuts, if the Lease is not renewed before.
    pub fn shuts_at(&self) -> Option<Instant> {
        let renewed = *self.0.as_ref()?.borrow();
        Some(renewed + CONFIDENCE)
    }

    /// Once things may be started.
    pub async fn opened(&self) {
        let mut gate = self.clone();
        while !gate.is_open() {
            gate.renewed().await;
        }
    }

    /// The same, unless what is to be started is given up before.
    ///
    /// # Errors
    /// It was.
    pub async fn opened_unless(&self, cancel: &Cancel) -> Result<(), DeployError> {
        tokio::select! {
            biased;
            () = self.opened() => Ok(()),
            () = cancel.gently.cancelled() => Err(DeployError::Cancelled),
        }
    }

    /// When the Lease was renewed once more.
    pub async fn renewed(&mut self) {
        let Some(renewed) = &mut self.0 else {
            return std::future::pending().await;
        };
        if renewed.changed().await.is_err() {
            // Whoever renewed it is gone, and so is the run.
            std::future::pending::<()>().await;
        }
    }
}

/// A Lease that is held.
pub struct Keeper<'a> {
    leases: &'a dyn Leases,
    holder: Holder,
    lease: Lease,
    /// When it was last renewed: the moment before the request.
    renewed: watch::Sender<Instant>,
    progress: watch::Receiver<Progress>,
}

/// Waits until the stack is free, and takes it.
///
/// # Errors
/// Why it is not to be had.
pub async fn acquire<'a>(
    leases: &'a dyn Leases,
    wish: &Wish<'_>,
    emitter: &mut Emitter,
    cancel: &mut UnboundedReceiver<CancelReason>,
) -> Result<Keeper<'a>, NotHeld> {
    let began = Instant::now();
    let mut changes = leases.changes();
    let mut watched = Watched::default();
    let mut told: Option<Holder> = None;
    // Renewals of a holder are the proof that it lives.
    let mut lives = false;
    loop {
        let patience = wish.patience.saturating_sub(began.elapsed());
        let seen = match leases.read().await {
            Ok(seen) => seen,
            Err(ObserveError::Unreachable(_)) if !patience.is_zero() => {
                tokio::select! {
                    Some(reason) = cancel.recv() => return Err(NotHeld::Cancelled(reason)),
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
            Err(error) => return Err(error.into()),
        };
        let before = Instant::now();
        let holder = seen.as_ref().and_then(|lease| lease.holder.as_ref());
        let is_dead = holder.is_some_and(|holder| (wish.is_dead)(holder));
        // A helm that was told to end by its death may need a moment for it.
        let is_over = is_dead && holder.is_some_and(|holder| (wish.is_over)(holder));
        let decision = match &seen {
            Some(lease) => watched.decide(lease, began.elapsed(), is_over),
            None => Decision::Take,
        };
        let (Decision::Wait(left), Some(holder)) = (decision, holder) else {
            let now = Timestamp::now();
            let taken = Lease::taken(seen.as_ref(), &wish.holder, now, wish.is_over);
            if let Some(lease) = leases.write(&taken).await? {
                return Ok(Keeper {
                    leases,
                    holder: wish.holder.clone(),
                    lease,
                    renewed: watch::Sender::new(before),
                    progress: emitter.progress(),
                });
            }
            // Somebody was faster.
            continue;
        };
        let is_known = told.as_ref().is_some_and(|known| known.is(holder));
        lives |= is_known && left == TERM;
        if patience.is_zero() && lives {
            return Err(NotHeld::Held(Box::new(holder.clone())));
        }
        if wish.supersede && !is_known {
            leases.supersede(&wish.holder.run).await?;
        }
        if told.as_ref() != Some(holder) {
            emitter.emit(EventKind::LockWaiting {
                holder: holder.clone(),
            });
        }
        told = Some(holder.clone());
        tokio::select! {
            Some(reason) = cancel.recv() => return Err(NotHeld::Cancelled(reason)),
            Some(()) = changes.next() => {}
            () = tokio::time::sleep(match lives {
                _ if is_dead => left.min(PAUSE),
                true => left.min(patience),
                false => left,
            }) => {}
        }
    }
}

impl Keeper<'_> {
    /// Earlier runs that were gone without a word.
    pub fn unsure(&self) -> Vec<RunId> {
        let unsure = self.lease.unsure.iter();
        unsure.map(|holder| holder.run.clone()).collect()
    }

    pub fn gate(&self) -> Gate {
        Gate(Some(self.renewed.subscribe()))
    }

    /// Renews it until it is lost. Never ends by itself.
    pub async fn keep(&mut self, cancel: &UnboundedSender<CancelReason>) -> Infallible {
        let mut superseded = false;
        loop {
            let last = *self.renewed.borrow();
            tokio::time::sleep_until(last + RENEWAL).await;
            while !self.renew().await {
                tokio::time::sleep(PAUSE).await;
                match self.leases.read().await {
                    Ok(Some(lease)) if lease.is_held_by(&self.holder) => {
                        if lease.superseded_by.is_some() && !superseded {
                            superseded = true;
                            // The run has ended already.
                            let _ = cancel.send(CancelReason::Superseded);
                        }
                        self.lease = lease;
                    }
                    Ok(_) | Err(ObserveError::Denied(_)) => {
                        let _ = cancel.send(CancelReason::LockLost);
                        return std::future::pending().await;
                    }
                    // An API server that does not answer takes nothing from us.
                    Err(_) => {}
                }
            }
        }
    }

    /// Returns whether it worked.
    async fn renew(&mut self) -> bool {
        let before = Instant::now();
        self.holder.progress = self.progress.borrow().to_string();
        let renewed = self.lease.renewed(&self.holder, Timestamp::now());
        match self.leases.write(&renewed).await {
            Ok(Some(lease)) => {
                self.lease = lease;
                self.renewed.send_replace(before);
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// Lets others have it at once. Where that does not work, they get it when its term is over.
    pub async fn give_back(mut self) {
        for _ in 0..3 {
            match self
                .leases
                .write(&self.lease.given_back(Timestamp::now()))
                .await
            {
                Ok(Some(_)) => return,
                Err(_) => tokio::time::sleep(PAUSE).await,
                Ok(None) => match self.leases.read().await {
                    Ok(Some(lease)) if lease.is_held_by(&self.holder) => self.lease = lease,
                    _ => return,
                },
            }
        }
    }
}
