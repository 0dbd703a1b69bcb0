//! In which order things come that need each other, and what stands in the way of one: plain graphs, of
//! each thing the numbers of those that it needs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Nobody mends more of them at once.
const MOST: usize = 20;

/// An order in which everything comes after what it needs; of two that are both possible the one
/// that was named first comes first.
///
/// # Errors
/// The cycles that have no need in common, the shortest first and of each the one that was named first at
/// its beginning. Once each of them is broken, further ones may show that had a need in common with one.
pub fn topological(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let mut needs = needs.to_vec();
    let mut cycles: Vec<Vec<usize>> = Vec::new();
    loop {
        let (order, caught) = sorted(&needs);
        if caught.is_empty() {
            return match cycles.is_empty() {
                true => Ok(order),
                false => Err(cycles),
            };
        }
        let found = caught
            .into_iter()
            .filter_map(|at| cycle_through(at, &needs))
            .min_by_key(Vec::len);
        let Some(cycle) = found.filter(|_| cycles.len() < MOST) else {
            return Err(cycles);
        };
        for (at, next) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            needs[*at].retain(|need| need != next);
        }
        cycles.push(cycle);
    }
}

/// The order of all that can come, and what is left over.
fn sorted(needs: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..needs.len())
        .filter(|&at| open[at] == 0)
        .map(Reverse)
        .collect();
    let mut dependents = vec![Vec::new(); needs.len()];
    for (at, list) in needs.iter().enumerate() {
        for &need in list {
            dependents[need].push(at);
        }
    }
    let mut order = Vec::with_capacity(needs.len());
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for &dependent in &dependents[at] {
            open[dependent] -= 1;
            if open[dependent] == 0 {
                ready.push(Reverse(dependent));
            }
        }
    }
    let left = (0..needs.len()).filter(|&at| open[at] > 0).collect();
    (order, left)
}

/// The shortest cycle along needs that comes back to `start`, found breadth first.
fn cycle_through(start: usize, needs: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut came_from = vec![None; needs.len()];
    let mut level = vec![start];
    while !level.is_empty() {
        let mut next = Vec::new();
        for &at in &level {
            for &need in &needs[at] {
                if need == start {
                    let back = std::iter::successors(Some(at), |&at| came_from[at]);
                    let mut path: Vec<usize> = back.collect();
                    path.reverse();
                    return Some(path);
                }
                if came_from[need].is_none() {
                    came_from[need] = Some(at);
                    next.push(need);
                }
            }
        }
        level = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_shortest_cycle_first() {
        // 0 -> 1 -> 2 -> 0 and 1 -> 3 -> 1
        let needs = vec![vec![1], vec![2, 3], vec![0], vec![1]];
        assert_eq!(topological(&needs), Err(vec![vec![1, 3], vec![0, 1, 2]]));
    }

    #[test]
    fn names_every_cycle_that_stands_for_itself() {
        let needs = vec![vec![1], vec![0], vec![3], vec![2], vec![2]];
        assert_eq!(topological(&needs), Err(vec![vec![0, 1], vec![2, 3]]));
    }

    #[test]
    fn what_only_waits_for_a_cycle_is_not_part_of_it() {
        let needs = vec![vec![1], vec![2], vec![1]];
        assert_eq!(topological(&needs), Err(vec![vec![1, 2]]));
    }

    #[test]
    fn keeps_the_order_of_the_names_where_it_can() {
        let needs = vec![vec![2], vec![], vec![], vec![0, 1]];
        assert_eq!(topological(&needs), Ok(vec![1, 2, 0, 3]));
    }
}
