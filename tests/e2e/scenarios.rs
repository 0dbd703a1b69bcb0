//! Everything that can hold a release up, each as a chart of its own: what `stackctl up` says of
//! it, reviewed word by word. Run on the real thing, in namespaces beside each other.

use std::fs;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, Patch, PatchParams};
use serde_json::json;

use crate::support::{Cluster, Said, Scenario, eventually, sandbox};

/// Scenarios that say all there is to say in one `up`: its exit code, and a snapshot of its output.
macro_rules! scenarios {
    ($($test:ident: $folder:literal ends in $code:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            let said = Scenario::new($folder).up().expect_code($code);
            assert_said($folder, &said);
        })+
    };
}

scenarios! {
    init_exit: "init-exit" ends in 5,
    init_crash_loop: "init-crash-loop" ends in 5,
    init_recovers: "init-recovers" ends in 0,
    init_exit_127: "init-exit-127" ends in 5,
    init_missing_binary: "init-missing-binary" ends in 5,
    init_out_of_memory: "init-out-of-memory" ends in 5,
    init_killed: "init-killed" ends in 5,
    init_second_of_three: "init-second-of-three" ends in 5,
    init_slow: "init-slow" ends in 0,
    init_waits_for_ever: "init-waits-for-ever" ends in 5,
    sidecar_never_ready: "sidecar-never-ready" ends in 5,
    sidecar_crashes: "sidecar-crashes" ends in 5,
    pod_initializing: "pod-initializing" ends in 6,

    image_invalid_name: "image-invalid-name" ends in 5,
    image_never_pulled: "image-never-pulled" ends in 5,
    image_not_found: "image-not-found" ends in 5,
    image_registry_away: "image-registry-away" ends in 5,

    secret_missing: "secret-missing" ends in 5,
    secret_key_missing: "secret-key-missing" ends in 5,
    secret_of_a_later_release: "secret-of-a-later-release" ends in 0,
    config_map_missing: "config-map-missing" ends in 5,
    config_map_volume_missing: "config-map-volume-missing" ends in 5,
    service_account_missing: "service-account-missing" ends in 5,
    run_as_non_root: "run-as-non-root" ends in 5,
    pod_security: "pod-security" ends in 5,
    quota_exceeded: "quota-exceeded" ends in 5,
    limit_range_violated: "limit-range-violated" ends in 5,

    cpu_too_much: "cpu-too-much" ends in 5,
    node_selector: "node-selector" ends in 5,
    claim_missing: "claim-missing" ends in 5,
    claim_without_class: "claim-without-class" ends in 5,
    claim_of_unknown_class: "claim-of-unknown-class" ends in 5,
    claim_waits_for_consumer: "claim-waits-for-consumer" ends in 0,
    scheduling_gate: "scheduling-gate" ends in 6,

    readiness_never: "readiness-never" ends in 6,
    liveness_kills: "liveness-kills" ends in 5,
    progress_deadline: "progress-deadline" ends in 5,
    paused: "paused" ends in 6,
    zero_replicas: "zero-replicas" ends in 0,
    autoscaled: "autoscaled" ends in 0,
    crash_after_ready: "crash-after-ready" ends in 5,
    custom_definition_earlier: "custom-definition-earlier" ends in 0,

    job_backoff_limit: "job-backoff-limit" ends in 5,
    job_deadline: "job-deadline" ends in 5,
    job_service_account_missing: "job-service-account-missing" ends in 5,
    job_gone_after_success: "job-gone-after-success" ends in 0,
    hook_fails: "hook-fails" ends in 5,
    hook_deleted_at_once: "hook-deleted-at-once" ends in 0,
    hook_ttl_zero: "hook-ttl-zero" ends in 0,
    hook_needs_workload: "hook-needs-workload" ends in 0,

    helm_template: "helm-template" ends in 5,
    helm_values_schema: "helm-values-schema" ends in 5,
    helm_owned_by_another: "helm-owned-by-another" ends in 5,
    helm_definition_missing: "helm-definition-missing" ends in 5,
    helm_invalid_object: "helm-invalid-object" ends in 5,
}

/// Scenarios that take two: of the second, which changes something, is told.
macro_rules! changes {
    ($($test:ident: $folder:literal ends in $first:literal, then in $second:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            let scenario = Scenario::new($folder);
            scenario.up().expect_code($first);
            let said = scenario.up_with("upgrade.yaml").expect_code($second);
            assert_said($folder, &said);
        })+
    };
}

changes! {
    surge_blocked: "surge-blocked" ends in 0, then in 5,
    old_pod_lingers: "old-pod-lingers" ends in 0, then in 0,
    stateful_set_stuck: "stateful-set-stuck" ends in 5, then in 5,
    hook_pre_upgrade_fails: "hook-pre-upgrade-fails" ends in 0, then in 5,
    helm_immutable_field: "helm-immutable-field" ends in 0, then in 5,
    helm_install_hooks_skipped: "helm-install-hooks-skipped" ends in 5, then in 5,
}

#[test]
fn helm_field_manager() {
    let scenario = Scenario::new("helm-field-manager");
    scenario.up().expect_code(0);
    let taken =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec: {replicas: 3}\n";
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), taken).expect("written");
    scenario.kubectl(&[
        "-n",
        scenario.namespace(),
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=somebody-else",
        "-f",
        file.path().to_str().expect("UTF-8"),
    ]);
    let said = scenario.up_with("upgrade.yaml").expect_code(5);
    assert_said("helm-field-manager", &said);
}

/// Nothing of ours is at work: the record says that some helm is, or was.
#[test]
fn helm_operation_pending() {
    let scenario = Scenario::new("helm-operation-pending");
    let namespace = scenario.namespace();
    let folder = scenario.file("app");
    scenario.kubectl(&["create", "namespace", namespace]);
    let mut helm = std::process::Command::new(sandbox().helm())
        .args(["install", "app"])
        .arg(folder)
        .args(["--namespace", namespace, "--kubeconfig"])
        .arg(sandbox().kubeconfig())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("helm starts");
    let cluster = Cluster::of(sandbox());
    eventually("helm begins", Duration::from_secs(20), || {
        cluster.release_status(namespace, "app")
    });
    let said = scenario.up().expect_code(5);
    helm.kill().expect("it is ours");
    helm.wait().expect("it ends");
    assert_said("helm-operation-pending", &said);
}

#[test]
fn image_comes_late() {
    const IMAGE: &str = "localhost:5933/late/app:1";
    sandbox().remove_image(IMAGE).expect("containerd answers");
    let scenario = Scenario::new("image-comes-late");
    let said = scenario.up_while(|| {
        scenario.wait_for_pod("it can't be pulled", |pod| {
            waiting_reason(pod).is_some_and(|reason| reason.contains("Pull"))
        });
        std::thread::sleep(Duration::from_secs(20));
        sandbox()
            .tag_image("docker.io/library/busybox:1.36", IMAGE)
            .expect("containerd has it");
    });
    sandbox().remove_image(IMAGE).expect("containerd answers");
    assert_said("image-comes-late", &said.expect_code(0));
}

#[test]
fn secret_comes_late() {
    let scenario = Scenario::new("secret-comes-late");
    let said = scenario.up_while(|| {
        scenario.wait_for_pod("its Secret is missing", |pod| {
            waiting_reason(pod).as_deref() == Some("CreateContainerConfigError")
        });
        std::thread::sleep(Duration::from_secs(10));
        Cluster::of(sandbox()).block_on(async |client| {
            let secret = Secret {
                metadata: ObjectMeta {
                    name: Some("database".to_owned()),
                    ..ObjectMeta::default()
                },
                string_data: Some([("password".to_owned(), "hidden".to_owned())].into()),
                ..Secret::default()
            };
            let api: Api<Secret> = Api::namespaced(client, scenario.namespace());
            api.create(&kube::api::PostParams::default(), &secret)
                .await
                .expect("it is made");
        });
    });
    assert_said("secret-comes-late", &said.expect_code(0));
}

#[test]
fn custom_ready_late() {
    let scenario = Scenario::new("custom-ready-late");
    let said = scenario.up_while(|| {
        let report = |status: &str, message: &str| {
            let condition = json!({"type": "Ready", "status": status, "reason": "Filling", "message": message,
                "lastTransitionTime": "2026-01-01T00:00:00Z"});
            report_condition(scenario.namespace(), "Cache", &condition);
        };
        report("False", "filling the cache");
        std::thread::sleep(Duration::from_secs(20));
        report("True", "filled");
    });
    assert_said("custom-ready-late", &said.expect_code(0));
}

#[test]
fn custom_stalled() {
    let scenario = Scenario::new("custom-stalled");
    let said = scenario.up_while(|| {
        wait_until_deployed(&scenario);
        let condition = json!({"type": "Stalled", "status": "True", "reason": "NoSuchBroker",
            "message": "broker `b-7` does not exist", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        report_condition(scenario.namespace(), "Queue", &condition);
    });
    assert_said("custom-stalled", &said.expect_code(5));
}

#[test]
fn every_folder_has_a_test() {
    let tests = [include_str!("scenarios.rs"), include_str!("faults.rs")].concat();
    for entry in fs::read_dir(Scenario::folder()).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("UTF-8");
        let named = name == "snapshots" || tests.contains(&format!("\"{name}\""));
        assert!(named, "no test brings up `{name}`");
    }
}

#[track_caller]
pub fn assert_said(name: &str, said: &Said) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("scenarios/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, said.normalized()));
}

fn waiting_reason(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let state = statuses.first()?.state.as_ref()?;
    state.waiting.as_ref()?.reason.clone()
}

/// Waits until helm has written down that it is through.
fn wait_until_deployed(scenario: &Scenario) {
    let record = "owner=helm,name=app,status=deployed,stackctl.dev/revision=1";
    let namespace = scenario.namespace();
    eventually("helm is through", Duration::from_secs(60), || {
        let found = scenario.kubectl(&["-n", namespace, "get", "secret", "-l", record, "-o=name"]);
        (!found.is_empty()).then_some(())
    });
}

/// What a controller of this kind would write, once the object is there.
fn report_condition(namespace: &str, kind: &str, condition: &serde_json::Value) {
    let gvk = GroupVersionKind::gvk(&format!("{namespace}.example.com"), "v1", kind);
    let resource = ApiResource::from_gvk(&gvk);
    let patch = json!({"status": {"observedGeneration": 1, "conditions": [condition]}});
    eventually("the object is there", Duration::from_secs(60), || {
        Cluster::of(sandbox()).block_on(async |client| {
            let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &resource);
            api.patch_status("main", &PatchParams::default(), &Patch::Merge(&patch))
                .await
                .ok()
        })
    });
}
