use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::object::Object;
use crate::check::stack::{Part, Release, Stack};
use crate::wording;

pub const RULE: Rule = Rule {
    id: "need-missing",
    severity: Severity::Error,
    summary: "A release needs an object that the other one does not have",
    why: "once helm is through with the other release, the one that waits fails: no run can meet such a need",
    remedy: "name an object of the chart, or need the whole release",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for release in &stack.releases {
        for part in &release.parts {
            let of = &stack.releases[part.need];
            let called = of.objects.iter().filter(|it| part.names(it));
            let all: Vec<&Object> = called.collect();
            if all.iter().any(|it| is_left(it)) {
                continue;
            }
            let (until, need) = (&part.until, &of.id);
            let why = match all.first() {
                Some(object) if object.is_of_crds() => {
                    "; it comes of the chart's folder `crds`, and is no object of the release"
                        .to_owned()
                }
                Some(_) => "; only a hook makes it, and leaves nothing of it".to_owned(),
                None => format!(", which has no such object{}", others(of, part)),
            };
            let (but, severity) = match may_differ(of) {
                true => (
                    "; the chart may render it when it is installed",
                    Severity::Warning,
                ),
                false => ("", Severity::Error),
            };
            let message = format!(
                "`{}` needs `{until}` of release `{need}`{why}{but}",
                release.id
            );
            findings
                .in_profile(release, part.place, message)
                .severity(severity);
        }
    }
}

/// It is there once helm has made some revision, or was run for its end.
fn is_left(object: &Object) -> bool {
    match object.recorded_hook() {
        Some(hook) => hook.leaves_something(1) || hook.leaves_something(2),
        None => !object.is_of_crds(),
    }
}

/// Those of the kind that there are.
fn others(of: &Release, part: &Part) -> String {
    let same = of.objects.iter().filter(|it| part.is_of_kind(it));
    let names: Vec<String> = same.map(|it| format!("`{}`", it.short())).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("; it has {}", wording::list(names)),
    }
}

/// The cluster has a part in what it renders, and had none in this. Templates of a packaged chart are
/// not read.
fn may_differ(of: &Release) -> bool {
    const ASKS: [&str; 3] = ["Capabilities", "lookup", "Release.Is"];
    let mut templates = of.templates.iter();
    let asks = templates.any(|(_, text)| ASKS.iter().any(|ask| text.contains(ask)));
    !of.on_cluster && (asks || of.templates.is_empty())
}
