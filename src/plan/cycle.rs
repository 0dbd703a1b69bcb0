use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An order in which everything comes after what it needs; of two that are both possible the one
/// that was named first comes first.
///
/// # Errors
/// The shortest circle that starts at the first release caught in one.
pub fn topological_order(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
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
    if order.len() == needs.len() {
        return Ok(order);
    }
    let caught = (0..needs.len()).filter(|&at| open[at] > 0);
    Err(caught
        .filter_map(|at| circle_through(at, needs))
        .min_by_key(Vec::len)
        .unwrap_or_default())
}

/// The shortest circle along needs that comes back to `start`, found breadth first.
fn circle_through(start: usize, needs: &[Vec<usize>]) -> Option<Vec<usize>> {
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
    fn names_the_shortest_circle() {
        // 0 -> 1 -> 2 -> 0 and 1 -> 3 -> 1
        let needs = vec![vec![1], vec![2, 3], vec![0], vec![1]];
        assert_eq!(topological_order(&needs), Err(vec![1, 3]));
    }

    #[test]
    fn a_release_that_only_waits_for_a_circle_is_not_part_of_it() {
        let needs = vec![vec![1], vec![2], vec![1]];
        assert_eq!(topological_order(&needs), Err(vec![1, 2]));
    }

    #[test]
    fn keeps_the_order_of_the_profile_where_it_can() {
        let needs = vec![vec![2], vec![], vec![], vec![0, 1]];
        assert_eq!(topological_order(&needs), Ok(vec![1, 2, 0, 3]));
    }
}
