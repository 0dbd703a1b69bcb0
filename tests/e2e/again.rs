//! The same `up` once more: what is as it is to be starts no helm.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use stackctl::event::{EventKind, Evidence};

use crate::support::{Cluster, Ended, Stack, Started, deployment, hook_job, sandbox};

fn config(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{word: {{{{ .Values.word | default \"one\" }}}}}}\n"
    )
}

/// `web` needs `api`; `late` needs both.
fn three(name: &str) -> Stack {
    let release = |name: &str| {
        let deployment =
            deployment(name, "").replace("spec:\n  selector", "spec:\n  replicas: 1\n  selector");
        format!("{deployment}---\n{}", config(name))
    };
    Stack::new(name)
        .release("api", &release("api"), "set: {word: one}")
        .release("web", &release("web"), "needs: [api]")
        .release("late", &release("late"), "needs: [api, web]")
}

/// Releases that needed no helm, and those that helm made.
fn told(run: &Ended) -> (Vec<String>, Vec<String>) {
    let (mut unchanged, mut made) = (Vec::new(), Vec::new());
    for event in &run.events {
        match &event.kind {
            EventKind::ReleaseUnchanged { release, .. } => unchanged.push(release.to_string()),
            EventKind::ReleaseDeployed { release, .. } => made.push(release.to_string()),
            _ => {}
        }
    }
    made.sort();
    unchanged.sort();
    (unchanged, made)
}

#[track_caller]
fn expect_made(profile: &Path, more: &[&str], made: &[&str]) -> Ended {
    let run = Ended::up(profile, more).expect_code(0);
    let (unchanged, seen) = told(&run);
    assert_eq!(seen, made, "{}", run.stdout);
    assert_eq!(unchanged.len(), 3 - made.len(), "{}", run.stdout);
    run
}

/// A helm that writes down what it is asked.
fn telling_helm(stack: &Stack) -> String {
    let helm = stack.folder().join("helm");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {}\nexec {} \"$@\"\n",
        stack.folder().join("asked").display(),
        sandbox().helm().display()
    );
    fs::write(&helm, script).expect("a script");
    fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).expect("it may be run");
    helm.to_str().expect("a path in UTF-8").to_owned()
}

#[test]
fn what_is_unchanged_starts_no_helm() {
    let stack = three("again");
    let profile = stack.profile();
    expect_made(&profile, &[], &["api", "late", "web"]);

    let helm = telling_helm(&stack);
    let run = expect_made(&profile, &["--helm", &helm], &[]);
    assert!(run.warnings().is_empty(), "{:?}", run.warnings());
    assert!(
        !stack.folder().join("asked").exists(),
        "not even its version"
    );

    expect_made(&profile, &["--force"], &["api", "late", "web"]);

    // Another value makes another release of it alone.
    let text = fs::read_to_string(&profile).expect("a profile");
    fs::write(&profile, text.replace("word: one", "word: two")).expect("a profile");
    expect_made(&profile, &[], &["api"]);
    let chart = stack.folder().join("late/templates/all.yaml");
    let text = fs::read_to_string(&chart).expect("a template");
    fs::write(&chart, text.replace("\"one\"", "\"three\"")).expect("a template");
    expect_made(&profile, &[], &["late"]);
}

#[test]
fn what_somebody_has_done_by_hand_is_seen() {
    let stack = three("by-hand");
    let name = stack.namespace();
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);

    let cluster = Cluster::of(sandbox());
    cluster.block_on(async |client| {
        let configs: Api<ConfigMap> = Api::namespaced(client, name);
        let gone = configs.delete("api", &DeleteParams::default()).await;
        gone.expect("it is deleted");
    });
    let run = expect_made(&profile, &[], &["api"]);
    assert_eq!(run.warnings(), ["configmap/api is gone: helm puts it back"]);

    // A field that is away has no other owner.
    cluster.block_on(async |client| {
        let configs: Api<ConfigMap> = Api::namespaced(client, name);
        let patch = Patch::Merge(json!({"data": {"word": null}}));
        let params = PatchParams::default();
        configs
            .patch("web", &params, &patch)
            .await
            .expect("a patch");
    });
    let run = expect_made(&profile, &[], &["web"]);
    assert_eq!(
        run.warnings(),
        ["configmap/web was changed by hand: helm puts it right"]
    );

    cluster.block_on(async |client| {
        let deployments: Api<Deployment> = Api::namespaced(client, name);
        let params = PatchParams {
            field_manager: Some("kubectl-edit".into()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"spec": {"replicas": 2}}));
        let edited = deployments.patch("late", &params, &patch).await;
        edited.expect("a patch");
    });
    for _ in 0..2 {
        let run = expect_made(&profile, &[], &[]);
        assert_eq!(
            run.warnings(),
            [
                "deployment/late `.spec.replicas` is kept by kubectl-edit: helm would be refused, so \
              it stays; set it back, or leave it out of the chart"
            ]
        );
    }
}

#[test]
fn a_revision_of_somebody_else_is_no_proof() {
    let stack = three("by-helm");
    let name = stack.namespace();
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    let upgraded = Command::new(sandbox().helm())
        .args(["upgrade", "api", "--namespace", name, "--set", "word=other"])
        .arg(stack.folder().join("api"))
        .env("KUBECONFIG", sandbox().kubeconfig())
        .stdin(Stdio::null())
        .output()
        .expect("helm runs");
    assert!(upgraded.status.success(), "{upgraded:?}");
    expect_made(&profile, &[], &["api"]);
}

/// A release that helm was through with and that never got ready is verified, not skipped.
#[test]
fn what_never_was_ready_is_not_taken_for_done() {
    let probe = "readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}";
    let web =
        deployment("web", "").replace("command: [sh", &format!("{probe}\n          command: [sh"));
    let stack = Stack::new("never-ready").release("web", &web, "timeout: 8s");
    let profile = stack.profile();
    for _ in 0..2 {
        Ended::up(&profile, &[]).expect_code(6);
    }
    let run = Ended::up(&profile, &[]).expect_code(6);
    let is_unverified = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::ReleaseUnchanged {
                revision: 1,
                verified: false,
                ..
            }
        )
    };
    assert!(run.when("web", is_unverified).is_some(), "{}", run.stdout);
}

/// What had failed before this run proves why the release is not ready, and is no news of this run.
#[test]
fn the_log_of_what_failed_in_an_earlier_run_is_evidence_and_not_told_again() {
    let job = hook_job("seed", "", "echo no such table; exit 3");
    let job = job.replace("  annotations: {helm.sh/hook: }\n", "");
    let crashes = deployment("db", "").replace("echo up;", "echo no disk; exit 4;");
    let stack = Stack::new("again-failed")
        .release("seed", &job, "")
        .release("db", &crashes, "budgets: {restarts: 1}");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(5);

    let again = Ended::up(&profile, &[]).expect_code(5);
    assert_eq!(told(&again).0, ["db", "seed"], "{}", again.stdout);
    let proofs = |id: &str| -> Vec<&str> {
        let evidence = again.verdict(id).evidence.iter();
        let lines = evidence.filter_map(|it| match it {
            Evidence::Log { lines, .. } => Some(lines),
            _ => None,
        });
        lines.flatten().map(String::as_str).collect()
    };
    assert_eq!(proofs("seed"), ["no such table"], "{}", again.stdout);
    assert_eq!(proofs("db"), ["no disk"], "{}", again.stdout);
    assert_eq!(again.log("seed", "hook"), [""; 0], "{}", again.stdout);
}

/// Nobody watches it, so this run does not see it go; the next one does.
#[test]
fn what_goes_before_the_run_has_ended_is_put_back_by_the_next() {
    let slow = "initContainers: [{name: moment, image: 'docker.io/library/busybox:1.36', \
                command: [sleep, '5']}]";
    let stack = Stack::new("again-gone")
        .release("a", &config("sh"), "")
        .release("b", &deployment("b", slow), "needs: [a]");
    let profile = stack.profile();
    let mut run = Started::up(&profile);
    run.wait_for(
        |kind| matches!(kind, EventKind::ReleaseReady { release } if release.as_str() == "a"),
    );
    let namespace = stack.namespace();
    Cluster::of(sandbox()).block_on(async |client| {
        let api: Api<ConfigMap> = Api::namespaced(client, namespace);
        api.delete("sh", &DeleteParams::default()).await.unwrap();
    });
    run.end().expect_code(0);

    let next = Ended::up(&profile, &[]).expect_code(0);
    assert_eq!(next.warnings(), ["configmap/sh is gone: helm puts it back"]);
    Cluster::of(sandbox()).block_on(async |client| {
        let api: Api<ConfigMap> = Api::namespaced(client, namespace);
        api.get("sh").await.unwrap();
    });
}
