//! Needs that are met before the release that is needed is ready.

use stackctl::event::{EventKind, Outcome};
use stackctl::snapshot::Snapshot;

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
