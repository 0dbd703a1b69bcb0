//! Server-side apply: fields that another manager has set.

use super::object::applied_object;
use super::parse::{Said, after};
use super::{About, Cause, Failure};
use crate::helm::args::APPLIES;
use crate::wording;

/// What makes every upgrade do that.
const FORCE: &str = "or set `forceConflicts: true` for this release in the profile: every upgrade then takes such fields over";
/// Fields that a sentence names.
const TOLD: usize = 3;

#[derive(Debug)]
struct Manager {
    name: String,
    fields: Vec<String>,
}

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let text = said.text.as_str();
    let object = applied_object(text);
    if text.contains("Operation cannot be fulfilled on ") {
        let what = after(text, "Operation cannot be fulfilled on ")?;
        let what = what.split(':').next()?.replace('"', "`");
        let sentence = format!("somebody else changed {what} at the same moment");
        return Some(Failure::new(Cause::Changed, sentence).hint("run it again"));
    }
    if !text.contains("Apply failed with ") {
        return None;
    }
    let managers = managers(text);
    let (name, first) = (object.as_ref()?.short(), managers.first()?);
    let fields: Vec<&String> = managers
        .iter()
        .flat_map(|manager| &manager.fields)
        .collect();
    let others: Vec<String> = managers.iter().map(|m| format!("`{}`", m.name)).collect();
    let more = fields.len().saturating_sub(TOLD);
    let mut told: Vec<String> = fields.iter().take(TOLD).map(|f| format!("`{f}`")).collect();
    if more > 0 {
        told.push(wording::count(more, "more field"));
    }
    let (told, others) = (wording::list(&told), wording::list(&others));
    let sentence = format!("{others} has set {told} of {name}, and the chart sets it otherwise");
    let sentence = match (managers.len(), fields.len()) {
        (1, 1) => sentence,
        (1, _) => format!("{others} has set {told} of {name}, and the chart sets them otherwise"),
        _ => format!("{others} have set {told} of {name}, and the chart sets them otherwise"),
    };
    let scaled = fields.iter().all(|field| *field == ".spec.replicas");
    let leave = if scaled && first.name != "helm" {
        "leave `replicas` out of the chart, if something else is to scale it".to_owned()
    } else if managers.len() == 1 {
        format!("leave {told} out of the chart, if {others} is to set that")
    } else {
        format!("leave {told} out of the chart, if {others} are to set that")
    };
    let take = format!(
        "{} | {}",
        about.helm(&format!("get manifest {}", about.release)),
        about.kubectl(
            Some(about.namespace.as_str()),
            "apply --server-side --force-conflicts --field-manager=helm -f -"
        )
    );
    let mut failure = Failure::new(Cause::FieldConflict, sentence)
        .through(name)
        .hint(leave)
        .hint(format!(
            "or give the fields to helm, which overwrites what is there: `{take}`, then run this again"
        ));
    if about.version >= APPLIES {
        failure = failure.hint(FORCE);
    }
    failure
        .chain
        .extend(fields.first().map(|field| format!("field {field}")));
    Some(failure)
}

/// `conflict with "kubectl" using apps/v1: .spec.replicas`, and for several
/// `conflicts with "kubectl" with subresource "scale" using apps/v1: - .a - .b`.
fn managers(text: &str) -> Vec<Manager> {
    let text = text.replace("conflicts with \"", "conflict with \"");
    // Of several objects that failed, the first is told.
    let text = text.split(" && ").next().unwrap_or_default();
    let mut managers = Vec::new();
    for part in text.split("conflict with \"").skip(1) {
        let Some((name, rest)) = part.split_once('"') else {
            continue;
        };
        let rest = after(rest, " using ").unwrap_or(rest);
        let fields = after(rest, ": ").unwrap_or_default();
        let fields = fields.split(' ').filter(|word| word.starts_with('.'));
        managers.push(Manager {
            name: name.to_owned(),
            fields: fields
                .map(|field| field.trim_end_matches(',').to_owned())
                .collect(),
        });
    }
    managers
}
