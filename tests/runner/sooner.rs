//! Needs that are met before the release that is needed is ready.

use stackctl::event::{EventKind, Outcome};
use stackctl::snapshot::{Hook, ObjectRef, Snapshot, Unread};

use crate::run_scripted;
use crate::scripted::{
    Script, Scripted, app, deployment, end, lacks, object, pod_of, running, seen, service, slow,
    workload,
};

/// `a` has two Deployments: `a` is available at once, `b` a minute later.
fn two_deployments() -> Script {
    let mut script = app("a", &running(), None);
    script.objects.push(deployment("b"));
    script
        .tells
        .extend(workload("b", false).map(|it| (100, seen(it))));
    script
        .tells
        .extend(workload("b", true).map(|it| (60_000, seen(it))));
    script
}

#[test]
fn deployed_means_that_helm_is_through() {
    let cluster = Scripted::new([("a", slow("a", 60_000)), ("b", app("b", &running(), None))]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a:deployed"])], &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
    let deployed = ran.when("a", |kind| {
        matches!(kind, EventKind::ReleaseDeployed { .. })
    });
    assert_eq!(ran.started("b"), deployed);
    assert!(ran.ready("b") < ran.ready("a"));
}

#[test]
fn an_object_is_waited_for_and_not_the_rest() {
    let cluster = Scripted::new([
        ("a", two_deployments()),
        ("first", app("first", &running(), None)),
        ("second", app("second", &running(), None)),
        ("both", app("both", &running(), None)),
    ]);
    let releases: &[(&str, &[&str])] = &[
        ("a", &[]),
        ("first", &["a:deployment/a"]),
        ("second", &["a:deploy/b"]),
        ("both", &["a:deployment/a", "a:deployment/b", "first"]),
    ];
    let ran = run_scripted(releases, &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(ran.started("first") < Some(10_000));
    assert!(ran.started("second") >= Some(60_000));
    assert!(ran.started("both") >= Some(60_000));
}

#[test]
fn a_service_is_waited_for_until_somebody_answers() {
    let mut a = two_deployments();
    a.objects.push(object("v1", "Service", "a"));
    let pod = pod_of("a", false, running(), 0);
    let told = |at, pods: &[&_]| service("a", pods).map(|it| (at, seen(it)));
    a.tells.extend(told(100, &[]));
    a.tells.extend(told(20_000, &[&pod]));
    let cluster = Scripted::new([("a", a), ("b", app("b", &running(), None))]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a:service/a"])], &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
    let started = ran.started("b").expect("it starts");
    assert!((20_000..60_000).contains(&started), "{started}");
}

#[test]
fn an_object_that_is_lost_again_is_waited_for_again() {
    let mut a = two_deployments();
    // It is away while `slow` keeps `b` waiting, and comes back.
    a.tells
        .extend(workload("a", false).map(|it| (5_000, seen(it))));
    a.tells
        .extend(workload("a", true).map(|it| (30_000, seen(it))));
    let cluster = Scripted::new([
        ("a", a),
        ("slow", slow("slow", 10_000)),
        ("b", app("b", &running(), None)),
    ]);
    let releases: &[(&str, &[&str])] = &[
        ("a", &[]),
        ("slow", &[]),
        ("b", &["a:deployment/a", "slow"]),
    ];
    let ran = run_scripted(releases, &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(ran.started("b") >= Some(30_000), "{:?}", ran.started("b"));
}

#[test]
fn an_object_that_is_not_there_is_named() {
    let cluster = Scripted::new([
        ("a", app("a", &running(), None)),
        ("b", app("b", &running(), None)),
        ("c", app("c", &running(), None)),
    ]);
    let releases: &[(&str, &[&str])] = &[("a", &[]), ("b", &["a:deployment/web"]), ("c", &["b"])];
    let ran = run_scripted(releases, &cluster);
    assert_eq!(ran.outcome, Outcome::Failed);
    let verdict = ran.verdict("b");
    assert_eq!(
        verdict.sentence,
        "it needs deployment/web of release `a`, which has no such object"
    );
    assert_eq!(verdict.hints, ["release `a` has `deployment/a`"]);
    let ends = ran.ends();
    assert_eq!(
        (ends["a"], ends["b"], ends["c"]),
        ("ready", "failed", "blocked")
    );
}

fn hook(object: ObjectRef, event: &str, stays: bool) -> Hook {
    Hook {
        object,
        events: vec![event.to_owned()],
        weight: 0,
        succeeded: false,
        ran: false,
        stays,
    }
}

/// How `b` ends that needs this of `a`, and why it fails if it does.
fn needs_of_hooks(need: &'static str) -> (String, Option<String>) {
    let config = |name| object("v1", "ConfigMap", name);
    let mut a = app("a", &running(), None);
    a.other_hooks = vec![
        hook(config("tests"), "test", true),
        hook(config("upgrades"), "pre-upgrade", true),
        hook(config("gone"), "post-install", false),
        hook(config("there"), "post-install", true),
        hook(object("batch/v1", "Job", "migrate"), "pre-install", false),
        hook(object("batch/v1", "Job", "smoke"), "test", true),
    ];
    let cluster = Scripted::new([("a", a), ("b", app("b", &running(), None))]);
    let ran = run_scripted(&[("a", &[]), ("b", &[need])], &cluster);
    let end = ran.ends()["b"].to_owned();
    let why = (end == "failed").then(|| ran.verdict("b").sentence.clone());
    (end, why)
}

#[test]
fn what_no_hook_leaves_is_never_there() {
    for need in ["a:configmap/there", "a:job/migrate"] {
        assert_eq!(needs_of_hooks(need), ("ready".to_owned(), None), "{need}");
    }
    let why = |need| needs_of_hooks(need).1.unwrap_or_default();
    assert_eq!(
        why("a:configmap/tests"),
        "it needs configmap/tests of release `a`, which only a hook makes: it is for `test` and has not run"
    );
    assert_eq!(
        why("a:configmap/upgrades"),
        "it needs configmap/upgrades of release `a`, which only a hook makes: it is for `pre-upgrade` and has not run"
    );
    assert_eq!(
        why("a:configmap/gone"),
        "it needs configmap/gone of release `a`, which only a hook makes: helm has deleted it again (`hook-succeeded`)"
    );
    assert_eq!(
        why("a:job/smoke"),
        "it needs job/smoke of release `a`, which only a hook makes: it is for `test` and has not run"
    );
}

#[test]
fn what_a_hook_makes_is_waited_for_as_an_object_is() {
    let mut a = app("a", &running(), None);
    let service_of_hook = object("v1", "Service", "front");
    a.other_hooks = vec![
        hook(deployment("hooked"), "pre-install", true),
        hook(service_of_hook, "post-install", true),
    ];
    for (at, available) in [(100, false), (20_000, true)] {
        let told = workload("hooked", available).map(|it| (at, seen(it)));
        a.tells.extend(told);
    }
    let pod = pod_of("a", false, running(), 0);
    let told = |at, pods: &[&_]| service("front", pods).map(|it| (at, seen(it)));
    a.tells.extend(told(100, &[]));
    a.tells.extend(told(40_000, &[&pod]));
    let cluster = Scripted::new([
        ("a", a),
        ("b", app("b", &running(), None)),
        ("c", app("c", &running(), None)),
    ]);
    let releases: &[(&str, &[&str])] = &[
        ("a", &[]),
        ("b", &["a:deployment/hooked"]),
        ("c", &["a:service/front"]),
    ];
    let ran = run_scripted(releases, &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(
        ran.ready("a") < Some(20_000),
        "it waits for its own objects"
    );
    let started = |id| ran.started(id).expect("it starts");
    assert!((20_000..40_000).contains(&started("b")), "{}", started("b"));
    assert!(started("c") >= 40_000, "{}", started("c"));
}

#[test]
fn who_started_is_not_stopped_by_what_becomes_of_the_rest() {
    let mut a = app("a", &running(), None);
    a.objects.push(deployment("b"));
    a.tells
        .extend(workload("b", false).map(|it| (100, seen(it))));
    for (at, restarts) in [(5_000, 1), (6_000, 2)] {
        let state = stackctl::snapshot::ContainerState::Terminated(end(1, restarts));
        let pod = pod_of("b", false, state, restarts);
        a.tells.push((at, seen(Snapshot::Pod(pod))));
    }
    let cluster = Scripted::new([
        ("a", a),
        ("part", app("part", &running(), None)),
        ("all", app("all", &running(), None)),
    ]);
    let releases: &[(&str, &[&str])] =
        &[("a", &[]), ("part", &["a:deployment/a"]), ("all", &["a"])];
    let ran = run_scripted(releases, &cluster);
    let ends = ran.ends();
    assert_eq!(
        (ends["a"], ends["part"], ends["all"]),
        ("failed", "ready", "blocked")
    );
}

/// `b` needs only a part of `a`, so it may bring what the rest of `a` lacks.
#[test]
fn who_needs_a_part_may_bring_what_the_rest_lacks() {
    let cluster = Scripted::new([
        ("a", app("a", &lacks("from-b"), Some(46_000))),
        ("b", slow("b", 45_000)),
    ]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a:deployed"])], &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
}

/// Nobody ever answers for the Service of a release that is ready.
#[test]
fn a_need_that_nobody_meets_is_told_and_has_an_end() {
    let mut a = app("a", &running(), None);
    a.objects.push(object("v1", "Service", "a"));
    a.tells.extend(service("a", &[]).map(|it| (100, seen(it))));
    let cluster = Scripted::new([
        ("a", a),
        ("late", slow("late", 30_000)),
        ("b", app("b", &running(), None)),
        ("c", app("c", &running(), None)),
    ]);
    let releases: &[(&str, &[&str])] = &[
        ("a", &[]),
        ("late", &[]),
        ("b", &["a:service/a", "late"]),
        ("c", &["b"]),
    ];
    let ran = run_scripted(releases, &cluster);
    assert_eq!(ran.outcome, Outcome::DeadlinePassed);
    let told = ran.when("b", |kind| {
        let EventKind::ReleaseWaiting { on, .. } = kind else {
            return false;
        };
        on == "service/a of release `a`: none of its endpoints is ready"
    });
    let rest = ran.ready("late").unwrap();
    assert_eq!(told, Some(rest));
    let failed = ran.when("b", |kind| matches!(kind, EventKind::ReleaseFailed { .. }));
    assert_eq!(failed, Some(rest + 1_200_000));
    assert_eq!(
        ran.verdict("b").sentence,
        "not started after 20m00s: it waits for service/a of release `a`: none of its endpoints is \
         ready"
    );
    assert_eq!(ran.ends()["c"], "blocked");
}

/// The one in the release's own namespace is ready; which one is not has to be said.
#[test]
fn of_a_name_in_two_namespaces_the_one_that_is_waited_for_is_named() {
    let mut a = two_deployments();
    let pod = pod_of("a", false, running(), 0);
    let there = ObjectRef {
        namespace: Some("elsewhere".into()),
        ..object("v1", "Service", "a")
    };
    a.objects.extend([object("v1", "Service", "a"), there]);
    a.tells
        .extend(service("a", &[&pod]).map(|it| (100, seen(it))));
    let [Snapshot::Service(mut away), _] = service("a", &[]) else {
        unreachable!()
    };
    away.meta.namespace = "elsewhere".into();
    away.meta.uid = "away".into();
    a.tells.push((100, seen(Snapshot::Service(away))));
    let cluster = Scripted::new([("a", a), ("b", app("b", &running(), None))]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a:service/a"])], &cluster);
    assert_eq!(
        ran.verdict("b").sentence,
        "not started after 20m00s: it waits for service/a of release `a` in namespace `elsewhere`: \
         none of its endpoints is ready"
    );
}

/// The release has its own deadline as long as it comes up.
#[test]
fn the_wait_for_a_part_has_no_end_of_its_own_while_the_rest_comes_up() {
    let mut a = two_deployments();
    let pod = |ready: bool| workload("b", ready).map(|it| (400_000, seen(it)));
    a.tells.truncate(4);
    a.tells.extend(pod(true));
    let cluster = Scripted::new([("a", a), ("b", app("b", &running(), None))]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a:deploy/b"])], &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
}

#[test]
fn what_only_helm_can_read_is_warned_of_and_the_rest_judged() {
    let mut script = slow("a", 20_000);
    script.unread = vec![Unread::Document(7), Unread::Hook("seed".into())];
    let cluster = Scripted::new([("a", script), ("b", app("b", &running(), None))]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a"])], &cluster);
    assert_eq!(ran.outcome, Outcome::Ready);
    assert!(ran.ready("a") >= Some(20_000));
    assert_eq!(
        ran.warnings(),
        [
            "the document that starts at line 7 of the manifest of release `a` can't be read: its \
             object is not watched",
            "the hook `seed` of release `a` can't be read: its object is not watched",
        ]
    );
}
