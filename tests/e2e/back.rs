//! Back to what was verified together.

use std::fs;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use nix::sys::signal::Signal;
use stackctl::event::{EventKind, Outcome};

use crate::support::{Cluster, Ended, Stack, Started, deployment, helm, hook_job, sandbox};

/// A pod that runs while its chart says `one`, or `two`; it fails with `bad`.
fn chart(name: &str, word: &str) -> String {
    let script = "case $WORD in bad) echo the word is bad; exit 3;; esac; trap exit TERM; echo up";
    let deployment = deployment(name, "")
        .replace("trap exit TERM; echo up", script)
        .replace(
            "          command:",
            &format!("          env: [{{name: WORD, value: {word}}}]\n          command:"),
        );
    format!(
        "{deployment}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{word: {word}}}\n"
    )
}

fn change(stack: &Stack, id: &str, word: &str) {
    let file = stack.folder().join(id).join("templates/all.yaml");
    fs::write(file, chart(id, word)).expect("a template");
}

fn word(stack: &Stack, name: &str) -> Option<String> {
    Cluster::of(sandbox()).block_on(async |client| {
        let configs: Api<ConfigMap> = Api::namespaced(client, stack.namespace());
        let config = configs.get(name).await.expect("it is there");
        config.data?.remove("word")
    })
}

fn two(name: &str) -> Stack {
    Stack::new(name)
        .release("api", &chart("api", "one"), "")
        .release("web", &chart("web", "one"), "needs: [api]")
}

fn rollback(stack: &Stack, more: &[&str]) -> Ended {
    let profile = stack.profile();
    let profile = profile.to_str().expect("a path in UTF-8");
    let args = ["rollback", "--profile", profile, "--progress", "json"];
    Ended::of(&[&args[..], more].concat())
}

fn history(stack: &Stack) -> serde_json::Value {
    let profile = stack.profile();
    let profile = profile.to_str().expect("a path in UTF-8");
    let told = Ended::of(&["history", "--profile", profile, "-o", "json"]).expect_code(0);
    serde_json::from_str(&told.stdout).expect("JSON")
}

#[test]
fn a_stack_goes_back_to_what_was_verified_before() {
    let stack = two("back-one");
    let profile = stack.profile();
    let none = rollback(&stack, &[]).expect_code(2);
    assert!(none.stderr.contains("verified together"), "{}", none.stderr);
    Ended::up(&profile, &[]).expect_code(0);
    change(&stack, "api", "two");
    change(&stack, "web", "two");
    Ended::up(&profile, &[]).expect_code(0);
    assert_eq!(word(&stack, "web").as_deref(), Some("two"));

    let back = rollback(&stack, &[]).expect_code(0);
    for name in ["api", "web"] {
        assert_eq!(word(&stack, name).as_deref(), Some("one"));
    }
    let begins = |kind: &EventKind| matches!(kind, EventKind::ReleaseRollingBack { to: 1, .. });
    assert!(back.when("web", begins) < back.when("api", begins));

    // What is deployed now are the inputs of before, and they are known for it.
    change(&stack, "api", "one");
    change(&stack, "web", "one");
    let same = Ended::up(&profile, &[]).expect_code(0);
    let unchanged =
        |kind: &EventKind| matches!(kind, EventKind::ReleaseUnchanged { revision: 3, .. });
    assert!(same.when("web", unchanged).is_some(), "{}", same.stdout);

    let told = history(&stack);
    let runs = told[0]["runs"].as_array().expect("runs");
    let verbs: Vec<&str> = runs
        .iter()
        .filter_map(|run| run["by"]["verb"].as_str())
        .collect();
    assert_eq!(verbs, ["up", "rollback", "up", "up"]);
    assert!(
        runs.iter().all(|run| run["end"]["outcome"] == "ready"),
        "{told:#}"
    );
    let second = runs[2]["by"]["run"].as_str().expect("a run").to_owned();
    rollback(&stack, &["--to", &second]).expect_code(0);
    assert_eq!(word(&stack, "web").as_deref(), Some("two"));
    let unknown = rollback(&stack, &["--to", "20000101-000000-0000"]).expect_code(2);
    assert!(unknown.stderr.contains(&second), "{}", unknown.stderr);
}

#[test]
fn a_run_that_fails_can_bring_back_what_it_has_changed() {
    let stack = two("back-failed");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    change(&stack, "api", "two");
    change(&stack, "web", "bad");
    let failed = Ended::up(&profile, &["--rollback-on-failure"]).expect_code(5);
    assert!(
        failed.verdict("web").sentence.contains("3"),
        "{:?}",
        failed.verdict("web")
    );
    for name in ["api", "web"] {
        assert_eq!(word(&stack, name).as_deref(), Some("one"), "{name}");
    }
    let last = failed.events.last().map(|event| &event.kind);
    let Some(EventKind::RunFinished { outcome, counts }) = last else {
        panic!("{}", failed.stdout);
    };
    assert_eq!((*outcome, counts.ready), (Outcome::Failed, 2));
    // The bad one is no proof of anything: it is tried again.
    Ended::up(&profile, &[]).expect_code(5);
}

/// Kubernetes issue 67250: the controller waits for the broken pod before it replaces it.
#[test]
fn a_broken_pod_of_a_statefulset_is_taken_out_of_the_way() {
    let name = "back-stuck";
    let set = |word: &str| {
        chart("db", word)
            .replace("kind: Deployment", "kind: StatefulSet")
            .replace("spec:\n  selector", "spec:\n  serviceName: db\n  selector")
    };
    let stack = Stack::new(name).release("db", &set("one"), "timeout: 90s");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    let file = stack.folder().join("db/templates/all.yaml");
    fs::write(file, set("bad")).expect("a template");
    let failed = Ended::up(&profile, &["--rollback-on-failure"]).expect_code(5);
    let deleted = |kind: &EventKind| matches!(kind, EventKind::Warning { message, .. } if message.contains("keeps its StatefulSet waiting"));
    assert!(failed.when("db", deleted).is_some(), "{}", failed.stdout);
    assert_eq!(word(&stack, "db").as_deref(), Some("one"));
    let last = failed.events.last().map(|event| &event.kind);
    let Some(EventKind::RunFinished { counts, .. }) = last else {
        panic!("{}", failed.stdout);
    };
    assert_eq!(counts.ready, 1);
}

fn uninstall(stack: &Stack, release: &str) {
    helm(&["uninstall", release, "--wait", "-n", stack.namespace()]);
}

/// helm counts anew: revision 1 is another one then.
#[test]
fn a_stack_does_not_go_back_to_a_release_that_is_gone_or_was_installed_anew() {
    let stack = two("back-anew");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    uninstall(&stack, "web");
    let gone = rollback(&stack, &[]).expect_code(4);
    assert!(gone.stderr.contains("`web` is gone"), "{}", gone.stderr);
    change(&stack, "api", "two");
    change(&stack, "web", "two");
    Ended::up(&profile, &[]).expect_code(0);
    let anew = rollback(&stack, &[]).expect_code(4);
    let said = "`web` was installed anew since";
    assert!(anew.stderr.contains(said), "{}", anew.stderr);
    for name in ["api", "web"] {
        assert_eq!(word(&stack, name).as_deref(), Some("two"), "{name}");
    }
    let told = history(&stack);
    let verified = told[0]["verified"].as_array().expect("runs");
    assert_eq!(verified.len(), 1, "{told:#}");

    uninstall(&stack, "api");
    change(&stack, "web", "bad");
    let failed = Ended::up(&profile, &["--rollback-on-failure"]).expect_code(5);
    let warned = |kind: &EventKind| matches!(kind, EventKind::Warning { message, .. } if message.contains("`api` was installed anew since"));
    let told = failed.events.iter().any(|event| warned(&event.kind));
    assert!(told, "{}", failed.stdout);
}

#[test]
fn what_a_rollback_leaves_with_the_rest_is_a_way_back_again() {
    let stack = Stack::new("back-forward")
        .release("api", &chart("api", "one"), "")
        .release("web", &chart("web", "one"), "rollback: forward-only");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    change(&stack, "api", "two");
    change(&stack, "web", "two");
    Ended::up(&profile, &[]).expect_code(0);
    rollback(&stack, &[]).expect_code(0);
    change(&stack, "api", "bad");
    Ended::up(&profile, &["--rollback-on-failure"]).expect_code(5);
    assert_eq!(word(&stack, "api").as_deref(), Some("one"));
    assert_eq!(word(&stack, "web").as_deref(), Some("two"));
}

/// The status of the last revision, as helm tells it.
fn last_status(stack: &Stack, release: &str) -> String {
    let told = helm(&["history", release, "-n", stack.namespace(), "-o", "json"]);
    let revisions: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let last = revisions.as_array().and_then(|it| it.last()).cloned();
    let last = last.expect("a revision");
    last["status"].as_str().expect("a status").to_owned()
}

/// helm itself leaves it so: nobody could upgrade it without `--recover` or a helm of their own.
#[test]
fn a_rollback_that_fails_or_is_interrupted_leaves_no_revision_pending() {
    for (name, script) in [
        ("back-hook-fails", "exit 3"),
        ("back-hook-hangs", "sleep 600"),
    ] {
        let hook = hook_job("before", "pre-rollback", script);
        let stack = Stack::new(name).release("web", &(chart("web", "one") + "---\n" + &hook), "");
        let profile = stack.profile();
        Ended::up(&profile, &[]).expect_code(0);
        change(&stack, "web", "two");
        Ended::up(&profile, &[]).expect_code(0);
        let mut back = Started::rollback(&profile);
        if script == "exit 3" {
            back.end().expect_code(5);
        } else {
            back.wait_for(|kind| {
                matches!(kind, EventKind::PodChanged(pod) if pod.containers.iter().any(|it| it.state == "running"))
            });
            back.signal(Signal::SIGINT);
            back.end().expect_code(130);
        }
        assert_eq!(last_status(&stack, "web"), "failed", "{name}");
        assert_eq!(word(&stack, "web").as_deref(), Some("two"), "{name}");
    }
}
