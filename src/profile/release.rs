use std::time::Duration;

use serde_json::{Map, Value};

use super::budgets;
use super::chart::{self, ChartSource};
use super::command::{self, Command};
use super::defaults::Defaults;
use super::duration::deadline;
use super::fields::Fields;
use super::labels::{self, Labels};
use super::needs::{self, Need, WrittenNeed};
use super::place::Place;
use super::quote::quoted;
use super::read::{boolean, name, put_right};
use super::report::Report;
use super::rollback::{self, Rollback};
use super::set;
use super::tree::{Content, Entry};
use super::values::{Values, ValuesReader};
use super::values_from::{self, ValuesFrom};
use crate::budget::Budgets;
use crate::names::{Namespace, ReleaseId, ReleaseName};

/// A release to bring up, with the profile's defaults laid under what it says itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    pub id: ReleaseId,
    /// The name helm knows it by: `release`, else the id.
    pub release: ReleaseName,
    pub namespace: Namespace,
    pub chart: ChartSource,
    /// Lowest layer first: the defaults' values, then its own.
    pub values: Vec<Values>,
    /// Above `values`, in the same order.
    pub values_from: Vec<ValuesFrom>,
    /// Above all of these; nested, not dotted.
    pub set: Map<String, Value>,
    /// On helm's record of it.
    pub labels: Labels,
    /// What runs before helm and once it is ready, in order.
    pub before: Vec<Command>,
    pub after: Vec<Command>,
    pub rollback: Rollback,
    /// Its upgrades take fields from whoever else has set them.
    pub force_conflicts: bool,
    /// In the order they were written, each once, all of them enabled releases.
    pub needs: Vec<Need>,
    /// The whole time it may take, hooks included.
    pub timeout: Duration,
    pub budgets: Budgets,
    /// Its id in the profile.
    pub place: Place,
}

/// What a release gets from the rest of the profile.
pub(super) struct Surroundings {
    /// The profile's namespace; `None` when it is missing or wrong.
    pub(super) namespace: Option<Namespace>,
    pub(super) defaults: Defaults,
}

/// A release that was read on its own, its needs not yet looked up.
pub(super) struct Draft<'a> {
    pub(super) key: &'a str,
    /// Where `enabled: false` stands.
    pub(super) disabled: Option<Place>,
    pub(super) needs: Vec<WrittenNeed<'a>>,
    /// Where its helm name comes from: `release`, else its id.
    pub(super) named_at: Place,
    /// `None` after an error.
    pub(super) release: Option<Release>,
}

/// Reads the release under one key of `releases`. Of a disabled release the chart and the
/// values files need not be there.
pub(super) fn read<'a>(
    entry: &'a Entry,
    around: &Surroundings,
    reader: &mut ValuesReader,
    report: &mut Report,
) -> Draft<'a> {
    let id = if is_key_of_a_release(entry) {
        None
    } else {
        id(entry, report)
    };
    let mut draft = Draft {
        key: &entry.key,
        disabled: None,
        needs: Vec::new(),
        named_at: entry.key_place,
        release: None,
    };
    let owner = format!("release {}", quoted(&entry.key));
    if is_key_of_a_release(entry) {
        let message = format!("{} stands where a release's id does", quoted(&entry.key));
        let diagnostic = report.error(entry.key_place, message);
        diagnostic.hint(format!(
            "an id comes first, `releases: {{ID: {{{}: ...}}}}`, also in what `<<` merges here",
            entry.key
        ));
        return draft;
    }
    let Some(mut fields) = Fields::of(&entry.value, owner, entry.key_place, report) else {
        return draft;
    };
    let defaults = &around.defaults;

    let enabled = fields.take("enabled");
    draft.disabled = enabled
        .filter(|it| boolean(it, report) == Some(false))
        .map(|it| it.value.place);
    let enabled = draft.disabled.is_none();
    let chart = fields.require("chart", "chart: ../charts/NAME");
    let version = fields.take("version");
    let chart = chart.and_then(|it| chart::read(it, version, enabled, report));

    let helm_name = fields.take("release");
    draft.named_at = helm_name.map_or(draft.named_at, |it| it.value.place);
    let release = match helm_name {
        Some(entry) => name(entry, "release name", report),
        None => id.clone().map(ReleaseName::from),
    };
    let namespace = match fields.take("namespace") {
        Some(entry) => name(entry, "namespace", report),
        None => defaults.namespace.clone().or(around.namespace.clone()),
    };

    let mut values = defaults.values.clone();
    if let Some(entry) = fields.take("values") {
        values.extend(reader.read(entry, enabled, report));
    }
    let mut values_from = defaults.values_from.clone();
    if let Some(entry) = fields.take("valuesFrom") {
        values_from.extend(values_from::read(entry, report));
    }
    let mut set = defaults.set.clone();
    if let Some(entry) = fields.take("set") {
        set::merge(&mut set, set::read(entry, report));
    }
    let mut labels = defaults.labels.clone();
    if let Some(entry) = fields.take("labels") {
        labels.extend(labels::read(entry, report));
    }
    let mut commands = |key| {
        let entry = fields.take(key);
        entry.map_or_else(Vec::new, |it| command::read(it, report))
    };
    let (before, after) = (commands("before"), commands("after"));
    let rollback = fields.take("rollback");
    let rollback = rollback.and_then(|it| rollback::read(it, report));
    let force_conflicts = fields.take("forceConflicts");
    let force_conflicts = force_conflicts.and_then(|it| boolean(it, report));
    if let Some(entry) = fields.take("needs") {
        draft.needs = needs::read(entry, report);
    }
    let timeout = fields.take("timeout").and_then(|it| deadline(it, report));
    let budgets = match fields.take("budgets") {
        Some(entry) => budgets::read(entry, &defaults.budgets, report),
        None => defaults.budgets.clone(),
    };
    fields.finish(report);

    if let (Some(id), Some(release), Some(namespace), Some(chart)) = (id, release, namespace, chart)
    {
        draft.release = Some(Release {
            id,
            release,
            namespace,
            chart,
            values,
            values_from,
            set,
            labels,
            before,
            after,
            rollback: rollback.unwrap_or_default(),
            force_conflicts: force_conflicts.unwrap_or(false),
            needs: Vec::new(),
            timeout: timeout.unwrap_or(defaults.timeout),
            budgets,
            place: entry.key_place,
        });
    }
    draft
}

/// One whose id was forgotten, or that `<<` has brought one level too high.
fn is_key_of_a_release(entry: &Entry) -> bool {
    let keys = [
        "chart",
        "version",
        "values",
        "set",
        "needs",
        "namespace",
        "timeout",
    ];
    keys.contains(&entry.key.as_str()) && !matches!(entry.value.content, Content::Map(_))
}

fn id(entry: &Entry, report: &mut Report) -> Option<ReleaseId> {
    match entry.key.parse() {
        Ok(id) => Some(id),
        Err(_) if entry.key.is_empty() && report.has_error_at(entry.key_place) => None,
        Err(reason) => {
            let message = format!("{} is not a valid release id: {reason}", quoted(&entry.key));
            let diagnostic = report.error(entry.key_place, message);
            let better = put_right::<ReleaseId>(&entry.key);
            better.map(|id| diagnostic.hint(format!("did you mean `{id}`?")));
            None
        }
    }
}
