//! What many runs say together.

/// Returns the value in the middle, of an even number the mean of the two there; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Returns the smallest value that at least 95 of 100 don't exceed (nearest rank); NaN of nothing.
pub fn p95(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let rank = (sorted.len() * 95).div_ceil(100);
    match rank {
        0 => f64::NAN,
        _ => sorted[rank - 1],
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns what each further release costs and what a run costs without any, from the cost at two
/// sizes.
pub fn line(small: (usize, f64), large: (usize, f64)) -> (f64, f64) {
    let each = (large.1 - small.1) / (large.0 as f64 - small.0 as f64);
    (each, small.1 - each * small.0 as f64)
}

/// Returns seconds as they are told, `8.3 s`.
pub fn seconds(value: f64) -> String {
    format!("{value:.1} s")
}

/// Returns whether a goal was met, in a word.
pub fn met(goal: bool) -> String {
    if goal { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn nineteen_of_twenty() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!(p95(&values), 19.0);
        assert_eq!(p95(&[7.0]), 7.0);
        assert!(p95(&[]).is_nan());
    }

    #[test]
    fn two_sizes_give_a_line() {
        assert_eq!(line((5, 40.0), (10, 60.0)), (4.0, 20.0));
    }
}
