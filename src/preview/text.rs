//! A preview as people read it.

use std::fmt::Write;

use serde_json::Value;

use super::{Action, Change, Field, ObjectPreview, Preview, ReleasePreview};
use crate::manifest::Varying;
use crate::output::{Palette, completed};
use crate::wording;

/// Characters of a value; the rest is in the JSON.
const VALUE: usize = 60;

pub fn text(preview: &Preview, palette: Palette) -> String {
    let Preview {
        stack,
        namespace,
        context,
        ..
    } = preview;
    let mut text = format!("{stack} in namespace {namespace}, context {context}\n");
    for release in &preview.releases {
        release_text(&mut text, release, palette);
    }
    for orphan in &preview.orphans {
        let (mark, name) = (palette.warn("-"), palette.bold(orphan.release.as_str()));
        let _ = writeln!(
            text,
            "\n{mark} {name} in {}: the profile names it no more; `up --prune` removes it",
            orphan.namespace
        );
    }
    let _ = writeln!(text, "\n{}", summary(preview));
    text
}

fn release_text(text: &mut String, release: &ReleasePreview, palette: Palette) {
    let (mark, what) = match release.action {
        Action::Install => (palette.good("+"), "install".to_owned()),
        Action::Upgrade => (
            palette.warn("~"),
            format!("upgrade to revision {}", release.revision),
        ),
        Action::Unchanged => {
            let verified = release.applied.as_ref().is_none_or(|it| it.verified);
            let what = match verified {
                true => "unchanged",
                false => "unchanged, not seen ready yet",
            };
            (palette.dim("="), what.to_owned())
        }
        Action::Fail => (palette.bad("!"), "would fail".to_owned()),
    };
    let needs = match release.needs.as_slice() {
        [] => String::new(),
        needs => palette.dim(&format!(", after {}", wording::list(needs))),
    };
    let _ = writeln!(
        text,
        "\n{mark} {}: {what}{needs}",
        palette.bold(release.id.as_str())
    );
    if let Some(why) = &release.why {
        let why = why.trim_end().replace('\n', "\n    ");
        let _ = writeln!(text, "  {} {why}", palette.bad("!"));
    }
    for hint in &release.hints {
        let _ = writeln!(text, "    hint: {}", completed(hint));
    }
    if let Some(left_behind) = &release.left_behind {
        let _ = writeln!(text, "    {left_behind}");
    }
    if release.action == Action::Upgrade && release.objects.is_empty() {
        let hooks = match release.hooks.as_slice() {
            [] => "",
            _ => "; its hooks run again",
        };
        let _ = writeln!(text, "    no object changes{hooks}");
    }
    for hook in &release.hooks {
        let changed = match release.changed_hooks.contains(hook) {
            true => ", changed",
            false => "",
        };
        let _ = writeln!(text, "    hook {hook}{changed}");
    }
    for command in &release.commands {
        let _ = writeln!(text, "    {command}");
    }
    for object in &release.objects {
        object_text(text, object, palette);
    }
    for restart in &release.restarts {
        let pods = wording::count(usize::try_from(restart.pods).unwrap_or(usize::MAX), "pod");
        let _ = writeln!(text, "    {pods} of {} made anew", restart.object);
    }
    for warning in &release.warnings {
        let warning = completed(warning);
        let _ = writeln!(text, "    {} {warning}", palette.warn("warning:"));
    }
    for varying in &release.varying {
        varying_text(text, varying, palette);
    }
    if release.unchanged > 0 && release.action != Action::Unchanged {
        let same = wording::count(release.unchanged, "object");
        let _ = writeln!(text, "    {}", palette.dim(&format!("{same} unchanged")));
    }
}

fn object_text(text: &mut String, object: &ObjectPreview, palette: Palette) {
    let mark = match object.change {
        Change::Create => palette.good("+"),
        Change::Change => palette.warn("~"),
        Change::Delete => palette.bad("-"),
        Change::Keep => palette.dim("="),
        Change::Fail => palette.bad("!"),
    };
    let note = match (&object.why, object.change) {
        (Some(why), _) => format!(": {}", why.trim_end().replace('\n', "\n      ")),
        (None, Change::Keep) => " leaves the release and stays in the cluster".to_owned(),
        (None, _) => String::new(),
    };
    let more = object.note.as_ref().map(|it| format!(", {it}"));
    let more = more.unwrap_or_default();
    let _ = writeln!(text, "  {mark} {}{note}{more}", object.object);
    for field in &object.fields {
        let _ = writeln!(text, "      {}", field_text(field));
    }
}

fn varying_text(text: &mut String, varying: &Varying, palette: Palette) {
    let Varying {
        object,
        fields,
        restarts,
    } = varying;
    let told = match (fields.is_empty(), restarts) {
        (true, _) => "not rendered each time",
        (false, false) => "rendered differently each time:",
        (false, true) => "rendered differently each time, so each upgrade restarts its pods:",
    };
    let _ = writeln!(text, "  {} {object}: {told}", palette.warn("?"));
    for field in fields {
        let _ = writeln!(text, "      {field}");
    }
}

fn field_text(
    Field {
        path,
        before,
        after,
    }: &Field,
) -> String {
    match (before, after) {
        (Some(before), Some(after)) => format!("{path}: {} -> {}", shown(before), shown(after)),
        (Some(before), None) => format!("{path}: {} taken away", shown(before)),
        (None, after) => format!(
            "{path}: {} added",
            after.as_ref().map(shown).unwrap_or_default()
        ),
    }
}

fn shown(value: &Value) -> String {
    let text: String = value.to_string();
    match text.chars().nth(VALUE) {
        None => text,
        Some(_) => text.chars().take(VALUE).chain(['…']).collect(),
    }
}

fn summary(preview: &Preview) -> String {
    let count = |action: Action| {
        preview
            .releases
            .iter()
            .filter(|it| it.action == action)
            .count()
    };
    let mut parts = Vec::new();
    for (action, what) in [
        (Action::Install, "to install"),
        (Action::Upgrade, "to upgrade"),
        (Action::Fail, "that would fail"),
        (Action::Unchanged, "without a change"),
    ] {
        if count(action) > 0 {
            parts.push(format!(
                "{} {what}",
                wording::count(count(action), "release")
            ));
        }
    }
    wording::list(&parts)
}
