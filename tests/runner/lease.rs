//! The Lease of a stack, between runs on a paused clock and a store that does as it is told.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{self, LocalBoxStream};
use futures::{FutureExt, StreamExt};
use stackctl::event::{CancelReason, Event, EventKind, Holder, Verb};
use stackctl::lease::Lease;
use stackctl::names::RunId;
use stackctl::runner::ports::{Leases, ObserveError};
use stackctl::runner::{Emitter, Keeper, NotHeld, Wish, acquire};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::Instant;

use super::start;

/// What an API server does with a Lease.
#[derive(Clone)]
struct Store(Rc<Inner>);

struct Inner {
    lease: RefCell<Option<Lease>>,
    version: watch::Sender<u64>,
    /// Until when nobody gets an answer.
    away: RefCell<Option<Instant>>,
}

impl Store {
    fn new() -> Store {
        Store(Rc::new(Inner {
            lease: RefCell::default(),
            version: watch::Sender::default(),
            away: RefCell::default(),
        }))
    }

    fn goes_away(&self, time: Duration) {
        *self.0.away.borrow_mut() = Some(Instant::now() + time);
    }

    fn holder(&self) -> Option<RunId> {
        let lease = self.0.lease.borrow();
        lease.as_ref()?.holder.as_ref().map(|it| it.run.clone())
    }

    fn put(&self, lease: &Lease) -> Lease {
        self.0.version.send_modify(|version| *version += 1);
        let lease = Lease {
            version: self.0.version.borrow().to_string(),
            ..lease.clone()
        };
        *self.0.lease.borrow_mut() = Some(lease.clone());
        lease
    }

    fn answers(&self) -> Result<(), ObserveError> {
        let away = self.0.away.borrow().is_some_and(|end| Instant::now() < end);
        match away {
            true => Err(ObserveError::Unreachable("it is away".into())),
            false => Ok(()),
        }
    }
}

impl Leases for Store {
    fn read(&self) -> LocalBoxFuture<'_, Result<Option<Lease>, ObserveError>> {
        async move {
            self.answers()?;
            Ok(self.0.lease.borrow().clone())
        }
        .boxed_local()
    }

    fn write<'a>(
        &'a self,
        wanted: &'a Lease,
    ) -> LocalBoxFuture<'a, Result<Option<Lease>, ObserveError>> {
        async move {
            self.answers()?;
            let version = self.0.lease.borrow().as_ref().map(|it| it.version.clone());
            if version.unwrap_or_default() != wanted.version {
                return Ok(None);
            }
            Ok(Some(self.put(wanted)))
        }
        .boxed_local()
    }

    fn changes(&self) -> LocalBoxStream<'static, ()> {
        let versions = self.0.version.subscribe();
        stream::unfold(versions, |mut versions| async {
            versions.changed().await.ok()?;
            Some(((), versions))
        })
        .chain(stream::pending())
        .boxed_local()
    }

    fn supersede<'a>(&'a self, by: &'a RunId) -> LocalBoxFuture<'a, Result<(), ObserveError>> {
        async move {
            let lease = self.0.lease.borrow().clone();
            if let Some(lease) = lease {
                self.put(&Lease {
                    superseded_by: Some(by.clone()),
                    ..lease
                });
            }
            Ok(())
        }
        .boxed_local()
    }
}

/// A run, as far as its Lease goes.
struct Run {
    holder: Holder,
    emitter: Emitter,
    events: UnboundedReceiver<Event>,
    canceller: UnboundedSender<CancelReason>,
    cancel: UnboundedReceiver<CancelReason>,
}

impl Run {
    fn new(number: u16) -> Run {
        let (events, happened) = unbounded_channel();
        let (canceller, cancel) = unbounded_channel();
        Run {
            holder: Holder::unknown(RunId::new(start(), number), start()),
            emitter: Emitter::new(events, start()),
            events: happened,
            canceller,
            cancel,
        }
    }

    async fn acquire<'a>(
        &mut self,
        store: &'a Store,
        patience: u64,
        supersede: bool,
    ) -> Result<Keeper<'a>, NotHeld> {
        let wish = Wish {
            holder: self.holder.clone(),
            patience: Duration::from_secs(patience),
            supersede,
            is_dead: &|_| false,
            is_over: &|_| false,
        };
        acquire(store, &wish, &mut self.emitter, &mut self.cancel).await
    }

    /// Who it was told to wait for, each time.
    fn waited_for(&mut self) -> Vec<Holder> {
        let mut told = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if let EventKind::LockWaiting { holder } = event.kind {
                told.push(holder);
            }
        }
        told
    }
}

fn on_paused_clock<T>(test: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test())
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn keep_for(keeper: &mut Keeper<'_>, run: &Run, time: u64) {
    let kept = keeper.keep(&run.canceller);
    let never: Result<Infallible, _> = tokio::time::timeout(Duration::from_secs(time), kept).await;
    assert!(never.is_err());
}

#[test]
fn the_second_waits_until_the_first_gives_it_back() {
    on_paused_clock(async || {
        let store = Store::new();
        let (mut first, mut second) = (Run::new(1), Run::new(2));
        let mut kept = first.acquire(&store, 0, false).await.unwrap();
        let began = Instant::now();
        let (_, taken) = tokio::join!(
            async {
                keep_for(&mut kept, &first, 32).await;
                kept.give_back().await;
            },
            second.acquire(&store, 600, false),
        );
        assert!(taken.is_ok());
        assert_eq!(began.elapsed().as_secs(), 32, "at once, by the watch");
        assert_eq!(store.holder(), Some(second.holder.run.clone()));
        let told = second.waited_for();
        assert!(told.iter().all(|it| it.is(&first.holder)));
        assert_eq!(
            told.len(),
            2,
            "once, and once more when it says how far it is"
        );
    });
}

#[test]
fn one_that_waits_no_longer_tells_who_has_it() {
    on_paused_clock(async || {
        let store = Store::new();
        let (mut first, mut second) = (Run::new(1), Run::new(2));
        let mut kept = first.acquire(&store, 0, false).await.unwrap();
        let (_, at_once) = tokio::join!(
            keep_for(&mut kept, &first, 10),
            second.acquire(&store, 0, false),
        );
        assert!(matches!(at_once, Err(NotHeld::Held(holder)) if holder.is(&first.holder)));
        let began = Instant::now();
        let (_, later) = tokio::join!(
            keep_for(&mut kept, &first, 60),
            second.acquire(&store, 20, false),
        );
        assert!(matches!(later, Err(NotHeld::Held(_))));
        assert!(began.elapsed() >= Duration::from_secs(20));
        second.canceller.send(CancelReason::Interrupt).unwrap();
        let cancelled = second.acquire(&store, 20, false).await;
        assert!(matches!(
            cancelled,
            Err(NotHeld::Cancelled(CancelReason::Interrupt))
        ));
    });
}

/// Whatever its clock wrote down, in the past or in the future.
#[test]
fn one_that_is_not_renewed_is_free_after_its_term_by_our_own_clock() {
    for (skew, patience) in [(-1_000_000, 600), (0, 0), (1_000_000, 600)] {
        on_paused_clock(async || {
            let store = Store::new();
            let (mut first, mut second) = (Run::new(1), Run::new(2));
            drop(first.acquire(&store, 0, false).await.unwrap());
            let mut lease = store.0.lease.borrow().clone().unwrap();
            lease.renewed += jiff::SignedDuration::from_secs(skew);
            store.put(&lease);
            seconds(100).await;
            let began = Instant::now();
            second.acquire(&store, patience, false).await.unwrap();
            assert_eq!(began.elapsed().as_secs(), 15, "{skew}");
        });
    }
}

#[test]
fn one_whose_process_is_no_more_is_free_at_once() {
    on_paused_clock(async || {
        let store = Store::new();
        let (mut first, mut second) = (Run::new(1), Run::new(2));
        drop(first.acquire(&store, 0, false).await.unwrap());
        let wish = Wish {
            holder: second.holder.clone(),
            patience: Duration::ZERO,
            supersede: false,
            is_dead: &|holder| holder.is(&first.holder),
            is_over: &|_| false,
        };
        let taken = acquire(&store, &wish, &mut second.emitter, &mut second.cancel).await;
        assert!(taken.is_ok());
    });
}

#[test]
fn nothing_is_started_while_it_can_not_be_renewed() {
    on_paused_clock(async || {
        let store = Store::new();
        let mut run = Run::new(1);
        let mut kept = run.acquire(&store, 0, false).await.unwrap();
        let gate = kept.gate();
        store.goes_away(Duration::from_secs(40));
        let began = Instant::now();
        let watching = async {
            let mut told = Vec::new();
            let mut was = gate.is_open();
            while began.elapsed().as_secs() < 60 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if gate.is_open() != was {
                    was = !was;
                    told.push((began.elapsed().as_secs(), was));
                }
            }
            told
        };
        let (told, ()) = tokio::join!(watching, keep_for(&mut kept, &run, 61));
        assert_eq!(told[0], (10, false));
        assert!(told[1].1 && (40..43).contains(&told[1].0), "{told:?}");
        assert!(run.cancel.try_recv().is_err(), "nobody else had it");
    });
}

#[test]
fn one_that_another_has_taken_is_lost() {
    on_paused_clock(async || {
        let store = Store::new();
        let (mut first, mut second) = (Run::new(1), Run::new(2));
        let mut kept = first.acquire(&store, 0, false).await.unwrap();
        // It sleeps, as a machine that is suspended.
        let _taken = second.acquire(&store, 600, false).await.unwrap();
        keep_for(&mut kept, &first, 10).await;
        assert_eq!(first.cancel.try_recv(), Ok(CancelReason::LockLost));
        kept.give_back().await;
        assert_eq!(
            store.holder(),
            Some(second.holder.run.clone()),
            "it is not ours to give"
        );
    });
}

#[test]
fn one_that_is_asked_to_makes_way() {
    on_paused_clock(async || {
        let store = Store::new();
        let (mut first, mut second) = (Run::new(1), Run::new(2));
        let mut kept = first.acquire(&store, 0, false).await.unwrap();
        let gate = kept.gate();
        let making_way = async {
            tokio::select! {
                never = kept.keep(&first.canceller) => match never {},
                reason = first.cancel.recv() => assert_eq!(reason, Some(CancelReason::Superseded)),
            }
            assert!(gate.is_open(), "it has it still");
            kept.give_back().await;
        };
        let ((), taken) = tokio::join!(making_way, second.acquire(&store, 600, true));
        assert!(taken.is_ok());
        let lease = store.0.lease.borrow().clone().unwrap();
        assert_eq!(lease.superseded_by, None);
        assert!(lease.is_held_by(&second.holder));
    });
}

#[test]
fn a_holder_says_who_it_is() {
    let holder = Holder {
        user: Some("ann".into()),
        host: "runner-3".into(),
        pid: 4711,
        verb: Verb::Down,
        commit: Some("0123456789abcdef".into()),
        progress: "3 of 9 removed".into(),
        ..Holder::unknown(RunId::new(start(), 1), start())
    };
    assert_eq!(
        holder.to_string(),
        "`stackctl down` of ann on runner-3 (process 4711), since 2026-01-02 03:04:05 UTC, \
         commit 0123456789ab, 3 of 9 removed"
    );
}
