//! Namespaces that are being deleted, and what keeps them.

use std::fs;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use stackctl::event::EventKind;

use crate::support::{Cluster, Ended, Stack, Started, deployment, sandbox};

const FINALIZER: &str = "example.com/hold";

/// Makes a namespace with a ConfigMap that somebody holds, and deletes it.
fn going(name: &str) {
    Cluster::of(sandbox()).block_on(async |client| {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = json!({"metadata": {"name": name}});
        let namespace = serde_json::from_value(namespace).expect("a Namespace");
        let made = namespaces.create(&PostParams::default(), &namespace).await;
        made.expect("it is made");
        let held = json!({"metadata": {"name": "held", "finalizers": [FINALIZER]}});
        let held = serde_json::from_value(held).expect("a ConfigMap");
        let configs: Api<ConfigMap> = Api::namespaced(client, name);
        let made = configs.create(&PostParams::default(), &held).await;
        made.expect("it is made");
        let deleted = namespaces.delete(name, &DeleteParams::default()).await;
        deleted.expect("it is deleted");
    });
}

fn let_go(name: &str) {
    Cluster::of(sandbox()).set_finalizers(name, "held", &json!(null));
}

#[test]
fn one_that_is_being_deleted_is_waited_for_in_words() {
    let name = "namespace-going";
    let stack = Stack::new(name).release("web", &deployment("web", ""), "");
    let profile = stack.profile();
    let file = profile.to_str().expect("UTF-8");
    going(name);

    let up = ["up", "--profile", file, "--timeout", "8s", "--no-wait"];
    let told = Ended::of(&up).expect_code(6).stderr;
    assert!(
        told.contains("waits for namespace namespace-going, which is being deleted, to be gone"),
        "{told}"
    );
    assert!(told.contains(FINALIZER), "{told}");
    assert!(
        told.contains("namespace `namespace-going` is being deleted, and was not gone within 8s"),
        "{told}"
    );

    let down = ["down", "--yes", "--profile", file, "--timeout", "3s"];
    let told = Ended::of(&down).expect_code(6).stderr;
    assert!(
        told.contains(FINALIZER) && !told.contains("can-i"),
        "{told}"
    );

    let told = Ended::of(&["doctor", "--profile", file]).expect_code(0);
    let said = told.stdout + &told.stderr;
    assert!(
        said.contains("`namespace-going` is being deleted") && said.contains(FINALIZER),
        "{said}"
    );
    assert!(said.contains("`up` waits until it is gone"), "{said}");

    let own = stack.folder().join("own.yaml");
    let text = fs::read_to_string(&profile).expect("a profile");
    fs::write(&own, format!("createNamespace: false\n{text}")).expect("a profile");
    let told = Ended::up(&own, &[]).expect_code(4).stderr;
    assert!(
        told.contains("namespace `namespace-going` is being deleted") && told.contains(FINALIZER),
        "{told}"
    );

    let mut run = Started::up(&profile);
    run.wait_for(|kind| {
        matches!(kind, EventKind::NamespaceWaiting { kept, .. }
            if kept.iter().any(|why| why.contains(FINALIZER)))
    });
    let_go(name);
    run.end().expect_code(0).ready("web");
}

#[test]
fn a_down_waits_until_it_is_gone() {
    let name = "namespace-going-down";
    let stack = Stack::new(name).release("web", &deployment("web", ""), "");
    let profile = stack.profile();
    going(name);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_secs(4));
            let_go(name);
        });
        let file = profile.to_str().expect("UTF-8");
        let told = Ended::of(&["down", "--yes", "--profile", file]).expect_code(0);
        let waits = "waits for namespace namespace-going-down, which is being deleted";
        assert!(told.stderr.contains(waits), "{}", told.stderr);
    });
}
