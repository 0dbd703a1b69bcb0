use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::Object;
use crate::check::stack::{Release, Stack};
use crate::manifest::Varying;
use crate::wording;

pub const RULE: Rule = Rule {
    id: "rendered-differently",
    severity: Severity::Warning,
    summary: "A chart renders something else each time",
    why: "each upgrade brings another value: pods are restarted for it, and what was set up with the one before does not fit any more",
    remedy: "give the value in the profile (`valuesFrom` for a secret one), or have the chart keep what is there (`lookup`)",
    check,
};

/// Fields that are named.
const FIELDS: usize = 4;

fn check(stack: &Stack, findings: &mut Findings) {
    for release in &stack.releases {
        for varying in &release.varying {
            let objects = release.objects.iter();
            let mut objects = objects.filter(|object| object.short() == varying.object);
            let Some(object) = objects.next() else {
                continue;
            };
            // What an install alone makes stays as it is.
            let is_made_once = |hook: &crate::check::hook::Hook| {
                !hook.is_on(&[
                    "pre-upgrade",
                    "post-upgrade",
                    "pre-rollback",
                    "post-rollback",
                ])
            };
            if object.hook.as_ref().is_some_and(is_made_once) {
                continue;
            }
            let finding = findings.at(release, object, message(object, varying));
            // A Job with another name is one that runs with each upgrade.
            if may_keep(release, object) || object.is("Job") {
                finding.severity(Severity::Note);
            }
        }
    }
}

fn message(object: &Object, varying: &Varying) -> String {
    let title = object.title();
    let fields = &varying.fields;
    if fields.is_empty() {
        return format!("{title} is not rendered each time");
    }
    let shown = fields.iter().take(FIELDS).map(|field| format!("`{field}`"));
    let mut shown: Vec<String> = shown.collect();
    if fields.len() > FIELDS {
        shown.push(wording::count(fields.len() - FIELDS, "more field"));
    }
    let fields = wording::list(&shown);
    let pods = match varying.restarts {
        true => ", so each upgrade restarts its pods",
        false => "",
    };
    format!("{title} is rendered differently each time: {fields}{pods}")
}

/// It is rendered here as for a first install. Of what is in the cluster the chart may take over what
/// it once made up; where its templates can't be read, nobody knows.
fn may_keep(release: &Release, object: &Object) -> bool {
    let templates = &release.templates;
    !templates.iter().any(|(name, _)| *name == object.template)
        || templates.iter().any(|(_, text)| text.contains("lookup"))
}
