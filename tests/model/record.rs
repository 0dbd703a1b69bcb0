//! The stack record between runs that may sleep at any moment and write late: each reads it, looks
//! whether the Lease is still its own, and writes over exactly what it has read (`memory::Document`
//! and `command/stack_record.rs`; what is written in it is made by `StackRecord` itself).

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;
use stackctl::event::{Holder, Outcome};
use stackctl::memory::{RunEnd, StackRecord, StackRelease, Verified};
use stackctl::names::RunId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    Own,
    /// Whatever is stored is written over.
    WriteOver,
    /// Nobody looks at the Lease again before a write.
    LooksNever,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Off,
    /// It has taken the Lease.
    Taken,
    /// It has this record in hand, read or written in this version.
    Begins(Copy),
    /// It has looked whether the Lease is its own.
    BeginsSure(Copy),
    Works(Copy),
    Ends(Copy, bool),
    /// Somebody else had written the record: it has to be read again.
    EndsLate,
    Over,
}

type Copy = (StackRecord, u8);

#[derive(Debug, Clone)]
struct World {
    rules: Rules,
    holder: Option<usize>,
    stored: Copy,
    runs: [Phase; 2],
    /// In which order they have taken the Lease, and whose end is stored as that of a holder.
    taken: Vec<usize>,
    ended: Vec<usize>,
}

fn id(run: usize) -> RunId {
    RunId::foreign(&format!("run-{run}"))
}

/// What this run brings.
fn revision(run: usize) -> u32 {
    u32::try_from(run).unwrap() + 2
}

fn begun(record: &mut StackRecord, run: usize) {
    record.begin(Holder::unknown(id(run), Timestamp::UNIX_EPOCH));
}

fn ended(record: &mut StackRecord, run: usize, is_holder: bool) {
    let end = RunEnd {
        at: Timestamp::UNIX_EPOCH,
        outcome: Outcome::Ready,
        releases: Vec::new(),
        together: is_holder,
        back: None,
    };
    let verified = Verified {
        record: None,
        revision: revision(run),
        objects: Vec::new(),
        hooks: Vec::new(),
    };
    match is_holder {
        true => record.end(&id(run), end, vec![("web".parse().unwrap(), verified)]),
        false => record.close(&id(run), end),
    }
}

impl World {
    fn new(rules: Rules) -> World {
        let (stack, namespace) = ("shop".parse().unwrap(), "shop".parse().unwrap());
        let mut record = StackRecord::new(stack, namespace, "shop.yaml");
        record.releases.push(StackRelease {
            id: "web".parse().unwrap(),
            release: "web".parse().unwrap(),
            namespace: "shop".parse().unwrap(),
            chart: String::new(),
            needs: Vec::new(),
            forward_only: false,
            verified: None,
        });
        World {
            rules,
            holder: None,
            stored: (record, 0),
            runs: [Phase::Off, Phase::Off],
            taken: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn key(&self) -> String {
        format!(
            "{:?}",
            (
                self.holder,
                &self.stored,
                &self.runs,
                &self.taken,
                &self.ended
            )
        )
    }

    /// The next thing that this run does, whenever that is; the Lease of one that sleeps is free.
    fn next(&self, at: usize) -> Option<World> {
        let mut world = self.clone();
        let is_holder = self.holder == Some(at) || self.rules == Rules::LooksNever;
        world.runs[at] = match &self.runs[at] {
            Phase::Off => {
                world.holder = Some(at);
                world.taken.push(at);
                Phase::Taken
            }
            Phase::Taken => Phase::Begins(self.stored.clone()),
            Phase::Begins(copy) if is_holder => Phase::BeginsSure(copy.clone()),
            Phase::Begins(_) => Phase::Over,
            Phase::BeginsSure((record, version)) => {
                let mut record = record.clone();
                begun(&mut record, at);
                match world.write(record, *version) {
                    Some(copy) => Phase::Works(copy),
                    None => Phase::Taken,
                }
            }
            Phase::Works(copy) => Phase::Ends(copy.clone(), is_holder),
            Phase::Ends((record, version), is_holder) => {
                let mut record = record.clone();
                ended(&mut record, at, *is_holder);
                match world.write(record, *version) {
                    Some(_) => {
                        world.ended.extend(is_holder.then_some(at));
                        world.holder = world.holder.filter(|holder| *holder != at);
                        Phase::Over
                    }
                    None => Phase::EndsLate,
                }
            }
            Phase::EndsLate => Phase::Works(self.stored.clone()),
            Phase::Over => return None,
        };
        Some(world)
    }

    fn write(&mut self, record: StackRecord, version: u8) -> Option<Copy> {
        if version != self.stored.1 && self.rules != Rules::WriteOver {
            return None;
        }
        self.stored = (record, self.stored.1 + 1);
        Some(self.stored.clone())
    }

    /// What must never be.
    fn fault(&self) -> Option<&'static str> {
        let (record, _) = &self.stored;
        let is_told = |run: &usize| {
            let mut runs = record.runs.iter();
            runs.any(|past| past.by.run == id(*run) && past.end.is_some())
        };
        let verified = record.releases[0].verified.as_ref().map(|it| it.revision);
        let last = self.taken.iter().rev().find(|run| self.ended.contains(run));
        if verified != last.map(|run| revision(*run)) {
            Some("what a later run has verified is gone")
        } else if !self.ended.iter().all(is_told) {
            Some("the end of a run is gone")
        } else {
            None
        }
    }
}

fn explore(rules: Rules) -> Result<usize, &'static str> {
    let mut known = HashSet::new();
    let mut open = VecDeque::from([World::new(rules)]);
    while let Some(world) = open.pop_front() {
        if !known.insert(world.key()) {
            continue;
        }
        if let Some(fault) = world.fault() {
            return Err(fault);
        }
        open.extend((0..2).filter_map(|at| world.next(at)));
    }
    Ok(known.len())
}

#[test]
fn a_record_that_is_written_late_takes_nothing_back() {
    let states = explore(Rules::Own).unwrap();
    eprintln!("the record: {states} states");
    assert!(states > 100, "{states} states");
    for rules in [Rules::WriteOver, Rules::LooksNever] {
        let found = explore(rules);
        assert_eq!(
            found,
            Err("what a later run has verified is gone"),
            "{rules:?}"
        );
    }
}
