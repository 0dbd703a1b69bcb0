use std::collections::{BTreeSet, HashSet};

use super::Plan;

/// Says which step may start next: the moment its own needs are met, the one with the longest
/// chain of others behind it first. Forward for `up`, backward for `down`.
#[derive(Debug)]
pub struct Queue {
    /// How many needs are not met yet.
    open: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    /// The needs that are met: who needs, and whom.
    met: HashSet<(usize, usize)>,
    /// How many steps follow one after the other behind this one.
    height: Vec<usize>,
    state: Vec<State>,
    ready: BTreeSet<(std::cmp::Reverse<usize>, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Started,
    Ended,
}

impl Queue {
    /// A step starts after what it needs.
    pub fn forward(plan: &Plan) -> Queue {
        let needs = plan.steps().iter().map(|step| step.needs.len()).collect();
        Queue::new(needs, plan.dependents())
    }

    /// A step starts after what needs it.
    pub fn backward(plan: &Plan) -> Queue {
        let dependents = plan.dependents().iter().map(Vec::len).collect();
        Queue::new(
            dependents,
            plan.steps().iter().map(|step| step.needs.clone()).collect(),
        )
    }

    fn new(open: Vec<usize>, dependents: Vec<Vec<usize>>) -> Queue {
        let height = heights(&open, &dependents);
        let ready = (0..open.len())
            .filter(|&at| open[at] == 0)
            .map(|at| (std::cmp::Reverse(height[at]), at))
            .collect();
        Queue {
            state: vec![State::Waiting; open.len()],
            open,
            dependents,
            met: HashSet::new(),
            height,
            ready,
        }
    }

    /// The next step that may start; it counts as started from here on.
    pub fn start_next(&mut self) -> Option<usize> {
        self.start_first(|_| true)
    }

    /// The same of those that `may` take their turn now; the others keep theirs.
    pub fn start_first(&mut self, may: impl Fn(usize) -> bool) -> Option<usize> {
        let first = self.ready.iter().find(|(_, at)| may(*at)).copied()?;
        self.ready.remove(&first);
        let (_, at) = first;
        self.state[at] = State::Started;
        Some(at)
    }

    /// The step is done well: what waited only for it may start.
    pub fn succeed(&mut self, at: usize) {
        self.state[at] = State::Ended;
        for dependent in self.dependents[at].clone() {
            self.meet(dependent, at);
        }
    }

    /// One need of `dependent` is met, though `need` may not be done yet.
    pub fn meet(&mut self, dependent: usize, need: usize) {
        if !self.met.insert((dependent, need)) {
            return;
        }
        self.open[dependent] -= 1;
        if self.open[dependent] == 0 && self.state[dependent] == State::Waiting {
            self.ready
                .insert((std::cmp::Reverse(self.height[dependent]), dependent));
        }
    }

    /// It is not met after all: if `dependent` has not started, it waits again.
    pub fn unmeet(&mut self, dependent: usize, need: usize) {
        if self.met.remove(&(dependent, need)) {
            self.open[dependent] += 1;
            self.ready
                .remove(&(std::cmp::Reverse(self.height[dependent]), dependent));
        }
    }

    pub fn is_met(&self, dependent: usize, need: usize) -> bool {
        self.met.contains(&(dependent, need))
    }

    /// The step is not done after all: what waits for it, and has not started, waits again.
    pub fn reopen(&mut self, at: usize) {
        self.state[at] = State::Started;
        for dependent in self.dependents[at].clone() {
            self.unmeet(dependent, at);
        }
    }

    /// The step failed. Returns the steps that will never start because of it, in order: what it
    /// was needed for is met for some, and those go on.
    pub fn fail(&mut self, at: usize) -> Vec<usize> {
        self.state[at] = State::Ended;
        let mut blocked = BTreeSet::new();
        let mut next = vec![at];
        while let Some(failed) = next.pop() {
            for &dependent in &self.dependents[failed] {
                let waits = self.state[dependent] == State::Waiting;
                if waits && !self.met.contains(&(dependent, failed)) {
                    self.state[dependent] = State::Ended;
                    self.ready
                        .remove(&(std::cmp::Reverse(self.height[dependent]), dependent));
                    blocked.insert(dependent);
                    next.push(dependent);
                }
            }
        }
        blocked.into_iter().collect()
    }

    /// Starts nothing any more. Returns the steps that had not started, in order.
    pub fn cancel(&mut self) -> Vec<usize> {
        self.ready.clear();
        let waiting = (0..self.state.len()).filter(|&at| self.state[at] == State::Waiting);
        let cancelled: Vec<usize> = waiting.collect();
        for &at in &cancelled {
            self.state[at] = State::Ended;
        }
        cancelled
    }

    /// Every step has ended.
    pub fn is_done(&self) -> bool {
        self.state.iter().all(|&state| state == State::Ended)
    }
}

fn heights(open: &[usize], dependents: &[Vec<usize>]) -> Vec<usize> {
    let mut open = open.to_vec();
    let mut order: Vec<usize> = (0..open.len()).filter(|&at| open[at] == 0).collect();
    let mut read = 0;
    while let Some(&at) = order.get(read) {
        read += 1;
        for &dependent in &dependents[at] {
            open[dependent] -= 1;
            if open[dependent] == 0 {
                order.push(dependent);
            }
        }
    }
    let mut height = vec![0; open.len()];
    for &at in order.iter().rev() {
        let above = dependents[at].iter().map(|&d| height[d] + 1);
        height[at] = above.max().unwrap_or(0);
    }
    height
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph() -> impl Strategy<Value = Vec<Vec<usize>>> {
        prop::collection::vec(
            prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            1..30,
        )
        .prop_map(|lists| {
            let picks = lists.into_iter().enumerate().map(|(at, list)| {
                let picked = list
                    .iter()
                    .filter(|_| at > 0)
                    .map(|pick| pick.index(at.max(1)));
                picked.collect::<BTreeSet<_>>().into_iter().collect()
            });
            picks.collect()
        })
    }

    fn queue(needs: &[Vec<usize>]) -> Queue {
        let mut dependents = vec![Vec::new(); needs.len()];
        for (at, list) in needs.iter().enumerate() {
            for &need in list {
                dependents[need].push(at);
            }
        }
        Queue::new(needs.iter().map(Vec::len).collect(), dependents)
    }

    proptest! {
        /// Whatever fails: nothing starts before its needs, and every step ends exactly once.
        #[test]
        fn order_respects_needs_and_every_step_ends_once(
            needs in graph(),
            fails in any::<u64>(),
            flaps in any::<u64>(),
        ) {
            let mut queue = queue(&needs);
            let mut good = BTreeSet::new();
            let mut ends = vec![0; needs.len()];
            while let Some(at) = queue.start_next() {
                prop_assert!(needs[at].iter().all(|need| good.contains(need)));
                ends[at] += 1;
                if fails >> (at % 64) & 1 == 1 {
                    for blocked in queue.fail(at) {
                        ends[blocked] += 1;
                    }
                } else {
                    good.insert(at);
                    queue.succeed(at);
                    if flaps >> (at % 64) & 1 == 1 {
                        queue.reopen(at);
                        queue.succeed(at);
                    }
                }
            }
            prop_assert!(queue.is_done());
            prop_assert!(ends.iter().all(|&n| n == 1), "{:?}", ends);
        }
    }

    #[test]
    fn what_was_done_and_is_not_any_more_is_waited_for_again() {
        let mut queue = queue(&[vec![], vec![], vec![0, 1], vec![0]]);
        assert_eq!(queue.start_next(), Some(0));
        assert_eq!(queue.start_next(), Some(1));
        queue.succeed(0);
        queue.reopen(0);
        assert_eq!(queue.start_next(), None);
        queue.succeed(1);
        assert_eq!(queue.start_next(), None);
        assert_eq!(queue.fail(0), [2, 3]);
        assert_eq!(queue.start_next(), None);
        assert!(queue.is_done());
    }

    #[test]
    fn what_was_needed_of_a_step_may_be_met_before_it_ends() {
        let mut queue = queue(&[vec![], vec![0], vec![0]]);
        assert_eq!(queue.start_next(), Some(0));
        queue.meet(1, 0);
        queue.meet(2, 0);
        queue.unmeet(2, 0);
        assert_eq!(queue.start_next(), Some(1));
        assert_eq!(queue.start_next(), None);
        assert_eq!(queue.fail(0), [2]);
        queue.succeed(1);
        assert!(queue.is_done());
    }

    #[test]
    fn the_longest_chain_starts_first() {
        // 1 has two steps behind it, 0 none.
        let mut queue = queue(&[vec![], vec![], vec![1], vec![2]]);
        assert_eq!(queue.start_next(), Some(1));
        assert_eq!(queue.start_next(), Some(0));
        assert_eq!(queue.start_next(), None);
    }
}
