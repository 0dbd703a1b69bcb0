//! Objects that these credentials may read one by one and not watch.

use stackctl::event::{EventKind, Outcome};
use stackctl::snapshot::{Condition, Custom, ObjectRef, Observation, Snapshot, Watched};

use crate::run_scripted;
use crate::scripted::{
    Script, Scripted, app, deployment, meta, object, pod_of, running, seen, service, workload,
};

fn hidden(group: &str, kind: &str, resource: &str) -> Observation {
    Observation::Hidden(Watched {
        group: group.into(),
        kind: kind.into(),
        resource: resource.into(),
        namespace: Some("test".into()),
    })
}

/// A release of this object alone, of which no watch tells.
fn unwatched(object: ObjectRef, hidden: Observation) -> Script {
    Script {
        objects: vec![object],
        tells: vec![(10, hidden)],
        helm: 300,
        ..Script::default()
    }
}

fn unwatched_deployment() -> Script {
    unwatched(deployment("a"), hidden("apps", "Deployment", "deployments"))
}

fn available(is: bool) -> Vec<Observation> {
    let [workload, _] = workload("a", is);
    vec![seen(workload)]
}

fn task() -> ObjectRef {
    object("example.com/v1", "Task", "nightly")
}

fn unwatched_task() -> Script {
    unwatched(task(), hidden("example.com", "Task", "tasks.example.com"))
}

fn task_that_is(ready: &str) -> Vec<Observation> {
    let ready = Condition {
        kind: "Ready".into(),
        status: ready.into(),
        reason: String::new(),
        message: "no broker answers".into(),
        since: None,
        observed_generation: None,
    };
    vec![seen(Snapshot::Custom(Custom {
        meta: meta("task", "nightly", None),
        object: task(),
        observed_generation: None,
        conditions: vec![ready],
        definition: None,
    }))]
}

#[test]
fn it_is_read_again_until_it_is_ready() {
    let cases = [
        (unwatched_deployment(), available(false), available(true)),
        (
            unwatched_task(),
            task_that_is("False"),
            task_that_is("True"),
        ),
    ];
    for (script, not_yet, at_last) in cases {
        let cluster = Scripted::new([("a", script)]);
        let answers = [not_yet.clone(), not_yet.clone(), not_yet, at_last];
        cluster.answers.borrow_mut().extend(answers);
        let ran = run_scripted(&[("a", &[])], &cluster);
        assert_eq!(ran.outcome, Outcome::Ready);
        let ready = ran.ready("a").unwrap();
        assert!((9_000..15_000).contains(&ready), "{ready}");
    }
}

#[test]
fn what_is_not_ready_in_time_says_which_right_would_show_it() {
    let absent = |object| vec![Observation::Absent(object)];
    let cases = [
        (
            unwatched_deployment(),
            vec![available(false)],
            "deployment/a: 0 of 1 pod available when it was last read; these credentials may not list \
             deployments in namespace `test`",
        ),
        (
            unwatched_deployment(),
            vec![available(false), absent(deployment("a"))],
            "deployment/a: not in the cluster when it was last read; these credentials may not list \
             deployments in namespace `test`",
        ),
        (
            unwatched_task(),
            vec![task_that_is("False"), absent(task())],
            "task/nightly: not in the cluster when it was last read; these credentials may not list \
             tasks.example.com in namespace `test`",
        ),
        (
            unwatched_task(),
            Vec::new(),
            "task/nightly: its state is not known: these credentials may not list tasks.example.com in \
             namespace `test`",
        ),
    ];
    for (script, answers, told) in cases {
        let cluster = Scripted::new([("a", script)]);
        cluster.answers.borrow_mut().extend(answers);
        let ran = run_scripted(&[("a", &[])], &cluster);
        assert_ne!(ran.outcome, Outcome::Ready, "{told}");
        let verdict = ran.verdict("a");
        assert!(verdict.sentence.ends_with(told), "{}", verdict.sentence);
        let hints = &verdict.hints;
        let hint = hints.iter().filter(|it| it.contains("`list` and `watch`"));
        assert_eq!(hint.count(), 1, "{hints:?}");
    }
}

#[test]
fn what_is_not_there_once_helm_has_returned_is_missing() {
    let script = Script {
        objects: vec![task()],
        helm: 300,
        ..Script::default()
    };
    let cluster = Scripted::new([("a", script)]);
    let absent = vec![Observation::Absent(task())];
    cluster.answers.borrow_mut().push_back(absent);
    let ran = run_scripted(&[("a", &[])], &cluster);
    assert_ne!(ran.outcome, Outcome::Ready);
    let sentence = &ran.verdict("a").sentence;
    assert!(
        sentence.ends_with("task/nightly: not in the cluster"),
        "{sentence}"
    );
}

#[test]
fn a_need_on_a_service_whose_endpoints_are_not_seen_says_so() {
    let mut a = app("a", &running(), None);
    a.objects.push(object("v1", "Service", "a"));
    let pod = pod_of("a", false, running(), 0);
    let [service, _] = service("a", &[&pod]);
    a.tells.push((100, seen(service)));
    let endpoints = hidden("discovery.k8s.io", "EndpointSlice", "endpointslices");
    a.tells.push((10, endpoints));
    let cluster = Scripted::new([("a", a), ("b", app("b", &running(), None))]);
    let ran = run_scripted(&[("a", &[]), ("b", &["a:service/a"])], &cluster);
    assert_eq!(ran.started("b"), None);
    let told = "service/a of release `a`: whether somebody answers for it is not known: these credentials \
                may not list endpointslices in namespace `test`";
    let waits =
        |event: &EventKind| matches!(event, EventKind::ReleaseWaiting { on, .. } if on == told);
    assert!(ran.when("b", waits).is_some());
    let hints = &ran.verdict("b").hints;
    assert!(hints[0].contains("on endpointslices in"), "{hints:?}");
}
