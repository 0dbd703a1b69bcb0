//! A run has its stack to itself: it takes the Lease, renews it as long as it lives, and gives it back.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::clock::Clock;
use super::emitter::{Emitter, Progress};
use super::ports::{Leases, ObserveError};
use crate::event::{CancelReason, EventKind, Holder};
use crate::lease::{CONFIDENCE, Decision, Lease, Moment, RENEWAL, TERM, Watched, is_sure};
use crate::names::RunId;

/// Before something that did not work is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// So long a run that does not wait looks whether another that has the stack still lives.
const PROOF: Duration = TERM.saturating_add(PAUSE);

/// Denials in a row that are an answer: one may be a token that is being renewed, as for watches.
const DENIALS: u32 = 3;

/// How a run wants its stack.
pub struct Wish<'a> {
    pub holder: Holder,
    /// How long it waits for another run.
    pub patience: Duration,
    /// It asks another run to make way.
    pub supersede: bool,
    pub clock: Clock,
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
    /// Another has asked for it after this one.
    Superseded(RunId),
    Cancelled(CancelReason),
    Observe(ObserveError),
}

impl From<ObserveError> for NotHeld {
    fn from(error: ObserveError) -> NotHeld {
        NotHeld::Observe(error)
    }
}

/// Whether things may be started: only while nobody else can have the stack.
#[derive(Debug, Clone, Default)]
pub struct Gate(Option<Held>);

#[derive(Debug, Clone)]
struct Held {
    /// When the Lease was last renewed.
    renewed: watch::Receiver<Moment>,
    /// Somebody waits for it to be renewed.
    wanted: Rc<Notify>,
    clock: Clock,
}

impl Gate {
    /// Of a run that needs no Lease.
    pub fn open() -> Gate {
        Gate(None)
    }

    pub fn is_open(&self) -> bool {
        self.0.as_ref().is_none_or(|held| {
            let is_open = is_sure(&held.renewed.borrow(), &held.clock.now());
            if !is_open {
                held.wanted.notify_one();
            }
            is_open
        })
    }

    /// When it shuts, if the Lease is not renewed before.
    pub fn shuts_at(&self) -> Option<Instant> {
        let held = self.0.as_ref()?;
        let passed = held.renewed.borrow().passed(&held.clock.now());
        Some(Instant::now() + CONFIDENCE.saturating_sub(passed))
    }

    /// Once things may be started: the Lease was renewed after this was asked for, and not long ago.
    /// Whatever has stopped us before, no clock has to tell of it.
    pub async fn opened(&self) {
        let Some(held) = &self.0 else {
            return;
        };
        let (asked, mut gate) = (held.clock.now(), self.clone());
        loop {
            let last = *held.renewed.borrow();
            if last.steady >= asked.steady && is_sure(&last, &held.clock.now()) {
                return;
            }
            held.wanted.notify_one();
            gate.renewed().await;
        }
    }

    /// When the Lease was renewed once more.
    pub async fn renewed(&mut self) {
        let Some(held) = &mut self.0 else {
            return std::future::pending().await;
        };
        if held.renewed.changed().await.is_err() {
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
    renewed: watch::Sender<Moment>,
    wanted: Rc<Notify>,
    clock: Clock,
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
    // Its own wish to have it is on the Lease.
    let mut asked = false;
    let limit = match wish.patience {
        Duration::ZERO => PROOF,
        patience => patience,
    };
    loop {
        let patience = wish.patience.saturating_sub(began.elapsed());
        let seen = match leases.read().await {
            Ok(seen) => seen,
            Err(error) if error.passes().is_some() && !patience.is_zero() => {
                tokio::select! {
                    Some(reason) = cancel.recv() => return Err(NotHeld::Cancelled(reason)),
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
            Err(error) => return Err(error.into()),
        };
        let (before, now) = (wish.clock.now(), began.elapsed());
        let holder = seen.as_ref().and_then(|lease| lease.holder.as_ref());
        let is_dead = holder.is_some_and(|holder| (wish.is_dead)(holder));
        let next = seen.as_ref().and_then(|lease| lease.superseded_by.as_ref());
        let is_next = next == Some(&wish.holder.run);
        if let Some(next) = next.filter(|_| asked && !is_next) {
            return Err(NotHeld::Superseded(next.clone()));
        }
        let is_over = match holder {
            // A helm that was told to end by its death may need a moment for it.
            Some(holder) => is_dead && (wish.is_over)(holder),
            // It was given back to another, unless this is a later wish.
            None => is_next || wish.supersede,
        };
        let decision = match &seen {
            Some(lease) => watched.decide(lease, now, is_over),
            None => Decision::Take,
        };
        let Decision::Wait(left) = decision else {
            let (at, supersede) = (Timestamp::now(), wish.supersede);
            let taken = Lease::taken(seen.as_ref(), &wish.holder, at, wish.is_over, supersede);
            if let Some(lease) = leases.write(&taken).await? {
                return Ok(Keeper {
                    leases,
                    holder: wish.holder.clone(),
                    lease,
                    renewed: watch::Sender::new(before),
                    wanted: Rc::default(),
                    clock: wish.clock.clone(),
                    progress: emitter.progress(),
                });
            }
            // Somebody was faster.
            continue;
        };
        let rest = limit.saturating_sub(now);
        if let Some(holder) = holder {
            let is_known = told.as_ref().is_some_and(|known| known.is(holder));
            lives |= is_known && watched.has_just_renewed(now);
            if rest.is_zero() || patience.is_zero() && lives {
                return Err(NotHeld::Held(Box::new(holder.clone())));
            }
            if wish.supersede && !is_known {
                leases.supersede(&wish.holder.run).await?;
                asked = true;
            }
            if told.as_ref() != Some(holder) {
                emitter.emit(EventKind::LockWaiting {
                    holder: holder.clone(),
                });
            }
            told = Some(holder.clone());
        } else if let Some(next) = next.filter(|_| rest.is_zero()) {
            return Err(NotHeld::Superseded(next.clone()));
        }
        tokio::select! {
            Some(reason) = cancel.recv() => return Err(NotHeld::Cancelled(reason)),
            Some(()) = changes.next() => {}
            () = tokio::time::sleep(match is_dead {
                true => left.min(PAUSE),
                false => left.min(rest),
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
        Gate(Some(Held {
            renewed: self.renewed.subscribe(),
            wanted: Rc::clone(&self.wanted),
            clock: self.clock.clone(),
        }))
    }

    /// Renews it until it is lost. Never ends by itself.
    pub async fn keep(&mut self, cancel: &UnboundedSender<CancelReason>) -> Infallible {
        let mut superseded = false;
        loop {
            let passed = self.renewed.borrow().passed(&self.clock.now());
            tokio::select! {
                () = tokio::time::sleep(RENEWAL.saturating_sub(passed)) => {}
                () = self.wanted.notified() => {}
            }
            let mut denials = 0;
            while !self.renew().await {
                tokio::time::sleep(PAUSE).await;
                match self.leases.read().await {
                    Ok(Some(lease)) if lease.is_held_by(&self.holder) => {
                        let next = lease.superseded_by.as_ref();
                        if next.is_some_and(|next| *next != self.holder.run) && !superseded {
                            superseded = true;
                            // The run has ended already.
                            let _ = cancel.send(CancelReason::Superseded);
                        }
                        (self.lease, denials) = (lease, 0);
                    }
                    // Somebody has deleted it: it is nobody's, unless another was faster.
                    Ok(None) => {
                        self.lease.version = String::new();
                        if !self.has_namespace().await {
                            let _ = cancel.send(CancelReason::NamespaceGone);
                            return std::future::pending().await;
                        }
                    }
                    Err(ObserveError::Denied(_)) if denials + 1 < DENIALS && self.holds() => {
                        denials += 1;
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

    /// Nobody else can have it yet.
    fn holds(&self) -> bool {
        self.renewed.borrow().passed(&self.clock.now()) < TERM
    }

    /// Makes the Lease once more where it is gone. Returns whether there is a namespace for it.
    async fn has_namespace(&mut self) -> bool {
        let before = self.clock.now();
        let made = self.lease.renewed(&self.holder, Timestamp::now());
        match self.leases.write(&made).await {
            Ok(Some(lease)) => {
                self.lease = lease;
                self.renewed.send_replace(before);
                true
            }
            Ok(None) => true,
            Err(ObserveError::NotFound(_) | ObserveError::NamespaceGoing(_)) => false,
            Err(_) => true,
        }
    }

    /// Returns whether it worked.
    async fn renew(&mut self) -> bool {
        let before = self.clock.now();
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
