use std::fmt::Write;

use super::{Check, State};
use crate::output::{Palette, completed};
use crate::wording;

/// A line for each check, what helps below it, and a total.
pub fn text(checks: &[Check], palette: &Palette) -> String {
    let widest = checks.iter().map(|check| check.about.len()).max();
    let widest = widest.unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        let mark = match check.state {
            State::Good => palette.good(palette.symbol("✔", "+")),
            State::Warning => palette.warn("!"),
            State::Problem => palette.bad(palette.symbol("✘", "x")),
        };
        let about = palette.bold(&format!("{:<widest$}", check.about));
        let _ = writeln!(text, "{mark} {about}  {}", check.says);
        for hint in &check.hints {
            let _ = writeln!(text, "  {:widest$}  hint: {}", "", completed(hint));
        }
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let total = match (count(State::Problem), count(State::Warning)) {
        (0, 0) => "nothing stands in the way of an `up`".to_owned(),
        (0, warnings) => format!(
            "nothing stands in the way of an `up`; {} to look at",
            wording::count(warnings, "thing")
        ),
        (problems, _) => format!("{} would stop an `up`", wording::count(problems, "thing")),
    };
    let _ = writeln!(text, "\n{total}");
    text
}
