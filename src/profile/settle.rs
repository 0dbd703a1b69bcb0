use std::collections::HashMap;

use super::needs::{self, Known, Need};
use super::place::Place;
use super::quote::quoted;
use super::release::{Draft, Release};
use super::report::Report;
use super::tree::Node;
use crate::names::{Namespace, ReleaseId, ReleaseName};
use crate::order;

/// The releases of a profile among each other.
pub(super) struct Settled {
    pub(super) releases: Vec<Release>,
    /// Positions in `releases`, each behind those that it needs; empty after an error.
    pub(super) order: Vec<usize>,
    pub(super) disabled: Vec<ReleaseId>,
}

/// Looks up the needs and puts them in order, compares helm's names, and parts enabled from disabled.
/// `written` is what stands under `releases`.
pub(super) fn settle(drafts: Vec<Draft<'_>>, written: &Node, report: &mut Report) -> Settled {
    let known = Known {
        ids: drafts.iter().map(|it| (it.key, it.disabled)).collect(),
        all: written,
    };
    let mut graph = Vec::new();
    let mut releases = Vec::new();
    let mut disabled = Vec::new();
    let mut names = HashMap::new();
    for draft in drafts {
        let needs = needs::resolve(draft.key, draft.needs, &known, report);
        if draft.disabled.is_some() {
            disabled.extend(draft.release.map(|release| release.id));
            continue;
        }
        graph.push((draft.key, needs.clone()));
        let Some(release) = draft.release else {
            continue;
        };
        only_one_of_its_name(&release, draft.named_at, &mut names, report);
        releases.push(Release { needs, ..release });
    }
    Settled {
        releases,
        order: in_order(&graph, report),
        disabled,
    }
}

/// Of a long cycle nobody follows every need.
const SHOWN: usize = 12;

/// helm knows a release by its name and its namespace.
type Names = HashMap<(Namespace, ReleaseName), (ReleaseId, Place)>;

fn only_one_of_its_name(
    release: &Release,
    named_at: Place,
    names: &mut Names,
    report: &mut Report,
) {
    let name = (release.namespace.clone(), release.release.clone());
    let Some((id, place)) = names.get(&name) else {
        names.insert(name, (release.id.clone(), named_at));
        return;
    };
    let message = format!(
        "{} and {} are both helm release {} in namespace {}",
        quoted(id.as_str()),
        quoted(release.id.as_str()),
        quoted(release.release.as_str()),
        quoted(release.namespace.as_str())
    );
    let at = named_at.or_above(*place);
    let other = if at == named_at { *place } else { named_at };
    let other = report.sources.beside(other, at);
    let diagnostic = report.error(at, message);
    diagnostic.hint(format!(
        "see {other}; give one of them another `release` or `namespace`"
    ));
}

/// Releases in which something else is wrong are looked at too, so that all is told at once.
fn in_order(releases: &[(&str, Vec<Need>)], report: &mut Report) -> Vec<usize> {
    let ids = releases.iter().enumerate();
    let index: HashMap<&str, usize> = ids.map(|(at, (id, _))| (*id, at)).collect();
    let needs = releases.iter().map(|(_, needs)| {
        let known = needs.iter().filter_map(|need| index.get(need.id.as_str()));
        known.copied().collect()
    });
    let needs: Vec<Vec<usize>> = needs.collect();
    match order::topological(&needs) {
        Ok(order) => order,
        Err(cycles) => {
            for cycle in cycles {
                tell_cycle(&cycle, releases, report);
            }
            Vec::new()
        }
    }
}

fn tell_cycle(cycle: &[usize], releases: &[(&str, Vec<Need>)], report: &mut Report) {
    let id = |at: &usize| releases[*at].0;
    let steps = cycle.iter().zip(cycle.iter().cycle().skip(1));
    let steps: Vec<(&str, &str, Place)> = steps
        .filter_map(|(at, next)| {
            let mut needs = releases[*at].1.iter();
            let need = needs.find(|need| need.id.as_str() == id(next))?;
            Some((id(at), id(next), need.place))
        })
        .collect();
    let Some(&(first, _, place)) = steps.first() else {
        return;
    };
    let names: Vec<&str> = cycle.iter().map(id).chain([first]).collect();
    let names = names.join(" -> ");
    let others = steps.iter().skip(1).take(SHOWN).map(|(id, next, at)| {
        let at = report.sources.beside(*at, place);
        format!("{} needs {}: {at}", quoted(id), quoted(next))
    });
    let others: Vec<String> = others.collect();
    let message = format!("these releases need each other in a cycle: {names}");
    let diagnostic = report.error(place, message);
    for hint in others {
        diagnostic.hint(hint);
    }
    diagnostic.hint("take one of these needs away");
}
