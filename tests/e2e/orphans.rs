//! Releases that the profile names no more.

use std::fs;
use std::path::Path;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use stackctl::event::EventKind;

use crate::support::{Cluster, Ended, Stack, deployment, helm, sandbox};

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

/// helm had uninstalled it when the run was killed, and what its hooks leave was still there.
#[test]
fn a_removal_that_was_killed_is_finished() {
    let hook = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stays, annotations: {helm.sh/hook: pre-install}}\n";
    let stack = Stack::new("orphans-killed")
        .release("api", &deployment("api", ""), "")
        .release("web", hook, "");
    let (profile, namespace) = (stack.profile(), stack.namespace());
    let cluster = Cluster::of(sandbox());
    let has_stays = || {
        cluster.block_on(async |client| {
            let maps: Api<ConfigMap> = Api::namespaced(client, namespace);
            maps.get_opt("stays").await.expect("an answer").is_some()
        })
    };
    Ended::up(&profile, &[]).expect_code(0);
    drop_release(&profile, "web");
    cluster.block_on(async |client| {
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let mark = json!({"metadata": {"labels": {"stackctl.dev/removal": "1"}}});
        let (how, mark) = (PatchParams::default(), Patch::Merge(mark));
        let patched = secrets.patch("sh.helm.release.v1.web.v1", &how, &mark);
        patched.await.expect("it is marked");
    });
    helm(&[
        "uninstall",
        "web",
        "--namespace",
        namespace,
        "--keep-history",
    ]);
    assert!(has_stays());
    Ended::up(&profile, &["--prune"]).expect_code(0);
    assert!(!has_stays());
    assert_eq!(cluster.release_status(namespace, "web"), None);
}

/// A chart has hooks that never ran, and another stack has ordinary objects of their names; and a claim that
/// is called like one of a StatefulSet's.
#[test]
fn a_removal_leaves_what_is_called_like_its_own() {
    let hook = |kind: &str, name: &str, event: &str| {
        format!(
            "---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: {event}}}}}\n"
        )
    };
    let object = |kind: &str, name: &str| {
        format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n")
    };
    let set = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 0
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: docker.io/library/busybox:1.36}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
";
    let claim = "---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data-db-1}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
";
    let never =
        hook("ConfigMap", "settings", "test") + &hook("ServiceAccount", "migrator", "pre-rollback");
    let others = object("ConfigMap", "settings") + &object("ServiceAccount", "migrator") + claim;
    let stack = Stack::new("alike")
        .release("db", &(set.to_owned() + &never), "")
        .release("backup", &others, "");
    let profile = stack.profile();
    let text = fs::read_to_string(&profile).expect("a profile");
    let other = stack.folder().join("other.yaml");
    fs::write(&other, text.replace("name: alike\n", "name: other\n")).expect("a profile");
    drop_release(&profile, "backup");
    drop_release(&other, "db");
    Ended::up(&profile, &[]).expect_code(0);
    Ended::up(&other, &[]).expect_code(0);
    let profile = profile.to_str().expect("UTF-8");
    Ended::of(&["down", "--yes", "--volumes", "--profile", profile]).expect_code(0);
    let other = other.to_str().expect("UTF-8");
    let said = Ended::of(&["plan", "--profile", other, "--detailed-exitcode"]);
    said.expect_code(0);
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
                it stays; `helm uninstall web -n orphans-down";
    for _ in 0..2 {
        let down = Ended::of(&down).expect_code(0);
        assert!(down.stdout.contains(said), "{}", down.stdout);
    }
    let web = Cluster::of(sandbox()).release_status("orphans-down", "web");
    assert_eq!(web.as_deref(), Some("deployed"));
}

/// helm has forgotten the release by then.
#[test]
fn a_prune_that_is_held_is_told_and_taken_up_again() {
    let name = "prune-held";
    let held = "apiVersion: v1\nkind: ConfigMap\n\
        metadata: {name: held, finalizers: [example.com/hold]}\n";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: free}\n";
    let stack = Stack::new(name)
        .release("api", config, "")
        .release("web", held, "timeout: 60s");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(0);
    drop_release(&profile, "web");
    let named = ["--profile", profile.to_str().expect("UTF-8")];
    let wanted = "waits for configmap/held (held by finalizer `example.com/hold`) to be gone";
    for _ in 0..2 {
        Ended::up(&profile, &["--prune", "--timeout", "5s"]).expect_code(6);
        let told = Ended::of(&[&["status"][..], &named].concat()).stdout;
        assert!(told.contains(wanted), "{told}");
        for verb in ["plan", "doctor"] {
            let told = Ended::of(&[&[verb][..], &named].concat()).stdout;
            assert!(told.contains("up --prune"), "{verb}: {told}");
        }
    }
    Cluster::of(sandbox()).set_finalizers(name, "held", &json!(null));
    Ended::up(&profile, &["--prune"]).expect_code(0);
    let told = Ended::of(&[&["status"][..], &named].concat()).stdout;
    assert!(!told.contains("web"), "{told}");
}
