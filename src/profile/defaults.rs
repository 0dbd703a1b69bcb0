use std::time::Duration;

use serde_json::{Map, Value};

use super::budgets;
use super::duration::deadline;
use super::fields::Fields;
use super::labels::{self, Labels};
use super::read::name;
use super::report::Report;
use super::set;
use super::tree::Entry;
use super::values::{Values, ValuesReader};
use super::values_from::{self, ValuesFrom};
use crate::budget::{Budgets, DEFAULT_TIMEOUT};
use crate::names::Namespace;

/// What holds for every release that doesn't say otherwise.
#[derive(Debug)]
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) namespace: Option<Namespace>,
    pub(super) values: Vec<Values>,
    pub(super) values_from: Vec<ValuesFrom>,
    pub(super) set: Map<String, Value>,
    pub(super) labels: Labels,
    pub(super) budgets: Budgets,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            timeout: DEFAULT_TIMEOUT,
            namespace: None,
            values: Vec::new(),
            values_from: Vec::new(),
            set: Map::new(),
            labels: Labels::new(),
            budgets: Budgets::default(),
        }
    }
}

/// Reads `defaults`, which may be missing.
pub(super) fn read(
    entry: Option<&Entry>,
    values: &mut ValuesReader,
    report: &mut Report,
) -> Defaults {
    let mut defaults = Defaults::default();
    let Some(entry) = entry else { return defaults };
    let owner = "`defaults`".to_owned();
    let Some(mut fields) = Fields::of(&entry.value, owner, entry.key_place, report) else {
        return defaults;
    };
    if let Some(timeout) = fields.take("timeout").and_then(|it| deadline(it, report)) {
        defaults.timeout = timeout;
    }
    let namespace = fields.take("namespace");
    defaults.namespace = namespace.and_then(|it| name(it, "namespace", report));
    if let Some(entry) = fields.take("values") {
        defaults.values = values.read(entry, true, report);
    }
    if let Some(entry) = fields.take("valuesFrom") {
        defaults.values_from = values_from::read(entry, report);
    }
    if let Some(entry) = fields.take("set") {
        defaults.set = set::read(entry, report);
    }
    if let Some(entry) = fields.take("labels") {
        defaults.labels = labels::read(entry, report);
    }
    if let Some(entry) = fields.take("budgets") {
        defaults.budgets = budgets::read(entry, &defaults.budgets, report);
    }
    fields.finish(report);
    defaults
}
