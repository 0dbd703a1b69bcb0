//! Releases that the profile names no more.

use std::fs;
use std::path::Path;

use stackctl::event::EventKind;

use crate::support::{Cluster, Ended, Stack, deployment, sandbox};

#[test]
fn what_the_profile_names_no_more_is_told_and_pruned_in_order() {
    let stack = Stack::new("orphans")
        .release("api", &deployment("api", ""), "")
        .release("web", &deployment("web", ""), "needs: [api]")
        .release("late", &deployment("late", ""), "needs: [web]");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    drop_release(&profile, "web");
    drop_release(&profile, "late");

    let told = Ended::up(&profile, &[]).expect_code(0);
    let warnings = told.warnings();
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

/// The profile without a release.
fn drop_release(profile: &Path, id: &str) {
    let text = fs::read_to_string(profile).expect("a profile");
    let kept = text
        .lines()
        .filter(|line| !line.starts_with(&format!("  {id}:")));
    fs::write(profile, kept.collect::<Vec<_>>().join("\n")).expect("a profile");
}

#[test]
fn what_another_stack_has_taken_over_is_left_alone() {
    let stack = Stack::new("adopted")
        .release("api", &deployment("api", ""), "")
        .release("web", &deployment("web", ""), "");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    let text = fs::read_to_string(&profile).expect("a profile");
    let other = stack.folder().join("other.yaml");
    fs::write(&other, text.replace("name: adopted\n", "name: other\n")).expect("a profile");
    drop_release(&other, "api");
    drop_release(&profile, "web");
    Ended::up(&other, &[]).expect_code(0);
    let ended = Ended::up(&profile, &["--prune"]).expect_code(0);
    assert!(
        !ended.stdout.contains("names it no more"),
        "{}",
        ended.stdout
    );
    let web = Cluster::of(sandbox()).release_status("adopted", "web");
    assert_eq!(web.as_deref(), Some("deployed"));
}

#[test]
fn a_removal_tells_what_it_leaves() {
    let stack = Stack::new("orphans-down")
        .release("api", &deployment("api", ""), "")
        .release("web", &deployment("web", ""), "");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    drop_release(&profile, "web");
    let profile = profile.to_str().expect("UTF-8");
    let down = ["down", "--yes", "--profile", profile, "--progress", "json"];
    let said = "release `web` in `orphans-down` is of this stack, and the profile names it no more: \
                it stays; `helm uninstall` removes it";
    for _ in 0..2 {
        let down = Ended::of(&down).expect_code(0);
        assert!(down.stdout.contains(said), "{}", down.stdout);
    }
    let web = Cluster::of(sandbox()).release_status("orphans-down", "web");
    assert_eq!(web.as_deref(), Some("deployed"));
}
