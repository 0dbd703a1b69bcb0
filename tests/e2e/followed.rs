//! What is ready by the numbers, and not all that a reader would take it for.

use std::fs;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use stackctl::event::EventKind;

use crate::support::{Cluster, Ended, Stack, deployment, hook_job, sandbox};

#[test]
fn a_service_whose_target_port_no_container_has_meets_no_need() {
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n\
        spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n";
    let stack = Stack::new("followed-port")
        .release("web", &(deployment("web", "") + service), "")
        .release(
            "front",
            &deployment("front", ""),
            "timeout: 8s, needs: ['web:service/web']",
        );
    let up = Ended::up(&stack.profile(), &[]).expect_code(6);
    up.ready("web");
    let sentence = &up.verdict("front").sentence;
    let says = "service/web of release `web`: no container of its pods has a port named `http`";
    assert!(sentence.contains(says), "{sentence}");
}

#[test]
fn pods_that_only_somebody_else_replaces_are_told() {
    let set = |word: &str| {
        let strategy = "spec:\n  serviceName: db\n  updateStrategy: {type: OnDelete}\n  selector";
        deployment("db", "")
            .replace("kind: Deployment", "kind: StatefulSet")
            .replace("spec:\n  selector", strategy)
            .replace("echo up", &format!("echo {word}"))
    };
    let stack = Stack::new("followed-on-delete").release("db", &set("one"), "");
    let profile = stack.profile();
    let first = Ended::up(&profile, &[]).expect_code(0);
    assert!(first.warnings().is_empty(), "{:?}", first.warnings());
    let file = stack.folder().join("db/templates/all.yaml");
    fs::write(file, set("two")).expect("a template");
    let up = Ended::up(&profile, &[]).expect_code(0);
    assert_eq!(
        up.warnings(),
        [
            "statefulset/db: 1 of 1 pod not updated: with `OnDelete`, a pod is replaced once somebody \
          deletes it"
        ]
    );
    let again = Ended::up(&profile, &[]).expect_code(0);
    let unchanged = |kind: &EventKind| matches!(kind, EventKind::ReleaseUnchanged { .. });
    assert!(again.when("db", unchanged).is_some(), "{:#?}", again.events);
}

/// What was done is done, though nothing of it is there any more.
#[test]
fn a_need_on_a_job_or_a_hook_stays_met_when_nothing_has_changed() {
    let job = hook_job("seed", "", "echo done")
        .replace("  annotations: {helm.sh/hook: }\n", "")
        .replace(
            "spec:\n  backoffLimit",
            "spec:\n  ttlSecondsAfterFinished: 0\n  backoffLimit",
        );
    let migrate = hook_job("migrate", "post-install", "echo done");
    let chart = format!("{}---\n{job}---\n{migrate}", deployment("db", ""));
    let needs = "needs: ['db:job/seed', 'db:job/migrate']";
    let stack = Stack::new("followed-done")
        .release("db", &chart, "")
        .release("web", &deployment("web", ""), needs);
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    for _ in 0..2 {
        let again = Ended::up(&profile, &[]).expect_code(0);
        let unchanged = |kind: &EventKind| matches!(kind, EventKind::ReleaseUnchanged { .. });
        assert!(again.when("db", unchanged).is_some(), "{:#?}", again.events);
    }
}

/// A Deployment that a hook has made stands in no manifest of the release.
#[test]
fn what_a_hook_left_meets_a_need_of_the_next_run_only_while_it_is_ready() {
    let metadata = "metadata: {name: proxy}";
    let proxy = deployment("proxy", "").replace(
        metadata,
        "metadata: {name: proxy, annotations: {helm.sh/hook: post-install}}",
    );
    let chart = format!("{}---\n{proxy}", deployment("db", ""));
    let stack = Stack::new("followed-left")
        .release("db", &chart, "")
        .release(
            "web",
            &deployment("web", ""),
            "needs: ['db:deployment/proxy']",
        );
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);

    let moment = json!({
        "name": "moment", "image": "docker.io/library/busybox:1.36", "command": ["sleep", "8"],
    });
    let starts_for_long = json!({"spec": {
        "strategy": {"type": "Recreate", "rollingUpdate": null},
        "template": {"spec": {"initContainers": [moment]}},
    }});
    Cluster::of(sandbox()).block_on(async |client| {
        let api: Api<Deployment> = Api::namespaced(client, stack.namespace());
        let params = PatchParams::default();
        let patch = Patch::Merge(&starts_for_long);
        api.patch("proxy", &params, &patch).await.unwrap();
    });
    let again = Ended::up(&profile, &[]).expect_code(0);
    let unchanged = |kind: &EventKind| matches!(kind, EventKind::ReleaseUnchanged { .. });
    let [db, web] = ["db", "web"].map(|id| again.when(id, unchanged).expect("it is unchanged"));
    assert!(web - db > 4000, "{:#?}", again.events);
}

/// helm says no more than that the hook was not through.
#[test]
fn what_keeps_a_hook_from_its_end_is_told_when_its_time_is_up() {
    let hook = hook_job("migrate", "pre-install", "true").replace(
        "          image:",
        "          envFrom: [{secretRef: {name: nix}}]\n          image:",
    );
    let stack = Stack::new("followed-hook").release("db", &hook, "timeout: 12s");
    let ended = Ended::up(&stack.profile(), &[]).expect_code(5);
    let verdict = ended.verdict("db");
    assert!(verdict.sentence.contains("ecret `nix`"), "{verdict:#?}");
    let pod = verdict.chain.iter().any(|it| it.starts_with("pod/"));
    assert!(pod, "{verdict:#?}");
}
