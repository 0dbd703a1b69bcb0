/// Drops every need that another need of the same release already implies. The steps are in
/// topological order, so that a step's needs all have smaller numbers.
pub fn transitive(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let words = needs.len().div_ceil(64);
    // Per step one bit for each step that it needs, near or far.
    let mut reach: Vec<Vec<u64>> = Vec::with_capacity(needs.len());
    let mut reduced = Vec::with_capacity(needs.len());
    for list in needs {
        let implied = |need: usize| list.iter().any(|&other| has(&reach[other], need));
        reduced.push(
            list.iter()
                .copied()
                .filter(|&need| !implied(need))
                .collect(),
        );
        let mut all = vec![0; words];
        for &need in list {
            all[need / 64] |= 1 << (need % 64);
            for (word, more) in all.iter_mut().zip(&reach[need]) {
                *word |= more;
            }
        }
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
        assert_eq!(transitive(&needs), [vec![], vec![0], vec![1], vec![2]]);
    }
}
