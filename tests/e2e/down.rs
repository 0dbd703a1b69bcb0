//! What a removal takes along, and what it leaves.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use nix::sys::signal::Signal;
use serde_json::json;
use stackctl::event::EventKind;

use crate::support::{
    Cluster, Ended, Stack, Started, deployment, eventually, hook_job, sandbox, stackctl,
};

const SET: &str = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: docker.io/library/busybox:1.36
          command: [sh, -c, 'trap exit TERM; while :; do sleep 1; done']
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
";
const PASSWORD: &str = "apiVersion: v1
kind: Secret
metadata:
  name: password
  annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: \"-1\"}
stringData: {word: made-up}
";

fn down(stack: &Stack, more: &[&str]) -> Ended {
    let profile = stack.profile();
    let profile = profile.to_str().expect("a path in UTF-8");
    let args = ["down", "--yes", "--profile", profile, "--progress", "json"];
    Ended::of(&[&args[..], more].concat())
}

/// Jobs, claims and Secrets that are there, by kind and name, but for those of helm and stackctl.
fn there(namespace: &str) -> Vec<String> {
    Cluster::of(sandbox()).block_on(async |client| {
        let params = ListParams::default();
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
        let jobs: Api<k8s_openapi::api::batch::v1::Job> =
            Api::namespaced(client.clone(), namespace);
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let mut found = Vec::new();
        for claim in claims.list(&params).await.expect("a list") {
            found.push(format!("claim/{}", claim.metadata.name.unwrap_or_default()));
        }
        for job in jobs.list(&params).await.expect("a list") {
            found.push(format!("job/{}", job.metadata.name.unwrap_or_default()));
        }
        for secret in secrets.list(&params).await.expect("a list") {
            found.push(format!(
                "secret/{}",
                secret.metadata.name.unwrap_or_default()
            ));
        }
        found
    })
}

fn has_namespace(name: &str) -> bool {
    Cluster::of(sandbox()).block_on(async |client| {
        let namespaces: Api<Namespace> = Api::all(client);
        let found = namespaces.get_opt(name).await.expect("an answer");
        found.is_some_and(|it| it.metadata.deletion_timestamp.is_none())
    })
}

/// The chart has called its set and the template of its claims otherwise since.
#[test]
fn claims_of_an_earlier_revision_are_told_and_go_with_the_volumes() {
    let name = "down-earlier";
    let stack = Stack::new(name).release("db", SET, "");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    let renamed = SET
        .replace("name: db", "name: store")
        .replace("name: data", "name: disk");
    fs::write(stack.folder().join("db/templates/all.yaml"), renamed).expect("a template");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    let ended = down(&stack, &[]).expect_code(0);
    let keeps =
        "\"kept\":[\"persistentvolumeclaim/data-db-0\",\"persistentvolumeclaim/disk-store-0\"]";
    assert!(ended.stdout.contains(keeps), "{}", ended.stdout);
    down(&stack, &["--volumes"]).expect_code(0);
    assert!(!has_namespace(name) || there(name).is_empty());
}

#[test]
fn hooks_go_and_what_holds_data_stays_unless_it_is_asked_for() {
    let name = "down-hooks";
    let seed = hook_job("seed", "post-install", "echo seeded");
    let stack = Stack::new(name).release("db", &format!("{SET}---\n{PASSWORD}---\n{seed}"), "");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    down(&stack, &[]).expect_code(0);
    let record = format!("secret/stackctl.dev.stack.{name}");
    let stays = ["claim/data-db-0", "secret/password", &record];
    assert_eq!(there(name), stays, "and that they do is remembered");
    assert!(has_namespace(name), "there is a volume in it");

    Ended::up(&stack.profile(), &[]).expect_code(0);
    down(&stack, &["--volumes"]).expect_code(0);
    assert!(!has_namespace(name) || there(name).is_empty());
    assert!(!has_namespace(name), "nothing is left in it");
}

/// The kind that nobody watches, and whoever holds it.
#[test]
fn a_finalizer_that_hangs_is_named() {
    let name = "down-held";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held}\ndata: {a: b}\n";
    let chart = format!("{}---\n{config}", deployment("web", ""));
    let stack = Stack::new(name).release("web", &chart, "timeout: 20s");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    let finalizers = |value: serde_json::Value| {
        Cluster::of(sandbox()).set_finalizers(name, "held", &value);
    };
    finalizers(json!(["example.com/hold"]));
    let held = down(&stack, &[]).expect_code(6);
    let waits = |kind: &EventKind| {
        matches!(kind, EventKind::ReleaseWaiting { on, .. }
            if on.contains("configmap/held (held by finalizer `example.com/hold`)"))
    };
    assert!(held.when("web", waits).is_some(), "{}", held.stdout);
    let verdict = held.verdict("web");
    assert!(verdict.sentence.contains("configmap/held"), "{verdict:?}");
    assert!(
        verdict.hints[0].contains("the controller of `example.com`"),
        "{verdict:?}"
    );
    finalizers(serde_json::Value::Null);
    down(&stack, &[]).expect_code(0);
}

/// A hook's Secret outlives a removal that came to its deadline, and is not forgotten by it.
#[test]
fn what_stays_of_a_removal_that_was_held_is_remembered() {
    let name = "down-held-hook";
    let hook = |kind: &str, metadata: &str| {
        format!(
            "---\napiVersion: v1\nkind: {kind}\n\
             metadata: {{{metadata}, annotations: {{helm.sh/hook: pre-install}}}}\n"
        )
    };
    let chart = deployment("web", "")
        + &hook("Secret", "name: made-up")
        + &hook("ConfigMap", "name: held, finalizers: [example.com/hold]")
        + &hook("Namespace", "name: down-held-hooks");
    let stack = Stack::new(name).release("web", &chart, "timeout: 20s");
    let remove_other = || Cluster::of(sandbox()).remove_namespace("down-held-hooks");
    remove_other();
    Ended::up(&stack.profile(), &[]).expect_code(0);
    let held = down(&stack, &["--timeout", "8s"]).expect_code(6);
    let hint = &held.verdict("web").hints[0];
    let patch = "`kubectl patch configmap/held -n down-held-hook --type merge";
    assert!(hint.contains(patch), "{hint}");
    Cluster::of(sandbox()).set_finalizers(name, "held", &json!(null));
    let kept = |ended: &Ended| {
        ended.events.iter().find_map(|event| match &event.kind {
            EventKind::ReleaseRemoved { kept, .. } => Some(kept.clone()),
            _ => None,
        })
    };
    let second = down(&stack, &[]).expect_code(0);
    let stays = ["namespace/down-held-hooks", "secret/made-up"];
    assert_eq!(kept(&second), Some(stays.map(str::to_owned).to_vec()));
    assert_eq!(
        there(name),
        ["secret/made-up", "secret/stackctl.dev.stack.down-held-hook"]
    );
    down(&stack, &["--volumes"]).expect_code(0);
    assert!(!has_namespace(name), "nothing is left in it");

    // Undisturbed, the namespace that a hook has made is told: what others have in it would go too.
    remove_other();
    let chart = deployment("web", "") + &hook("Namespace", "name: down-held-hooks");
    std::fs::write(stack.folder().join("web/templates/all.yaml"), chart).expect("a template");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    let volumes = down(&stack, &["--volumes"]).expect_code(0);
    assert_eq!(
        kept(&volumes),
        Some(vec!["namespace/down-held-hooks".to_owned()])
    );
    assert!(has_namespace("down-held-hooks"));
    assert!(!has_namespace(name), "nothing is remembered");
    remove_other();
}

/// The run that waits for it finds the namespace gone, and makes it anew.
#[test]
fn an_up_that_waits_for_a_removal_comes_up() {
    let stack = Stack::new("down-then-up").release("web", &deployment("web", ""), "");
    let profile = stack.profile();
    let text = std::fs::read_to_string(&profile).expect("a profile");
    let text = text.replace("releases:\n", "createNamespace: true\nreleases:\n");
    std::fs::write(&profile, text).expect("a profile");
    Ended::up(&profile, &[]).expect_code(0);
    let path = profile.to_str().expect("a path in UTF-8");
    let args = ["down", "--yes", "--profile", path, "--progress", "json"];
    let removal = stackctl(&args)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("stackctl starts");
    let cluster = Cluster::of(sandbox());
    eventually("the removal is under way", Duration::from_secs(60), || {
        cluster
            .release_status("down-then-up", "web")
            .is_none()
            .then_some(())
    });
    let up = Ended::up(&profile, &[]).expect_code(0);
    up.ready("web");
    assert!(
        removal
            .wait_with_output()
            .expect("it ends")
            .status
            .success()
    );
    let status = cluster.release_status("down-then-up", "web");
    assert_eq!(status.as_deref(), Some("deployed"));
}

const HELD: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: held, finalizers: [example.com/hold]}
";

/// helm has forgotten the release by then; everybody knows of it all the same.
#[test]
fn a_removal_that_is_held_is_told_and_taken_up_again() {
    let name = "down-held-on";
    let stack = Stack::new(name).release("web", HELD, "timeout: 60s");
    let profile = stack.profile();
    let named = ["--profile", profile.to_str().expect("UTF-8")];
    let status = || Ended::of(&[&["status"][..], &named].concat()).stdout;
    let let_go = || Cluster::of(sandbox()).set_finalizers(name, "held", &json!(null));
    let held = "configmap/held (held by finalizer `example.com/hold`) to be gone";
    let waits =
        |kind: &EventKind| matches!(kind, EventKind::ReleaseWaiting { on, .. } if on == held);
    Ended::up(&profile, &[]).expect_code(0);

    // Killed while it waits, and come to its deadline.
    let mut killed = Started::down(&profile);
    killed.wait_for(waits);
    // It is written down right after it is told.
    eventually("it is remembered", Duration::from_secs(5), || {
        status().contains(held).then_some(())
    });
    killed.signal(Signal::SIGKILL);
    killed.end();
    down(&stack, &["--timeout", "5s"]).expect_code(6);
    let told = status();
    let wanted = format!("its removal has not ended: waits for {held}");
    assert!(
        told.contains(&wanted) && told.contains("patch configmap/held"),
        "{told}"
    );

    // Interrupted.
    let mut interrupted = Started::down(&profile);
    interrupted.wait_for(waits);
    interrupted.signal(Signal::SIGINT);
    interrupted.end().expect_code(130);
    assert!(status().contains(&wanted));

    let mut up = Started::up(&profile);
    up.wait_for(waits);
    let_go();
    up.end().expect_code(0);
    let told = Ended::of(&[&["status", "--exit-code"][..], &named].concat());
    assert_eq!(told.code, 0, "{}", told.stdout);

    let mut last = Started::down(&profile);
    last.wait_for(waits);
    let_go();
    last.end().expect_code(0);
}

/// It would go on making objects of what is being removed.
#[test]
fn a_release_that_another_helm_is_at_work_on_is_left_alone() {
    let name = "down-at-work";
    let hook = hook_job("slow", "pre-upgrade", "sleep 600");
    let chart = format!("{}---\n{hook}", deployment("web", ""));
    let stack = Stack::new(name).release("web", &chart, "");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    let folder = stack.folder().join("web");
    let folder = folder.to_str().expect("UTF-8");
    let mut theirs = Command::new(sandbox().helm());
    theirs.args(["upgrade", "web", folder, "--namespace", name]);
    theirs.env("KUBECONFIG", sandbox().kubeconfig());
    theirs.stdin(Stdio::null()).stdout(Stdio::null());
    let mut theirs = theirs.spawn().expect("helm runs");
    let cluster = Cluster::of(sandbox());
    eventually("helm is at its hook", Duration::from_secs(60), || {
        let status = cluster.release_status(name, "web");
        status.filter(|it| it == "pending-upgrade")
    });

    let refused = down(&stack, &[]).expect_code(5);
    let verdict = refused.verdict("web");
    assert!(
        verdict
            .sentence
            .contains("somebody's helm may still be at work"),
        "{verdict:?}"
    );
    assert!(
        verdict.hints[1].contains("`stackctl down --recover`"),
        "{verdict:?}"
    );
    theirs.kill().expect("it lives");
    theirs.wait().expect("it has ended");
    down(&stack, &["--recover"]).expect_code(0);
    assert_eq!(cluster.release_status(name, "web"), None);
}

/// helm deletes nothing of a release while one of its kinds is missing, and says so nowhere but in its
/// debug log.
#[test]
fn a_kind_that_is_gone_is_named() {
    let name = "down-no-kind";
    let definition = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.down.example.com}
spec:
  group: down.example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";
    let gadget = "apiVersion: down.example.com/v1\nkind: Gadget\nmetadata: {name: one}\n";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\n";
    let stack = Stack::new(name).release("web", &format!("{gadget}---\n{config}"), "");
    let crds = stack.folder().join("web/crds");
    fs::create_dir_all(&crds).expect("a folder");
    fs::write(crds.join("gadgets.yaml"), definition).expect("a definition");
    Ended::up(&stack.profile(), &[]).expect_code(0);
    Cluster::of(sandbox()).block_on(async |client| {
        let definitions: Api<CustomResourceDefinition> = Api::all(client);
        let params = DeleteParams::default();
        let deleted = definitions.delete("gadgets.down.example.com", &params);
        deleted.await.expect("it is deleted");
        let gone = || definitions.get_opt("gadgets.down.example.com");
        while gone().await.expect("an answer").is_some() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    // What helm has learned of the cluster before is kept at home, for hours.
    let profile = stack.profile();
    let profile = profile.to_str().expect("a path in UTF-8");
    let args = ["down", "--yes", "--profile", profile, "--progress", "plain"];
    let mut refused = stackctl(&args);
    let refused = refused.env("HOME", stack.folder()).output();
    let refused = refused.expect("stackctl runs");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    let told = told + &String::from_utf8_lossy(&refused.stdout);
    assert_eq!(refused.status.code(), Some(5), "{told}");
    assert!(
        told.contains("the cluster does not know kind `Gadget` of `down.example.com/v1`"),
        "{told}"
    );
    assert!(
        told.contains("install what defines `Gadget` again"),
        "{told}"
    );

    let definition: CustomResourceDefinition =
        serde_saphyr::from_str(definition).expect("a definition");
    Cluster::of(sandbox()).block_on(async |client| {
        let definitions: Api<CustomResourceDefinition> = Api::all(client);
        let params = PostParams::default();
        let made = definitions.create(&params, &definition);
        made.await.expect("it is made");
    });
    eventually("it is served", Duration::from_secs(30), || {
        (down(&stack, &[]).code == 0).then_some(())
    });
    assert!(!has_namespace(name), "nothing is left in it");
}
