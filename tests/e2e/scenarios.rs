//! Everything that can hold a release up, each as a chart of its own: what `stackctl up` says of
//! it, reviewed word by word. Run on the real thing, in namespaces beside each other.

use std::fs;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, Patch, PatchParams};
use serde_json::json;

use crate::support::{Cluster, Said, Scenario, eventually, sandbox, stackctl_on};

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
    needs_of_all_kinds: "kinds" ends in 6,
    needs_on_hooks: "needs-on-hooks" ends in 5,
    replica_set_crashes: "replica-set-crashes" ends in 5,
    custom_definition_earlier: "custom-definition-earlier" ends in 0,

    job_backoff_limit: "job-backoff-limit" ends in 5,
    job_deadline: "job-deadline" ends in 5,
    jobs_of_all_kinds: "jobs" ends in 5,
    job_service_account_missing: "job-service-account-missing" ends in 5,
    job_gone_after_success: "job-gone-after-success" ends in 0,
    hook_fails: "hook-fails" ends in 5,
    hook_deleted_at_once: "hook-deleted-at-once" ends in 0,
    hook_ttl_zero: "hook-ttl-zero" ends in 0,
    hook_needs_workload: "hook-needs-workload" ends in 0,
    hook_heals: "hook-heals" ends in 0,
    hook_slow_secret: "hook-slow-secret" ends in 0,

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

/// The controller of a webhook fills in what the chart sets too.
#[test]
fn helm_field_forced() {
    const BUNDLE: &str = "jsonpath={.webhooks[0].clientConfig.caBundle}";
    let scenario = Scenario::new("helm-field-forced");
    let webhook = ["validatingwebhookconfiguration", "helm-field-forced"];
    // It is in no namespace that would take it along.
    scenario.kubectl(&[&["delete", "--ignore-not-found"], &webhook[..]].concat());
    scenario.up().expect_code(0);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let taken = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n\
        metadata: {name: helm-field-forced}\nwebhooks:\n\
        - {name: app.helm-field-forced.example.com, clientConfig: {caBundle: b3RoZXIK}}\n";
    fs::write(file.path(), taken).expect("written");
    let file = file.path().to_str().expect("UTF-8");
    let take = || {
        let apply = ["apply", "--server-side", "--force-conflicts"];
        let injector = ["--field-manager=injector", "-f", file];
        scenario.kubectl(&[&apply[..], &injector].concat());
    };
    let bundle = || scenario.kubectl(&[&["get", "-o", BUNDLE], &webhook[..]].concat());
    let run = |verb: &[&str], profile: &str| {
        let profile = scenario.file(profile);
        let profile = ["--profile", profile.to_str().expect("UTF-8")];
        Said::of(&mut stackctl_on(sandbox(), &[verb, &profile].concat()))
    };
    let plan = ["plan", "--detailed-exitcode"];
    take();

    let said = run(&plan, "upgrade.yaml").expect_code(5);
    assert!(said.text.contains("caBundle"), "{}", said.text);
    let said = scenario.up_with("upgrade.yaml").expect_code(5);
    let remedy = "hint: or set `forceConflicts: true` for this release in the profile";
    assert!(said.text.contains(remedy), "{}", said.text);
    assert_eq!(bundle(), "b3RoZXIK");

    let planned = run(&plan, "forced.yaml").expect_code(8);
    let said = scenario.up_with("forced.yaml").expect_code(0);
    assert_eq!(bundle(), "b25lCg==");
    let both = Said {
        code: said.code,
        text: format!("{}\n{}", planned.text, said.text),
    };
    assert_said("helm-field-forced", &both);

    // The injector takes it back, which is no reason for an upgrade. A rollback takes it again.
    take();
    run(&plan, "forced.yaml").expect_code(0);
    let said = scenario.up_with("forced.yaml").expect_code(0);
    let stays = "is kept by injector: it stays until an upgrade has another reason";
    assert!(said.text.contains(stays), "{}", said.text);
    run(&["rollback"], "forced.yaml").expect_code(0);
    assert_eq!(bundle(), "b25lCg==");
    run(&["down", "--yes"], "forced.yaml").expect_code(0);
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
    // Both tell of it as `up` does.
    let why = "its revision 1 is pending-install, and no run of stackctl left it so";
    assert!(said.text.contains(why), "{}", said.text);
    for (verb, code) in [("plan", 5), ("doctor", 4)] {
        let told = scenario.verb(&[verb]).expect_code(code);
        assert!(told.text.contains(why), "{verb}: {}", told.text);
        assert!(
            told.text.contains("`stackctl up --recover --profile "),
            "{verb}: {}",
            told.text
        );
    }
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

/// As if it came with the stack: nothing but its `Ready` condition makes it ready.
#[test]
fn custom_defined_before() {
    let scenario = Scenario::new("custom-defined-before");
    let definition = scenario.file("definition.yaml");
    let definition = definition.to_str().expect("UTF-8");
    scenario.kubectl(&["apply", "-f", definition]);
    let said = scenario.up_while(|| {
        wait_until_deployed(&scenario);
        // In which it would have been called ready.
        std::thread::sleep(Duration::from_secs(5));
        let condition = json!({"type": "Ready", "status": "True", "reason": "Filled", "message": "filled",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        report_condition(scenario.namespace(), "Cache", &condition);
    });
    let waits = "its controller has not said yet whether it is ready";
    assert!(said.text.contains(waits), "{}", said.text);
    scenario.kubectl(&["delete", "-f", definition]);
    assert_said("custom-defined-before", &said.expect_code(0));
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

/// A headless Service that publishes the addresses of pods that are not ready.
#[test]
fn address_of_a_pod_that_is_not_ready() {
    let said = Scenario::new("notready").up().expect_code(0);
    let waits = "waits for service/db of release `app`: none of its endpoints is ready";
    assert!(said.text.contains(waits), "{}", said.text);
    // That the pod is ready reaches the StatefulSet and the Service's address in either order.
    assert_said("notready", &said.without("statefulset/db ready"));
}

/// A slow machine may come to the log of the first attempt when the kubelet has the second's there.
#[test]
fn init_crash_loop() {
    let said = Scenario::new("init-crash-loop").up().expect_code(5);
    let first = [
        "migrate: attempt 1",
        "migrate: [its log has made room for a later one]",
    ];
    assert!(
        first.iter().any(|it| said.text.contains(it)),
        "{}",
        said.text
    );
    assert_said("init-crash-loop", &said.without(first[0]));
}

/// A Job of a CronJob takes longer to end than the CronJob does to go.
#[test]
fn cron_job_removed() {
    let scenario = Scenario::new("cron-job-removed");
    scenario.up().expect_code(0);
    let namespace = scenario.namespace();
    let from = ["create", "job", "--from=cronjob/nightly", "by-hand"];
    scenario.kubectl(&[&["-n", namespace], &from[..]].concat());
    scenario.wait_for_pod("the Job's pod runs", |pod| {
        let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
        phase == Some("Running")
    });
    let said = scenario.verb(&["down", "--yes"]).expect_code(0);
    assert_said("cron-job-removed", &said);
    let pods = scenario.kubectl(&["-n", namespace, "get", "pods", "-o=name"]);
    assert_eq!(pods, "", "{}", said.text);
}

/// As a drain does, or a descheduler. The sandbox's kubelet itself evicts nothing.
#[test]
fn pods_are_evicted() {
    let scenario = Scenario::new("evicted");
    let said = scenario.up_while(|| {
        let mut evicted: Vec<String> = Vec::new();
        for _ in 0..2 {
            let name = eventually("a new pod runs", Duration::from_secs(60), || {
                let pods = scenario.cluster().pods(scenario.namespace());
                let running = |pod: &Pod| {
                    let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
                    phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
                };
                let mut names = pods.iter().filter(|pod| running(pod));
                let name = names.find_map(|pod| pod.metadata.name.clone())?;
                (!evicted.contains(&name)).then_some(name)
            });
            Cluster::of(sandbox()).block_on(async |client| {
                let api: Api<Pod> = Api::namespaced(client, scenario.namespace());
                let how = kube::api::EvictParams::default();
                api.evict(&name, &how).await.expect("it is evicted");
            });
            evicted.push(name);
        }
    });
    assert_said("evicted", &said.expect_code(5));
}

/// A ClusterRole lives in no namespace, and is not looked for in one when it is to be gone.
#[test]
fn cluster_scoped() {
    let scenario = Scenario::new("cluster-scoped");
    scenario.up().expect_code(0);
    let profile = scenario.file("profile.yaml");
    let profile = profile.to_str().expect("UTF-8");
    let down = ["down", "--yes", "--profile", profile];
    let said = Said::of(&mut stackctl_on(sandbox(), &down)).expect_code(0);
    let roles = scenario.kubectl(&["get", "clusterroles", "-o=name"]);
    assert!(!roles.contains("/web-cr"), "{roles}");
    eventually("the namespace is gone", Duration::from_secs(30), || {
        let left = scenario.kubectl(&["get", "namespaces", "-o=name"]);
        (!left.contains("/cluster-scoped")).then_some(())
    });
    assert_said("cluster-scoped", &said);
}

/// What `up` has made is seen by `plan` and `status` wherever it is, and taken away by `down`.
#[test]
fn objects_of_all_places() {
    let scenario = Scenario::new("all-places");
    scenario.up().expect_code(0);
    let again = scenario.up().expect_code(0).text;
    assert_eq!(again.matches("unchanged, revision 1").count(), 2, "{again}");
    scenario
        .verb(&["plan", "--detailed-exitcode"])
        .expect_code(0);
    scenario.verb(&["status", "--exit-code"]).expect_code(0);
    let said = scenario
        .verb(&["down", "--yes", "--volumes"])
        .expect_code(0);
    eventually("all of it is gone", Duration::from_secs(30), || {
        let everywhere = scenario.kubectl(&["get", "clusterroles,crds,namespaces", "-o=name"]);
        let elsewhere = scenario.kubectl(&["get", "configmaps", "-o=name", "-n=default"]);
        (!(everywhere + &elsewhere).contains("all-places")).then_some(())
    });
    assert_said("all-places", &said);
}

/// The same where an `up` removes it.
#[test]
fn cluster_scoped_pruned() {
    let name = "cluster-scoped-pruned";
    let scenario = Scenario::new(name);
    scenario.up().expect_code(0);
    let mut prune = scenario.command("pruned.yaml");
    let said = Said::of(prune.arg("--prune")).expect_code(0);
    let roles = scenario.kubectl(&["get", "clusterroles", "-o=name"]);
    assert!(!roles.contains("/pruned-web"), "{roles}");
    assert_said(name, &said);
}

/// Nothing watches a ConfigMap, or a custom resource without a status.
#[test]
fn objects_without_readiness_are_gone() {
    let name = "silent-gone";
    let scenario = Scenario::new(name);
    scenario.up().expect_code(0);
    let status = || scenario.verb(&["status", "--exit-code"]);
    status().expect_code(0);
    scenario.kubectl(&["-n", name, "delete", "configmap", "settings"]);
    scenario.kubectl(&[
        "-n",
        name,
        "delete",
        "topic.silent-gone.example.com",
        "main",
    ]);
    let gone = status().expect_code(6);
    let says = "configmap/settings and topic/main are not in the cluster; `stackctl up --profile ";
    assert!(gone.text.contains(says), "{}", gone.text);
    let up = scenario.up().expect_code(0);
    let puts_back = "configmap/settings and topic/main is gone: helm puts it back";
    assert!(up.text.contains(puts_back), "{}", up.text);
    status().expect_code(0);
    scenario.verb(&["down", "--yes"]).expect_code(0);
}

/// `status` sees what `up` saw, wherever it is.
#[test]
fn foreign_namespace() {
    let scenario = Scenario::new("foreign-namespace");
    let said = scenario.up().expect_code(0);
    let profile = scenario.file("profile.yaml");
    let profile = profile.to_str().expect("UTF-8");
    let status = ["status", "--profile", profile, "--exit-code"];
    Said::of(&mut stackctl_on(sandbox(), &status)).expect_code(0);
    let down = ["down", "--yes", "--profile", profile];
    Said::of(&mut stackctl_on(sandbox(), &down)).expect_code(0);
    assert_said("foreign-namespace", &said);
}

/// A namespace that a release brings is not made before that: helm would not take it over.
#[test]
fn namespace_of_a_release() {
    let name = "namespace-of-a-release";
    for more in ["brought", "made"] {
        Cluster::of(sandbox()).remove_namespace(&format!("{name}-{more}"));
    }
    let scenario = Scenario::new(name);
    scenario
        .verb(&["plan", "--detailed-exitcode"])
        .expect_code(8);
    let said = scenario.up().expect_code(0);
    assert_said(name, &said);
    let again = scenario.up().expect_code(0).text;
    assert_eq!(again.matches("unchanged, revision 1").count(), 3, "{again}");
    scenario
        .verb(&["plan", "--detailed-exitcode"])
        .expect_code(0);
    scenario.verb(&["down", "--yes"]).expect_code(0);
    eventually("all of them are gone", Duration::from_secs(60), || {
        let left = scenario.kubectl(&["get", "namespaces", "-o=name"]);
        (!left.contains(name)).then_some(())
    });

    scenario.kubectl(&["create", "namespace", name]);
    let said = scenario.up_with("strict.yaml").expect_code(5);
    assert_said("namespace-of-a-release-strict", &said);
    scenario.verb(&["down", "--yes"]).expect_code(0);
}

/// helm stops before anything is removed, and its record says that it is uninstalling.
#[test]
fn hook_pre_delete_fails() {
    let name = "hook-pre-delete-fails";
    let scenario = Scenario::new(name);
    scenario.up().expect_code(0);
    assert_said(name, &scenario.verb(&["down", "--yes"]).expect_code(5));
    let status = scenario.verb(&["status", "--exit-code"]).expect_code(5);
    let says =
        "x app failed: can't be removed: hook job/deregister failed: container `deregister` of pod";
    for says in [
        says,
        "no route to registry.example.com",
        "helm uninstall app -n hook-pre-delete-fails --no-hooks",
    ] {
        assert!(status.text.contains(says), "{}", status.text);
    }
    let doctor = scenario.verb(&["doctor"]).expect_code(4);
    let stands = "release `app` in `hook-pre-delete-fails` can't be removed: pre-delete hook \
                  job/deregister failed";
    assert!(doctor.text.contains(stands), "{}", doctor.text);
    // As the hint says.
    scenario.helm(&["uninstall", "app", "--no-hooks"]);
    scenario.verb(&["down", "--yes"]).expect_code(0);
}

/// helm goes on to the end: the release is uninstalled, and the next `down` removes what the hook left.
#[test]
fn hook_post_delete_fails() {
    let name = "hook-post-delete-fails";
    let scenario = Scenario::new(name);
    scenario.up().expect_code(0);
    assert_said(name, &scenario.verb(&["down", "--yes"]).expect_code(5));
    let status = scenario.verb(&["status", "--exit-code"]).expect_code(6);
    assert!(status.text.contains("missing"), "{}", status.text);
    // The hook's Job is known to be left, and nothing keeps the namespace.
    scenario.verb(&["down", "--yes"]).expect_code(0);
    eventually("the namespace is gone", Duration::from_secs(30), || {
        let left = scenario.kubectl(&["get", "namespaces", "-o=name"]);
        (!left.contains(name)).then_some(())
    });
}

/// helm would wait for such a hook until its time is up.
#[test]
fn hook_pre_delete_can_not_start() {
    let name = "hook-pre-delete-stuck";
    let scenario = Scenario::new(name);
    scenario.up().expect_code(0);
    assert_said(name, &scenario.verb(&["down", "--yes"]).expect_code(5));
}

/// What a removal leaves is told, and a later one that is to take volumes knows of it.
#[test]
fn claims_stay() {
    let name = "claims-stay";
    let scenario = Scenario::new(name);
    let claims = || scenario.kubectl(&["-n", name, "get", "pvc", "-o=name"]);
    scenario.up().expect_code(0);
    let said = scenario.verb(&["down", "--yes"]).expect_code(0);
    assert_said(name, &said);
    assert_eq!(claims().lines().count(), 4, "{}", claims());
    // It is as gone as it was.
    let again = scenario.verb(&["down", "--yes"]).expect_code(0);
    let keeps = "removed in 0s, keeps persistentvolumeclaim/data-db-0, persistentvolumeclaim/data-db-1, \
                 persistentvolumeclaim/data-db-2 and 1 more";
    assert!(again.text.contains(keeps), "{}", again.text);
    // One that somebody has made in its place since is none of the stack's.
    scenario.kubectl(&["-n", name, "delete", "pvc", "data-db-3"]);
    let other = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data-db-3}\nspec:\n  \
                 accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Mi}}\n";
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), other).expect("written");
    let path = file.path().to_str().expect("UTF-8");
    scenario.kubectl(&["-n", name, "apply", "-f", path]);
    let volumes = scenario
        .verb(&["down", "--yes", "--volumes"])
        .expect_code(0);
    assert_eq!(
        claims(),
        "persistentvolumeclaim/data-db-3\n",
        "{}",
        volumes.text
    );
    let stays = "namespace `claims-stay` stays: it holds persistentvolumeclaim/data-db-3";
    assert!(volumes.text.contains(stays), "{}", volumes.text);
    let records = [
        "-n",
        name,
        "get",
        "secrets",
        "-l",
        "stackctl.dev/stack",
        "-o=name",
    ];
    assert_eq!(
        scenario.kubectl(&records),
        "",
        "nothing is remembered any more"
    );
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
