//! Findings as people read them.

use std::fmt::Write;

use super::finding::{Finding, Report, Severity};
use super::rules::RULES;
use crate::output::Palette;
use crate::wording;

/// One block for each finding that is not accepted, the count last.
pub fn text(report: &Report, palette: Palette) -> String {
    let mut text = String::new();
    for finding in report.findings.iter().filter(|it| it.accepted.is_none()) {
        block(&mut text, finding, palette);
    }
    text + &summary(report) + "\n"
}

/// All rules, a line each.
pub fn list() -> String {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in RULES {
        let severity = rule.severity.as_str();
        let _ = writeln!(text, "{severity:7}  {:width$}  {}", rule.id, rule.summary);
    }
    text
}

fn block(text: &mut String, finding: &Finding, palette: Palette) {
    let head = format!("{}[{}]", finding.severity.as_str(), finding.rule);
    let head = match finding.severity {
        Severity::Error => palette.bad(&head),
        Severity::Warning => palette.warn(&head),
        Severity::Note => palette.bold(&head),
    };
    let _ = writeln!(text, "{head}: {}", finding.message);
    let mut place = String::new();
    if let Some(file) = &finding.file {
        let _ = write!(place, "{}", file.display());
    }
    if let Some(line) = finding.line {
        let _ = write!(place, ":{line}");
    }
    if !place.is_empty() {
        place.push(' ');
    }
    let release = &finding.release;
    let _ = writeln!(
        text,
        "  {} {place}(release `{release}`)",
        palette.dim("-->")
    );
    let _ = writeln!(text, "  {} {}", palette.dim("why:"), finding.why);
    let _ = writeln!(text, "  {} {}\n", palette.dim("hint:"), finding.remedy);
}

fn summary(report: &Report) -> String {
    let counts = report.counts();
    let mut parts = Vec::new();
    for (number, what) in [
        (counts.errors, "error"),
        (counts.warnings, "warning"),
        (counts.notes, "note"),
    ] {
        if number > 0 {
            parts.push(wording::count(number, what));
        }
    }
    let found = match parts.as_slice() {
        [] => "nothing found".to_owned(),
        parts => wording::list(parts),
    };
    let accepted = match counts.accepted {
        0 => String::new(),
        number => format!(", {number} accepted"),
    };
    format!(
        "{}: {found}{accepted}",
        wording::count(report.releases, "release")
    )
}
