//! A run is killed at any instant, and one plain run after it ends as if nothing had happened.
//!
//! `STACKCTL_KILLS` is the number of rounds of each kind (2), `STACKCTL_KILLS_SEED` makes them the
//! same again, `STACKCTL_KILLS_AT_ONCE` how many go on beside each other (3). `STACKCTL_KILLS_ONLY` names
//! the kinds, as `rollback,prune`.

mod round;
mod stack;
mod state;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use round::{Operation, Round, Victim};
use state::State;

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// One number after the other, the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: Duration) -> Duration {
        let millis = u64::try_from(limit.as_millis())
            .expect("it is short")
            .max(1);
        Duration::from_millis(self.roll() % millis)
    }
}

/// What an undisturbed run of each kind leaves, and how long it takes.
pub struct Reference {
    operation: Operation,
    state: State,
    took: Duration,
}

#[test]
fn whatever_is_killed_whenever_the_next_run_ends_well() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let seed = number("STACKCTL_KILLS_SEED", u64::from(seed.subsec_nanos()));
    let rounds = number("STACKCTL_KILLS", 2);
    let at_once = number("STACKCTL_KILLS_AT_ONCE", 3);
    eprintln!("kill matrix: seed {seed}, {rounds} rounds of each kind, {at_once} at once");
    let only = std::env::var("STACKCTL_KILLS_ONLY").unwrap_or_default();
    let mut dice = Dice(seed);
    let mut waiting = VecDeque::new();
    for operation in Operation::ALL {
        let is_wanted = only.is_empty() || only.split(',').any(|kind| kind == operation.as_str());
        if !is_wanted {
            continue;
        }
        let (state, took) = round::undisturbed(operation);
        let reference = std::sync::Arc::new(Reference {
            operation,
            state,
            took,
        });
        for at in 0..rounds {
            waiting.push_back(Round {
                name: format!("kill-{}-{at}", operation.as_str()),
                victim: Victim::ALL[usize::try_from(dice.roll() % 3).expect("small")],
                after: dice.below(reference.took),
                reference: reference.clone(),
            });
        }
    }
    let all = waiting.len();
    let waiting = Mutex::new(waiting);
    let failed: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no panic").pop_front();
                    let Some(round) = next else {
                        break;
                    };
                    let told = round.to_string();
                    match round.play() {
                        Ok(()) => eprintln!("{told}: ok"),
                        Err(why) => {
                            eprintln!("{told}: {why}");
                            failed
                                .lock()
                                .expect("no panic")
                                .push(format!("{told}: {why}"));
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    eprintln!(
        "kill matrix: {} of {all} ended as an undisturbed run",
        all - failed.len()
    );
    assert!(failed.is_empty(), "seed {seed}:\n{}", failed.join("\n"));
}
