use super::duration::duration;
use super::fields::Fields;
use super::quote::quoted;
use super::report::Report;
use super::scalar::Typed;
use super::tree::{Content, Entry};
use crate::budget::Budgets;

/// Reads `budgets` over what holds without it.
pub(super) fn read(entry: &Entry, base: &Budgets, report: &mut Report) -> Budgets {
    let mut budgets = base.clone();
    let owner = "`budgets`".to_owned();
    let Some(mut fields) = Fields::of(&entry.value, owner, entry.key_place, report) else {
        return budgets;
    };
    if let Some(restarts) = fields.take("restarts").and_then(|it| count(it, report)) {
        budgets.restarts = restarts;
    }
    let durations = [
        ("imagePull", &mut budgets.image_pull),
        ("missingObject", &mut budgets.missing_object),
        ("unschedulable", &mut budgets.unschedulable),
        ("failedCreate", &mut budgets.failed_create),
        ("failedMount", &mut budgets.failed_mount),
        ("noActivity", &mut budgets.no_activity),
    ];
    for (key, budget) in durations {
        if let Some(given) = fields.take(key).and_then(|it| duration(it, report)) {
            *budget = given;
        }
    }
    fields.finish(report);
    budgets
}

fn count(entry: &Entry, report: &mut Report) -> Option<u32> {
    let (key, place) = (&entry.key, entry.value.place);
    let Content::Scalar(scalar) = &entry.value.content else {
        let kind = entry.value.kind();
        report.error(place, format!("`{key}` must be a number, this is {kind}"));
        return None;
    };
    let number = match scalar.typed() {
        Typed::Number(number) => number.as_u64().and_then(|it| u32::try_from(it).ok()),
        _ => None,
    };
    if number.is_none() {
        let written = quoted(&scalar.text);
        let kind = match entry.value.kind() {
            "a number" => "none",
            kind => kind,
        };
        let message = format!("`{key}` must be a whole number from 0 on, {written} is {kind}");
        let diagnostic = report.error(place, message);
        if !scalar.plain && scalar.text.parse::<u32>().is_ok() {
            diagnostic.hint("write it without quotes");
        }
    }
    number
}
