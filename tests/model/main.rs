//! The lock and the recovery of pending revisions, in every order in which two runs, their helms and
//! the API server can act: a run may crash, sleep or lose its connection at any moment, a write may
//! land late or never, a helm may die, or live on without its run. The rules are the program's own
//! (`stackctl::lease`); what is assumed of helm stands in docs/recovery.md.
//!
//! Time goes in steps of five seconds. Each run writes times of a clock of its own into the Lease,
//! an hour apart, and measures by steps.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod record;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stackctl::event::Holder;
use stackctl::lease::{Decision, Lease, Moment, TERM, Watched, is_sure};
use stackctl::names::RunId;

const STEP: Duration = Duration::from_secs(5);
/// Steps in all: a run is waited for, lost, taken over and waited for again.
const STEPS: u8 = 6;
/// Steps after which more of them change nothing: a Lease is free by then.
const LONG: u8 = 3;
/// Writes of the Lease in all.
const WRITES: u8 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Off,
    Waiting,
    /// Has sent its wish to take the Lease of this version.
    Taking(u8),
    Holding,
    Done,
    Crashed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Helm {
    None,
    /// It has read this revision as the last, and that it is not pending.
    Started(u8),
    /// It has made this one, which is pending.
    Working(u8),
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Status {
    Deployed,
    Pending,
    Failed,
}

/// helm's last record of the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Record {
    revision: u8,
    status: Status,
    by: Option<u8>,
}

/// The Lease as it is stored. Its version counts all writes, its beat is that of the last renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stored {
    holder: Option<u8>,
    beat: u8,
    version: u8,
    /// Runs that were gone without a word, a bit for each.
    unsure: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Run {
    phase: Phase,
    /// The holder and the beat that it watches, and for how many steps.
    seen: Option<(Option<u8>, u8)>,
    unrenewed: u8,
    /// A renewal is under way: the version it goes over, and how long ago it was sent.
    renewing: Option<(u8, u8)>,
    /// Steps since the last renewal that it knows of was sent.
    age: u8,
    /// How many of these steps its machine has slept through, or was stopped.
    slept: u8,
    /// The version that it knows to be its own.
    version: u8,
    /// Runs whose helms may be at work, as the Lease said when it was taken.
    unsure: u8,
    helm: Helm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    steps: u8,
    lease: Option<Stored>,
    runs: [Run; 2],
    record: Record,
    /// Whether one run can look at the other's processes.
    same_machine: bool,
    /// A revision was closed while the helm that had made it was at work.
    torn: bool,
    sleep: Sleep,
    rules: Rules,
}

/// What the program does, or a fault in it, to see that it would be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rules {
    Own,
    /// A holder is sure for as long as others wait.
    SureForTooLong,
    /// A pending revision is closed whoever has left it.
    Trusting,
    /// The first run counts by a clock that stands still while its machine sleeps.
    CountsAwake,
    /// The first run looks at no wall clock, though its machine may be stopped with all others.
    SeesNoDrift,
}

/// What the machine of the first run may do at any moment, and for how long it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sleep {
    Never,
    /// It is suspended: its steady clock stands still, the one since boot goes on.
    Suspended,
    /// It is a virtual one that is paused: both stand still, and its wall clock is set right.
    Paused,
}

fn holder(run: u8) -> Holder {
    let mut holder = Holder::unknown(RunId::foreign(&format!("run-{run}")), Timestamp::UNIX_EPOCH);
    holder.pid = u32::from(run);
    holder
}

/// The Lease as the program reads it. Clocks are an hour apart, and go on with each beat.
fn lease(stored: &Stored, by: Option<u8>, beat: u8) -> Lease {
    let hours = by.map_or(0, |run| i64::from(run) * 3600);
    let clock = SignedDuration::from_secs(hours + i64::from(beat));
    let at = Timestamp::UNIX_EPOCH + clock;
    let unsure = (0..2).filter(|run| stored.unsure & (1 << run) != 0);
    Lease {
        holder: by.map(holder),
        acquired: at,
        renewed: at,
        term: TERM,
        transitions: 0,
        superseded_by: None,
        unsure: unsure.map(holder).collect(),
        version: stored.version.to_string(),
    }
}

/// When it last renewed, by its clocks.
const START: Moment = Moment {
    steady: Duration::ZERO,
    since_boot: Duration::ZERO,
    wall: Timestamp::UNIX_EPOCH,
};

fn steps(number: u8) -> Duration {
    STEP * u32::from(number)
}

impl World {
    fn new(same_machine: bool, rules: Rules) -> World {
        let run = Run {
            phase: Phase::Off,
            seen: None,
            unrenewed: 0,
            renewing: None,
            age: 0,
            slept: 0,
            version: 0,
            unsure: 0,
            helm: Helm::None,
        };
        World {
            steps: 0,
            lease: None,
            runs: [run; 2],
            record: Record {
                revision: 1,
                status: Status::Deployed,
                by: None,
            },
            same_machine,
            torn: false,
            sleep: Sleep::Never,
            rules,
        }
    }

    /// The machine of the first run sleeps at any moment. Fewer steps are enough to lose the stack.
    fn sleeping(sleep: Sleep, rules: Rules) -> World {
        World {
            sleep,
            steps: 2,
            ..World::new(true, rules)
        }
    }

    fn run(&self, at: u8) -> &Run {
        &self.runs[usize::from(at)]
    }

    fn with(mut self, at: u8, change: impl FnOnce(&mut Run)) -> World {
        change(&mut self.runs[usize::from(at)]);
        self
    }

    /// The run holds the Lease as far as it knows, and may start things.
    fn is_sure(&self, at: u8) -> bool {
        let run = self.run(at);
        let is_sure = match self.rules {
            Rules::SureForTooLong => steps(run.age) <= TERM,
            _ => is_sure(&START, &self.now(at)),
        };
        run.phase == Phase::Holding && is_sure
    }

    /// What the clocks of its machine have counted since its last renewal.
    fn now(&self, at: u8) -> Moment {
        let run = self.run(at);
        let (all, awake) = (steps(run.age), steps(run.age - run.slept));
        let counts = |stands_still: bool| if stands_still { awake } else { all };
        let since_boot = counts(self.sleep == Sleep::Paused || self.rules == Rules::CountsAwake);
        let wall = counts(matches!(
            self.rules,
            Rules::CountsAwake | Rules::SeesNoDrift
        ));
        Moment {
            steady: awake,
            since_boot,
            wall: Timestamp::UNIX_EPOCH + SignedDuration::try_from(wall).unwrap(),
        }
    }

    fn is_at_work(&self, at: u8) -> bool {
        matches!(self.run(at).helm, Helm::Started(_) | Helm::Working(_))
    }

    /// What a run can know of the other: its process is gone, and all that it has started.
    fn is_over(&self, other: u8) -> bool {
        let gone = matches!(self.run(other).phase, Phase::Crashed | Phase::Done);
        self.same_machine && gone && !self.is_at_work(other)
    }

    /// What the program decides about what it reads.
    fn decides_to_take(&self, at: u8) -> bool {
        let Some(stored) = self.lease else {
            return true;
        };
        let run = self.run(at);
        let mut watched = Watched::default();
        if let Some((by, beat)) = run.seen {
            watched.decide(&lease(&stored, by, beat), Duration::ZERO, false);
        }
        let over = stored.holder.is_some_and(|it| it != at && self.is_over(it));
        let now = lease(&stored, stored.holder, stored.beat);
        watched.decide(&now, steps(run.unrenewed), over) == Decision::Take
    }

    fn next(&self) -> Vec<World> {
        let mut next = Vec::new();
        if self.steps < STEPS {
            next.push(self.step(false));
            if self.sleep != Sleep::Never && self.run(0).phase == Phase::Holding {
                next.push(self.step(true));
            }
        }
        for at in 0..2 {
            self.of_run(at, &mut next);
            self.of_helm(at, &mut next);
        }
        next.into_iter().map(World::plain).collect()
    }

    /// Without what makes no difference any more.
    fn plain(mut self) -> World {
        for run in &mut self.runs {
            if !matches!(run.phase, Phase::Waiting | Phase::Taking(_)) {
                (run.seen, run.unrenewed) = (None, 0);
            }
            if run.phase != Phase::Holding {
                (run.age, run.slept, run.version, run.unsure) = (0, 0, 0, 0);
            }
            if run.helm == Helm::Over && matches!(run.phase, Phase::Done | Phase::Crashed) {
                run.helm = Helm::None;
            }
        }
        self
    }

    /// Five seconds later; the machine of the first run may have slept so long.
    fn step(mut self, sleeps: bool) -> World {
        self.steps += 1;
        for (at, run) in self.runs.iter_mut().enumerate() {
            run.unrenewed = (run.unrenewed + 1).min(LONG);
            run.age = (run.age + 1).min(LONG);
            run.slept = (run.slept + u8::from(sleeps && at == 0)).min(run.age);
            if let Some((_, sent)) = &mut run.renewing {
                // That it was not at once is all that matters.
                *sent = 1;
            }
        }
        self
    }

    fn of_run(&self, at: u8, next: &mut Vec<World>) {
        let run = self.run(at);
        match run.phase {
            Phase::Off => next.push(self.with(at, |run| run.phase = Phase::Waiting)),
            Phase::Waiting => next.push(self.look(at)),
            Phase::Taking(version) => next.push(self.take(at, version)),
            Phase::Holding => self.hold(at, next),
            Phase::Done | Phase::Crashed => {}
        }
        if matches!(
            run.phase,
            Phase::Waiting | Phase::Taking(_) | Phase::Holding
        ) {
            next.push(self.with(at, |run| run.phase = Phase::Crashed));
        }
        // A renewal lands when it likes, with nobody to hear of it too.
        if let Some((version, sent)) = run.renewing {
            next.push(self.renewal_lands(at, version, sent));
            next.push(self.with(at, |run| run.renewing = None));
        }
    }

    fn look(&self, at: u8) -> World {
        let mut world = *self;
        let run = &mut world.runs[usize::from(at)];
        let now = self.lease.map(|it| (it.holder, it.beat));
        let takes = self.decides_to_take(at);
        if run.seen != now {
            (run.seen, run.unrenewed) = (now, 0);
        }
        if takes {
            run.phase = Phase::Taking(self.lease.map_or(0, |it| it.version));
        }
        world
    }

    fn take(&self, at: u8, version: u8) -> World {
        let there = self.lease.map_or(0, |it| it.version);
        if there != version || there >= WRITES {
            return self.with(at, |run| run.phase = Phase::Waiting);
        }
        let before = self.lease.map(|it| lease(&it, it.holder, it.beat));
        let is_over = |other: &Holder| self.is_over(u8::try_from(other.pid).unwrap());
        let clock = Timestamp::UNIX_EPOCH;
        let taken = Lease::taken(before.as_ref(), &holder(at), clock, &is_over, false);
        let unsure = taken.unsure.iter().fold(0, |bits, it| bits | (1 << it.pid));
        let mut world = self.with(at, |run| {
            run.phase = Phase::Holding;
            (run.age, run.version, run.unsure) = (0, version + 1, unsure);
        });
        world.lease = Some(Stored {
            holder: Some(at),
            beat: self.lease.map_or(0, |it| it.beat) + 1,
            version: version + 1,
            unsure,
        });
        world
    }

    fn renewal_lands(&self, at: u8, version: u8, sent: u8) -> World {
        let mut world = self.with(at, |run| run.renewing = None);
        let Some(stored) = world.lease.as_mut().filter(|it| it.version == version) else {
            return world;
        };
        if stored.version >= WRITES {
            return world;
        }
        stored.version += 1;
        stored.beat += 1;
        let run = &mut world.runs[usize::from(at)];
        // The answer to a question that has taken too long is not waited for.
        if run.phase == Phase::Holding && sent == 0 {
            (run.age, run.slept, run.version) = (sent, 0, version + 1);
        }
        world
    }

    fn hold(&self, at: u8, next: &mut Vec<World>) {
        let run = self.run(at);
        if run.renewing.is_none() {
            next.push(self.with(at, |run| run.renewing = Some((run.version, 0))));
        }
        if run.helm == Helm::None && self.is_sure(at) {
            next.push(self.begin(at));
        }
        if !self.is_at_work(at) {
            // It gives the Lease back, if it is still its own.
            let mut world = self.with(at, |run| run.phase = Phase::Done);
            if let Some(stored) = world.lease.as_mut()
                && stored.version == run.version
                && stored.version < WRITES
            {
                stored.holder = None;
                stored.version += 1;
            }
            next.push(world);
        }
    }

    /// Clears the way, or lets helm at it, or refuses.
    fn begin(&self, at: u8) -> World {
        if self.record.status != Status::Pending {
            let revision = self.record.revision;
            return self.with(at, |run| run.helm = Helm::Started(revision));
        }
        let by = self.record.by.unwrap();
        let is_doubtful = self.run(at).unsure & (1 << by) != 0;
        if is_doubtful && self.rules != Rules::Trusting {
            return self.with(at, |run| run.helm = Helm::Over);
        }
        let mut world = *self;
        world.record.status = Status::Failed;
        world.torn |= self.run(by).helm == Helm::Working(self.record.revision);
        world
    }

    fn of_helm(&self, at: u8, next: &mut Vec<World>) {
        match self.run(at).helm {
            Helm::Started(last) => {
                let is_free = self.record.revision == last && self.record.status != Status::Pending;
                let mut world = self.with(at, |run| {
                    run.helm = if is_free {
                        Helm::Working(last + 1)
                    } else {
                        Helm::Over
                    };
                });
                if is_free {
                    world.record = Record {
                        revision: last + 1,
                        status: Status::Pending,
                        by: Some(at),
                    };
                }
                next.push(world);
            }
            Helm::Working(revision) => {
                // It writes on its own record, whatever has become of that.
                let mut world = self.with(at, |run| run.helm = Helm::Over);
                if world.record.revision == revision {
                    world.record.status = Status::Deployed;
                }
                next.push(world);
            }
            Helm::None | Helm::Over => return,
        }
        next.push(self.with(at, |run| run.helm = Helm::Over));
    }

    /// What must never be.
    fn fault(&self) -> Option<&'static str> {
        let working = self
            .runs
            .iter()
            .filter(|it| matches!(it.helm, Helm::Working(_)));
        if self.is_sure(0) && self.is_sure(1) {
            Some("two runs are sure of the stack")
        } else if working.count() > 1 {
            Some("two helms are at work on the release")
        } else if self.torn {
            Some("a revision was closed under a helm that is at work")
        } else {
            None
        }
    }

    /// Both runs have ended, and nobody who lives has the stack.
    fn is_done(&self) -> bool {
        let ended = |run: &Run| matches!(run.phase, Phase::Done | Phase::Crashed);
        self.runs.iter().all(ended)
    }
}

/// Looks at every state that can be reached. Returns how many there are, and how many of them are an
/// end, or the first fault.
fn explore(first: World) -> Result<(usize, usize), &'static str> {
    let mut known = HashSet::new();
    let mut open = VecDeque::from([first]);
    let mut ends = 0;
    while let Some(world) = open.pop_front() {
        if !known.insert(world) {
            continue;
        }
        if let Some(fault) = world.fault() {
            return Err(fault);
        }
        ends += usize::from(world.is_done());
        open.extend(world.next().into_iter().filter(|it| !known.contains(it)));
    }
    Ok((known.len(), ends))
}

#[test]
fn two_runs_in_every_order_on_one_machine_and_on_two() {
    for same_machine in [true, false] {
        let (states, ends) = explore(World::new(same_machine, Rules::Own)).unwrap();
        eprintln!("on one machine: {same_machine}: {states} states, {ends} ends");
        assert!(
            states > 10_000 && ends > 100,
            "{states} states, {ends} ends"
        );
    }
}

#[test]
fn a_fault_in_the_rules_would_be_found() {
    assert_eq!(
        explore(World::new(true, Rules::SureForTooLong)),
        Err("two runs are sure of the stack")
    );
    assert_eq!(
        explore(World::new(false, Rules::Trusting)),
        Err("a revision was closed under a helm that is at work")
    );
}

#[test]
fn a_machine_that_sleeps_and_wakes_at_any_moment() {
    for (sleep, fault) in [
        (Sleep::Suspended, Rules::CountsAwake),
        (Sleep::Paused, Rules::SeesNoDrift),
    ] {
        let (states, _) = explore(World::sleeping(sleep, Rules::Own)).unwrap();
        eprintln!("{sleep:?}: {states} states");
        assert!(states > 10_000, "{states} states");
        assert_eq!(
            explore(World::sleeping(sleep, fault)),
            Err("two runs are sure of the stack"),
            "{sleep:?}"
        );
    }
}
