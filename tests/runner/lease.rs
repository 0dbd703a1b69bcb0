//! The Lease of a stack, between runs on a paused clock and a store that does as it is told.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{self, LocalBoxStream};
use futures::{FutureExt, StreamExt};
use stackctl::event::{CancelReason, Event, EventKind, Holder, Verb};
use stackctl::lease::{Lease, Moment};
use stackctl::names::RunId;
use stackctl::runner::ports::{Leases, ObserveError};
use stackctl::runner::{Clock, Emitter, Keeper, NotHeld, Wish, acquire};
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
    /// Its namespace was deleted.
    gone: Cell<bool>,
    /// Questions that are answered with 401.
    denials: Cell<u32>,
}

impl Store {
    fn new() -> Store {
        Store(Rc::new(Inner {
            lease: RefCell::default(),
            version: watch::Sender::default(),
            away: RefCell::default(),
            gone: Cell::default(),
            denials: Cell::default(),
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
        if let Some(left) = self.0.denials.get().checked_sub(1) {
            self.0.denials.set(left);
            return Err(ObserveError::Denied("Unauthorized".into()));
        }
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
            if self.0.gone.get() && wanted.version.is_empty() {
                let why = "unable to create new content in namespace test because it is being \
                           terminated";
                return Err(ObserveError::NamespaceGoing(why.into()));
            }
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

/// The clocks of a machine: seconds that the steady one, the one since boot and the wall clock have not
/// counted.
#[derive(Clone, Default)]
struct Machine(Rc<Cell<[u64; 3]>>);

impl Machine {
    fn clock(&self) -> Clock {
        let (began, stood) = (Instant::now(), Rc::clone(&self.0));
        Clock::of(move || {
            let counts = |stood: u64| began.elapsed().saturating_sub(Duration::from_secs(stood));
            let [steady, since_boot, wall] = stood.get().map(counts);
            Moment {
                steady,
                since_boot,
                wall: start() + jiff::SignedDuration::try_from(wall).unwrap(),
            }
        })
    }
}

/// A run, as far as its Lease goes.
struct Run {
    machine: Machine,
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
            machine: Machine::default(),
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
            clock: self.machine.clock(),
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
            clock: second.machine.clock(),
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

/// A token that is being renewed, or an API server that has just been started.
#[test]
fn one_is_lost_by_three_denials_in_a_row_and_not_by_two() {
    // Each time it can't be renewed, it is read.
    for (denials, lost) in [(4, false), (6, true)] {
        on_paused_clock(async || {
            let store = Store::new();
            let mut run = Run::new(1);
            let mut kept = run.acquire(&store, 0, false).await.unwrap();
            store.0.denials.set(denials);
            keep_for(&mut kept, &run, 30).await;
            let said = lost.then_some(CancelReason::LockLost);
            assert_eq!(run.cancel.try_recv().ok(), said, "{denials}");
        });
    }
}

#[test]
fn one_whose_namespace_is_deleted_is_lost_to_nobody() {
    on_paused_clock(async || {
        let store = Store::new();
        let mut run = Run::new(1);
        let mut kept = run.acquire(&store, 0, false).await.unwrap();
        store.0.gone.set(true);
        *store.0.lease.borrow_mut() = None;
        keep_for(&mut kept, &run, 10).await;
        assert_eq!(run.cancel.try_recv(), Ok(CancelReason::NamespaceGone));
    });
}

#[test]
fn one_that_somebody_deletes_is_made_once_more() {
    on_paused_clock(async || {
        let store = Store::new();
        let mut run = Run::new(1);
        let mut kept = run.acquire(&store, 0, false).await.unwrap();
        *store.0.lease.borrow_mut() = None;
        keep_for(&mut kept, &run, 10).await;
        assert!(run.cancel.try_recv().is_err());
        assert_eq!(store.holder(), Some(run.holder.run.clone()));
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
        assert_eq!(lease.superseded_by, Some(second.holder.run.clone()));
        assert!(lease.is_held_by(&second.holder));
    });
}

/// Stopped, on a machine that was suspended, or on a virtual one that was paused, whose wall clock was
/// set right or was not: it starts nothing more.
#[test]
fn one_that_slept_while_another_took_it_starts_nothing() {
    for (stood, sees_it) in [
        ([0, 0, 0], true),
        ([1, 0, 0], true),
        ([1, 1, 0], true),
        ([1, 1, 1], false),
    ] {
        on_paused_clock(async || {
            let store = Store::new();
            let (mut first, mut second) = (Run::new(1), Run::new(2));
            let mut kept = first.acquire(&store, 0, false).await.unwrap();
            let gate = kept.gate();
            let began = Instant::now();
            let _taken = second.acquire(&store, 600, false).await.unwrap();
            // It has lived for a second.
            let slept = began.elapsed().as_secs() - 1;
            first.machine.0.set(stood.map(|clock| clock * slept));
            assert_eq!(gate.is_open(), !sees_it, "{stood:?}");
            let starts = tokio::select! {
                () = gate.opened() => true,
                () = keep_for(&mut kept, &first, 20) => false,
            };
            assert!(!starts, "{stood:?}");
            assert_eq!(first.cancel.try_recv(), Ok(CancelReason::LockLost));
        });
    }
}

#[test]
fn one_that_slept_and_has_it_still_looks_first() {
    on_paused_clock(async || {
        let store = Store::new();
        let mut run = Run::new(1);
        let mut kept = run.acquire(&store, 0, false).await.unwrap();
        let gate = kept.gate();
        seconds(3).await;
        run.machine.0.set([3, 3, 0]);
        assert!(!gate.is_open());
        let before = *store.0.version.borrow();
        let began = Instant::now();
        tokio::select! {
            () = gate.opened() => {}
            never = kept.keep(&run.canceller) => match never {},
        }
        assert_eq!(
            began.elapsed(),
            Duration::ZERO,
            "it does not wait for its turn"
        );
        assert!(*store.0.version.borrow() > before);
        assert!(gate.is_open());
    });
}

#[test]
fn patience_ends_whatever_a_lease_says() {
    // What it waits, what the dead holder has written, when it ends, and whether it has it then.
    for (patience, term, ends, has_it) in [
        (0, 3600, 16, false),
        (5, 3600, 5, false),
        (5, 1 << 31, 5, false),
        (5, 15, 5, false),
        (600, 1 << 31, 60, true),
        (600, 5, 5, true),
    ] {
        on_paused_clock(async || {
            let store = Store::new();
            let (mut first, mut second) = (Run::new(1), Run::new(2));
            drop(first.acquire(&store, 0, false).await.unwrap());
            let lease = store.0.lease.borrow().clone().unwrap();
            store.put(&Lease {
                term: Duration::from_secs(term),
                ..lease
            });
            let began = Instant::now();
            let taken = second.acquire(&store, patience, false).await;
            assert_eq!(began.elapsed().as_secs(), ends, "{patience} {term}");
            match taken {
                Ok(_) => assert!(has_it, "{patience} {term}"),
                Err(NotHeld::Held(_)) => assert!(!has_it, "{patience} {term}"),
                Err(other) => panic!("{other:?}"),
            }
        });
    }
}

/// What becomes of a run that asks another to make way, and works for a minute when it has the stack.
async fn superseding(store: &Store, number: u16, pause: u64) -> &'static str {
    let mut run = Run::new(number);
    tokio::time::sleep(Duration::from_millis(pause)).await;
    let mut kept = match run.acquire(store, 600, true).await {
        Ok(kept) => kept,
        Err(NotHeld::Superseded(_)) => return "asked before another",
        Err(other) => panic!("{other:?}"),
    };
    let ended = tokio::select! {
        never = kept.keep(&run.canceller) => match never {},
        reason = run.cancel.recv() => {
            assert_eq!(reason, Some(CancelReason::Superseded));
            seconds(1).await;
            "made way"
        }
        () = seconds(60) => "done",
    };
    kept.give_back().await;
    ended
}

#[test]
fn of_eight_that_ask_for_it_the_last_has_it() {
    for pause in [0, 1, 700, 4_000, 20_000] {
        on_paused_clock(async || {
            let store = Store::new();
            let mut all: Vec<_> = (1..=8)
                .map(|number| superseding(&store, number, u64::from(number) * pause).boxed_local())
                .collect();
            // And one that only waits.
            let waits = async {
                let mut run = Run::new(9);
                seconds(1).await;
                let kept = run.acquire(&store, 600, false).await.unwrap();
                kept.give_back().await;
                "had it after them"
            };
            all.push(waits.boxed_local());
            let began = Instant::now();
            let ended = futures::future::join_all(all).await;
            let done: Vec<usize> = (0..8).filter(|at| ended[*at] == "done").collect();
            assert_eq!(done.len(), 1, "{pause}: {ended:?}");
            if pause > 0 {
                assert_eq!(done, [7], "{pause}: {ended:?}");
            }
            assert!(began.elapsed().as_secs() < 300, "{pause}: {ended:?}");
        });
    }
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
