//! Objects of a release that somebody deletes, and that are still going when the next `up` comes.

use std::fs;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::json;
use stackctl::event::EventKind;

use crate::support::{Cluster, Ended, Stack, Started, deployment, eventually, sandbox};

const FINALIZER: &str = "example.com/hold";

fn config() -> &'static str {
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n\
     data: {word: {{ .Values.word | default \"one\" }}}\n"
}

fn hold(name: &str, finalizers: &serde_json::Value) {
    Cluster::of(sandbox()).set_finalizers(name, "settings", finalizers);
}

fn delete_held(name: &str) {
    hold(name, &json!([FINALIZER]));
    Cluster::of(sandbox()).block_on(async |client| {
        let configs: Api<ConfigMap> = Api::namespaced(client, name);
        let deleted = configs.delete("settings", &DeleteParams::default()).await;
        deleted.expect("it is deleted");
    });
}

/// Lets the ConfigMap go once the run waits for it.
fn let_go(name: &str, mut run: Started) -> Ended {
    run.wait_for(|kind| {
        matches!(kind, EventKind::ReleaseWaiting { on, .. }
            if on.contains("configmap/settings (held by finalizer `example.com/hold`) to be gone"))
    });
    hold(name, &serde_json::Value::Null);
    run.end().expect_code(0)
}

#[track_caller]
fn expect_word(name: &str, word: &str) {
    let found = Cluster::of(sandbox()).block_on(async |client| {
        let configs: Api<ConfigMap> = Api::namespaced(client, name);
        configs.get("settings").await.expect("it is there")
    });
    assert!(found.metadata.deletion_timestamp.is_none(), "{found:?}");
    assert_eq!(found.data.expect("data")["word"], word);
}

#[test]
fn a_config_map_that_is_held_is_waited_for_and_made_anew() {
    let name = "going-held";
    let stack = Stack::new(name).release("web", config(), "timeout: 60s, set: {word: one}");
    let profile = stack.profile();
    let file = profile.to_str().expect("UTF-8").to_owned();
    Ended::up(&profile, &[]).expect_code(0);

    delete_held(name);
    let plan = ["plan", "--profile", &file, "--detailed-exitcode"];
    let told = Ended::of(&plan).expect_code(8).stdout;
    assert!(told.contains("configmap/settings"), "{told}");
    let status = ["status", "--profile", &file, "--exit-code"];
    let told = Ended::of(&status).expect_code(6);
    let says =
        format!("configmap/settings is being deleted; `stackctl up --profile {file}` puts it back");
    assert!(told.stdout.contains(&says), "{}", told.stdout);
    let up = let_go(name, Started::up(&profile));
    assert_eq!(
        up.warnings(),
        ["configmap/settings is being deleted: helm puts it back"]
    );
    expect_word(name, "one");

    // So it is where the release is changed as well.
    delete_held(name);
    let text = fs::read_to_string(&profile).expect("a profile");
    fs::write(&profile, text.replace("word: one", "word: two")).expect("a profile");
    let_go(name, Started::up(&profile));
    expect_word(name, "two");
    Ended::of(&["down", "--yes", "--profile", &file]).expect_code(0);
}

/// A change takes it away, and is undone while it is still going.
#[test]
fn what_a_chart_has_no_more_is_waited_for_only_when_it_comes_again() {
    let name = "going-dropped";
    let chart = format!(
        "{{{{ if .Values.has }}}}\n{}{{{{ end }}}}\n---\napiVersion: v1\nkind: ConfigMap\n\
         metadata: {{name: other}}\ndata: {{word: {{{{ .Values.word }}}}}}\n",
        config()
    );
    let stack =
        Stack::new(name).release("web", &chart, "timeout: 60s, set: {word: one, has: true}");
    let profile = stack.profile();
    let change = |from: &str, to: &str| {
        let text = fs::read_to_string(&profile).expect("a profile");
        assert!(text.contains(from), "{text}");
        fs::write(&profile, text.replace(from, to)).expect("a profile");
    };
    Ended::up(&profile, &[]).expect_code(0);
    delete_held(name);
    change("has: true", "has: false");
    let up = Ended::up(&profile, &[]).expect_code(0);
    let waits = |kind: &EventKind| matches!(kind, EventKind::ReleaseWaiting { on, .. } if on.contains("to be gone"));
    assert!(up.when("web", waits).is_none(), "{:#?}", up.events);
    change("has: false", "has: true");
    change("word: one", "word: two");
    let_go(name, Started::up(&profile));
    expect_word(name, "two");
    let file = profile.to_str().expect("UTF-8");
    Ended::of(&["down", "--yes", "--profile", file]).expect_code(0);
}

#[test]
fn a_deployment_that_is_deleted_in_the_foreground_comes_back() {
    let name = "going-foreground";
    let slow = deployment("web", "")
        .replace("PeriodSeconds: 1", "PeriodSeconds: 6")
        .replace("trap exit TERM", "trap 'sleep 4; exit' TERM")
        .replace("[sh, -c, '", "[sh, -c, \"")
        .replace("sleep 1; done']", "sleep 1; done\"]");
    let stack = Stack::new(name).release("web", &slow, "timeout: 60s");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    let deployment = || {
        Cluster::of(sandbox()).block_on(async |client| {
            let all: Api<Deployment> = Api::namespaced(client, name);
            all.get_opt("web").await.expect("an answer")
        })
    };
    let before = deployment().expect("it is there").uid();
    Cluster::of(sandbox()).block_on(async |client| {
        let all: Api<Deployment> = Api::namespaced(client, name);
        let deleted = all.delete("web", &DeleteParams::foreground()).await;
        deleted.expect("it is deleted");
    });
    let up = Ended::up(&profile, &[]).expect_code(0);
    assert_eq!(
        up.warnings(),
        ["deployment/web is being deleted: helm puts it back"]
    );
    eventually("another Deployment", Duration::from_secs(10), || {
        let now = deployment()?;
        (now.uid() != before && now.metadata.deletion_timestamp.is_none()).then_some(())
    });
    let file = profile.to_str().expect("UTF-8");
    Ended::of(&["down", "--yes", "--profile", file]).expect_code(0);
}
