//! Stacks whose names are the same, and releases in other namespaces than their stack's own.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Cluster, Ended, Stack, helm, sandbox};

const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{.Release.Name}}-settings}\n";

fn told(verb: &str, profile: &Path, more: &[&str]) -> Ended {
    let profile = profile.to_str().expect("UTF-8");
    Ended::of(&[&[verb, "--profile", profile], more].concat())
}

/// The profile with another text in the place of one.
fn rewrite(profile: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(profile).expect("a profile");
    assert!(text.contains(from), "{text}");
    fs::write(profile, text.replace(from, to)).expect("a profile");
}

#[test]
fn a_stack_leaves_what_another_of_its_name_has_in_its_namespace() {
    let cluster = Cluster::of(sandbox());
    let two = Stack::new("namesake-two").release("y", CONFIG, "");
    let one = Stack::new("namesake-one").release("x", CONFIG, "namespace: namesake-two");
    let (first, second) = (one.profile(), two.profile());
    rewrite(&first, "name: namesake-one\nn", "name: namesake\nn");
    rewrite(&second, "name: namesake-two\nn", "name: namesake\nn");
    Ended::up(&first, &[]).expect_code(0);
    let brought = Ended::up(&second, &["--prune"]).expect_code(0);
    assert!(
        !brought.stdout.contains("names it no more"),
        "{}",
        brought.stdout
    );
    let x = cluster.release_status("namesake-two", "x");
    assert_eq!(x.as_deref(), Some("deployed"));
    for verb in ["plan", "doctor"] {
        let told = told(verb, &second, &[]);
        assert!(!told.stdout.contains("names it no more"), "{}", told.stdout);
    }
    for (profile, own) in [(&first, "x"), (&second, "y")] {
        let shown = told("status", profile, &["-o", "json"]).expect_code(0);
        let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
        let releases = shown["stacks"][0]["releases"].as_array().expect("releases");
        let ids: Vec<&Value> = releases.iter().map(|it| &it["release"]).collect();
        assert_eq!(ids, [own]);
    }
    let again = Ended::up(&first, &[]).expect_code(0);
    assert!(
        again.stdout.contains("release-unchanged"),
        "{}",
        again.stdout
    );
}

#[test]
fn what_is_elsewhere_and_not_named_any_more_is_told_by_all_and_goes_with_its_namespace() {
    let cluster = Cluster::of(sandbox());
    cluster.remove_namespace("far-away");
    let stack =
        Stack::new("far")
            .release("api", CONFIG, "")
            .release("web", CONFIG, "namespace: far-away");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    rewrite(&profile, "  web: {chart: ./web, namespace: far-away}\n", "");
    let planned = told("plan", &profile, &["-o", "json"]).expect_code(0);
    let planned: Value = serde_json::from_str(&planned.stdout).expect("JSON");
    assert_eq!(planned["orphans"][0]["release"], "web");
    assert_eq!(planned["orphans"][0]["namespace"], "far-away");
    let shown = told("status", &profile, &["-o", "json"]).expect_code(0);
    let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let last = &shown["stacks"][0]["releases"][1];
    assert_eq!(last["release"], "web");
    assert_eq!(last["state"], "orphaned");
    let looked = told("doctor", &profile, &[]);
    let says = "release `web` in `far-away` is of this stack, and the profile names it no more";
    assert!(looked.stdout.contains(says), "{}", looked.stdout);
    Ended::up(&profile, &["--prune"]).expect_code(0);
    assert!(!is_active(&cluster, "far-away"));
}

#[test]
fn a_namespace_goes_with_the_last_release_in_it_or_is_told_to_stay() {
    let cluster = Cluster::of(sandbox());
    cluster.remove_namespace("last-away");
    let stack = Stack::new("last")
        .release("api", CONFIG, "")
        .release("web", CONFIG, "namespace: last-away")
        .release("mail", CONFIG, "namespace: last-away");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    let down = |id: &str| told("down", &profile, &[id, "--yes"]).expect_code(0);
    let first = down("web");
    assert!(!first.stderr.contains("last-away"), "{}", first.stderr);
    assert!(is_active(&cluster, "last-away"));
    down("mail");
    assert!(!is_active(&cluster, "last-away"));

    cluster.remove_namespace("last-away");
    Ended::up(&profile, &[]).expect_code(0);
    helm(&[
        "install",
        "other",
        stack.folder().join("api").to_str().expect("UTF-8"),
        "-n",
        "last-away",
    ]);
    down("web");
    let held = down("mail");
    let says = "namespace `last-away` stays: it holds configmap/other-settings";
    assert!(held.stderr.contains(says), "{}", held.stderr);
    cluster.remove_namespace("last-away");
}

fn is_active(cluster: &Cluster, namespace: &str) -> bool {
    let phase = cluster.block_on(async |client| {
        let api: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(client);
        let found = api.get_opt(namespace).await.expect("an answer");
        found.and_then(|it| it.status).and_then(|it| it.phase)
    });
    phase.as_deref() == Some("Active")
}

/// What it was read for is done, or nothing: no release that it does not tell of goes, and nothing is
/// made before it is refused.
#[test]
fn a_plan_that_is_kept_covers_what_would_be_pruned_and_all_that_goes_in() {
    let cluster = Cluster::of(sandbox());
    let stack = Stack::new("kept-whole").release("a", CONFIG, "");
    let profile = stack.profile();
    let file = stack.folder().join("a.plan");
    let file = file.to_str().expect("UTF-8");
    let save = || told("plan", &profile, &["--save", file]).expect_code(0);
    let refused = |more: &[&str], says: &str| {
        let ended = told("up", &profile, &[&["--plan", file], more].concat()).expect_code(3);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    };
    let chart = stack.folder().join("a/Chart.yaml");
    let version = |version: &str| {
        let text = format!("apiVersion: v2\nname: a\nversion: {version}\n");
        fs::write(&chart, text).expect("a chart");
    };

    save();
    version("1.0.1");
    refused(&[], "`a`: its chart or its values have changed");
    let namespace = cluster.block_on(async |client| {
        let api: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(client);
        api.get_opt("kept-whole").await.expect("an answer")
    });
    assert!(namespace.is_none());

    Ended::up(&profile, &[]).expect_code(0);
    save();
    version("1.0.2");
    refused(&[], "`a`: its chart or its values have changed");
    version("1.0.1");

    let more = stack.folder().join("more.yaml");
    let text = fs::read_to_string(&profile).expect("a profile");
    fs::write(&more, format!("{text}  z: {{chart: ./a}}\n")).expect("a profile");
    Ended::up(&more, &[]).expect_code(0);
    let says = "release `z` in `kept-whole` would be pruned";
    refused(&["--prune"], says);
    let z = cluster.release_status("kept-whole", "z");
    assert_eq!(z.as_deref(), Some("deployed"));
    let carried_out = told("up", &profile, &["--plan", file]);
    carried_out.expect_code(0);
    save();
    told("up", &profile, &["--plan", file, "--prune"]).expect_code(0);
    assert_eq!(cluster.release_status("kept-whole", "z"), None);
}
