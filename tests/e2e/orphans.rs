//! Releases that the profile names no more.

use std::fs;

use stackctl::event::EventKind;

use crate::support::{Ended, Stack, deployment};

#[test]
fn what_the_profile_names_no_more_is_told_and_pruned_in_order() {
    let stack = Stack::new("orphans")
        .release("api", &deployment("api", ""), "")
        .release("web", &deployment("web", ""), "needs: [api]")
        .release("late", &deployment("late", ""), "needs: [web]");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    let text = fs::read_to_string(&profile).expect("a profile");
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("  web:") && !line.starts_with("  late:"))
        .collect();
    fs::write(&profile, kept.join("\n")).expect("a profile");

    let told = Ended::up(&profile, &[]).expect_code(0);
    let warnings: Vec<&str> = told
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Warning { message, .. } => Some(message.as_str()),
            _ => None,
        })
        .collect();
    for name in ["web", "late"] {
        let said = format!(
            "release `{name}` in `orphans` is of this stack, and the profile names it no more: `up \
             --prune` removes it"
        );
        assert!(warnings.contains(&said.as_str()), "{warnings:?}");
    }

    let plan = Ended::of(&[
        "plan",
        "--profile",
        profile.to_str().expect("UTF-8"),
        "-o",
        "json",
    ]);
    let plan: serde_json::Value = serde_json::from_str(&plan.expect_code(0).stdout).expect("JSON");
    let names: Vec<&str> = plan["orphans"]
        .as_array()
        .expect("orphans")
        .iter()
        .filter_map(|it| it["release"].as_str())
        .collect();
    assert_eq!(names, ["late", "web"]);

    let pruned = Ended::up(&profile, &["--prune"]).expect_code(0);
    let removed =
        |id: &str| pruned.when(id, |kind| matches!(kind, EventKind::ReleaseRemoved { .. }));
    let (late, web) = (removed("late"), removed("web"));
    assert!(
        late.is_some() && late <= Some(pruned.started("web")),
        "{}",
        pruned.stdout
    );
    assert!(web.is_some(), "{}", pruned.stdout);
    assert!(Some(pruned.ready("api")) <= late);
    let again = Ended::up(&profile, &["--prune"]).expect_code(0);
    assert!(
        !again.stdout.contains("names it no more"),
        "{}",
        again.stdout
    );
}
