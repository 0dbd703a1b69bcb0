//! One run at a time works on a stack, and what a dead one has left is taken up by the next.

use std::fs;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams, PostParams};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stackctl::event::{CancelReason, EventKind};

use crate::killed::helms;
use crate::support::{Cluster, Ended, Stack, Started, deployment, hook_job, sandbox};

/// The status of each of helm's revisions of a release, in order.
fn revisions(namespace: &str, release: &str) -> Vec<String> {
    Cluster::of(sandbox()).block_on(async |client| {
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let of = ListParams::default().labels(&format!("owner=helm,name={release}"));
        let mut found: Vec<(u32, String)> = secrets
            .list(&of)
            .await
            .expect("a list")
            .items
            .into_iter()
            .filter_map(|secret| {
                let mut labels = secret.metadata.labels?;
                Some((
                    labels.get("version")?.parse().ok()?,
                    labels.remove("status")?,
                ))
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, status)| status).collect()
    })
}

fn holder(stack: &Stack) -> Option<String> {
    Cluster::of(sandbox()).block_on(async |client| {
        let leases: Api<Lease> = Api::namespaced(client, stack.namespace());
        let name = format!("stackctl.{}", stack.namespace());
        let lease = leases.get_opt(&name).await.expect("an answer")?;
        lease.spec?.holder_identity.filter(|it| !it.is_empty())
    })
}

/// A release that takes as long as nobody says `go`.
fn slow(name: &str) -> Stack {
    Stack::new(name)
        .release(
            "web",
            &deployment("web", ""),
            "before: [{shell: 'touch begun; until [ -e go ]; do sleep 0.1; done'}]",
        )
        .release("late", &deployment("late", ""), "needs: [web]")
}

fn is_held_up(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ReleaseWaiting { on, .. } if on.contains("before helm"))
}

#[test]
fn a_second_run_waits_or_ends_with_7() {
    let stack = slow("lease-wait");
    let profile = stack.profile();
    let mut first = Started::up(&profile);
    first.wait_for(is_held_up);
    let told = Ended::up(&profile, &["--no-wait"]).expect_code(7);
    assert!(
        told.stderr.contains("is taken by `stackctl up`"),
        "{}",
        told.stderr
    );
    let mut second = Started::up(&profile);
    let pid = first.child.id();
    second.wait_for(|kind| matches!(kind, EventKind::LockWaiting { holder } if holder.pid == pid));
    fs::write(stack.folder().join("go"), "").expect("a file");
    first.end().expect_code(0);
    second.end().expect_code(0);
    assert_eq!(revisions(stack.namespace(), "web"), ["deployed"]);
    assert_eq!(holder(&stack), None, "it is given back");
}

#[test]
fn a_newer_run_can_ask_the_older_to_make_way() {
    let stack = slow("lease-supersede");
    let profile = stack.profile();
    let mut first = Started::up(&profile);
    first.wait_for(is_held_up);
    let second = Started::up_with(&profile, &["--supersede"]);
    let making_way = CancelReason::Superseded;
    first.wait_for(
        |kind| matches!(kind, EventKind::RunCancelling { reason } if *reason == making_way),
    );
    fs::write(stack.folder().join("go"), "").expect("a file");
    let first = first.end().expect_code(7);
    assert!(first.ready("web") > 0, "the release in hand is ended well");
    second.end().expect_code(0);
    assert_eq!(revisions(stack.namespace(), "web"), ["deployed"]);
    assert_eq!(revisions(stack.namespace(), "late"), ["deployed"]);
}

/// The API server takes any moment that Go can write.
#[test]
fn a_lease_of_the_year_9999() {
    let stack = Stack::new("lease-9999").release("web", &deployment("web", ""), "");
    let cluster = Cluster::of(sandbox());
    let lease = serde_json::json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "stackctl.lease-9999", "namespace": "lease-9999"},
        "spec": {
            "holderIdentity": "somebody", "leaseDurationSeconds": 15,
            "acquireTime": "9999-12-31T23:59:59.999999Z", "renewTime": "9999-12-31T23:59:59.999999Z",
        },
    });
    cluster.block_on(async |client| {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = serde_json::json!({"metadata": {"name": "lease-9999"}});
        let namespace = serde_json::from_value(namespace).expect("a Namespace");
        let made = namespaces.create(&PostParams::default(), &namespace).await;
        made.expect("it is made");
        let kind = ApiResource::erase::<Lease>(&());
        let leases: Api<DynamicObject> = Api::namespaced_with(client, "lease-9999", &kind);
        let lease = serde_json::from_value(lease).expect("a Lease");
        let made = leases.create(&PostParams::default(), &lease).await;
        made.expect("it is made");
    });
    let profile = stack.profile();
    let profile = profile.to_str().expect("UTF-8");
    for verb in ["status", "doctor"] {
        let told = Ended::of(&[verb, "--profile", profile]);
        let said = told.stdout + &told.stderr;
        assert!(told.code == 0 && !said.contains("bug"), "{verb}: {said}");
    }
    // Nobody renews it, whatever its time says.
    let told = Ended::of(&["up", "--profile", profile]).expect_code(0);
    assert!(told.stderr.contains("somebody"), "{}", told.stderr);
}

/// helm and stackctl are both killed while a hook is at work: nobody is left to write anything down.
#[test]
fn what_a_killed_run_has_left_is_taken_up() {
    let script = "echo begun; sleep 8; echo migrated";
    let hook = hook_job("migrate", "\"pre-install,pre-upgrade\"", script);
    let name = "lease-killed";
    let chart = format!("{}---\n{hook}", deployment("web", ""));
    let stack = Stack::new(name).release(name, &chart, "");
    let profile = stack.profile();
    let mut first = Started::up(&profile);
    first.wait_for(|kind| matches!(kind, EventKind::ContainerLog { line, .. } if line == "begun"));
    for helm in helms(name) {
        kill(Pid::from_raw(helm.cast_signed()), Signal::SIGKILL).expect("it lives");
    }
    first.signal(Signal::SIGKILL);
    first.end();
    assert_eq!(revisions(name, name), ["pending-install"]);

    // helm's dry run refuses it as it stands, `up` does not, and neither does a plan of before.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plan.json");
    let file = file.to_str().expect("UTF-8");
    let named = ["--profile", profile.to_str().expect("UTF-8")];
    let planned = Ended::of(&[&["plan", "--save", file][..], &named].concat()).expect_code(0);
    let left = "revision 1 is pending-install: `up` takes it up again";
    assert!(planned.stdout.contains(left), "{}", planned.stdout);
    let told = Ended::of(&[&["doctor"][..], &named].concat()).expect_code(0);
    assert!(
        told.stdout.contains("the next `up` takes it up again"),
        "{}",
        told.stdout
    );

    let second = Ended::up(&profile, &["--plan", file]).expect_code(0);
    let recovering = |from: &str| {
        second.when(
            name,
            |kind| matches!(kind, EventKind::ReleaseRecovering { from: it, .. } if it == from),
        )
    };
    assert!(recovering("pending-install").is_some(), "{}", second.stdout);
    let waits = |kind: &EventKind| matches!(kind, EventKind::ReleaseWaiting { on, .. } if on.contains("an earlier helm has left"));
    assert!(
        second.when(name, waits).is_some(),
        "the hook at work is waited for"
    );
    // helm upgrades over what it takes for the last good one, and says so.
    assert_eq!(revisions(name, name), ["superseded", "deployed"]);
    assert_eq!(holder(&stack), None);
}

#[test]
fn a_first_install_that_failed_is_made_anew() {
    let name = "lease-anew";
    let chart = |script: &str| {
        let hook = hook_job("setup", "pre-install", script);
        format!("{}---\n{hook}", deployment("web", ""))
    };
    let stack = Stack::new(name).release(name, &chart("exit 6"), "");
    let profile = stack.profile();
    Ended::up(&profile, &[]).expect_code(5);
    let template = stack.folder().join(name).join("templates/all.yaml");
    fs::write(template, chart("echo set up")).expect("a template");
    let second = Ended::up(&profile, &[]).expect_code(0);
    assert_eq!(second.log(name, "hook"), ["set up"], "{}", second.stdout);
    assert_eq!(revisions(name, name), ["deployed"]);
}
