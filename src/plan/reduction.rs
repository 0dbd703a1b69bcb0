/// Drops every need that another need of the same release already implies. The steps are in
/// topological order, so that a step's needs all have smaller numbers. `whole` says of a step and
/// its need whether it waits until that is ready; if it does not, the need itself is not implied by
/// it, only what that one waits for.
pub fn transitive(needs: &[Vec<usize>], whole: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let words = needs.len().div_ceil(64);
    // Per step one bit for each step that it needs, near or far.
    let mut reach: Vec<Vec<u64>> = Vec::with_capacity(needs.len());
    let mut reduced = Vec::with_capacity(needs.len());
    for (step, list) in needs.iter().enumerate() {
        let implied = |need: usize| list.iter().any(|&other| has(&reach[other], need));
        let mut all = vec![0; words];
        for &need in list {
            if whole(step, need) {
                all[need / 64] |= 1 << (need % 64);
            }
            for (word, more) in all.iter_mut().zip(&reach[need]) {
                *word |= more;
            }
        }
        reduced.push(
            list.iter()
                .copied()
                .filter(|&need| !implied(need))
                .collect(),
        );
        reach.push(all);
    }
    reduced
}

fn has(bits: &[u64], at: usize) -> bool {
    bits[at / 64] & (1 << (at % 64)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_needs_go() {
        let needs = vec![vec![], vec![0], vec![0, 1], vec![0, 1, 2]];
        assert_eq!(
            transitive(&needs, |_, _| true),
            [vec![], vec![0], vec![1], vec![2]]
        );
    }

    #[test]
    fn who_waits_for_a_part_implies_only_what_that_waits_for() {
        // 1 waits for a part of 0; 2 waits for 0 and 1; 3 waits for 1 and 2.
        let needs = vec![vec![], vec![0], vec![0, 1], vec![1, 2]];
        let whole = |step: usize, need: usize| (step, need) != (1, 0);
        assert_eq!(
            transitive(&needs, whole),
            [vec![], vec![0], vec![0, 1], vec![2]]
        );
    }
}
