//! Needs on objects of every kind that is not ready at once.

use stackctl::event::{EventKind, Outcome};
use stackctl::snapshot::{
    Claim, Condition, ContainerState, Custom, Definition, Job, ObjectRef, Observation, Owner,
    Snapshot, UpdateStrategy, Workload, WorkloadKind,
};

use crate::scripted::{Script, Scripted, app, end, meta, object, pod_of, running, seen, workload};
use crate::{Ran, run_scripted};

struct Kind {
    object: ObjectRef,
    need: &'static str,
    unmet: Snapshot,
    /// What is told while it is not met.
    told: &'static str,
    met: Snapshot,
}

fn holds(kind: &str) -> Condition {
    Condition {
        kind: kind.into(),
        status: "True".into(),
        reason: String::new(),
        message: String::new(),
        since: None,
        observed_generation: None,
    }
}

fn claim(phase: &str) -> Snapshot {
    Snapshot::Claim(Claim {
        meta: meta("claim", "data", None),
        phase: phase.into(),
        storage_class: None,
        volume: None,
    })
}

fn job(suspended: bool) -> Snapshot {
    let conditions = match suspended {
        true => Vec::new(),
        false => vec![holds("Complete")],
    };
    Snapshot::Job(Job {
        meta: meta("job", "seed", None),
        completions: Some(1),
        managed_by: None,
        parallelism: 1,
        backoff_limit: 6,
        suspended,
        active: 0,
        succeeded: u32::from(!suspended),
        failed: 0,
        conditions,
    })
}

fn custom(object: &ObjectRef, conditions: Vec<Condition>) -> Snapshot {
    let definition = (object.kind == "CustomResourceDefinition").then(|| Definition {
        group: "example.com".into(),
        kind: "Task".into(),
        promises_ready: true,
    });
    Snapshot::Custom(Custom {
        meta: meta(&object.name, &object.name, None),
        object: object.clone(),
        observed_generation: None,
        conditions,
        definition,
    })
}

fn kinds() -> [Kind; 4] {
    let definition = object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "tasks.example.com",
    );
    let task = object("example.com/v1", "Task", "nightly");
    let mut not_yet = holds("Ready");
    not_yet.status = "False".into();
    not_yet.message = "no broker answers".into();
    [
        Kind {
            object: object("v1", "PersistentVolumeClaim", "data"),
            need: "a:pvc/data",
            unmet: claim("Pending"),
            told: "persistentvolumeclaim/data of release `a`: not bound",
            met: claim("Bound"),
        },
        Kind {
            need: "a:customresourcedefinition/tasks.example.com",
            unmet: custom(&definition, Vec::new()),
            told: "customresourcedefinition/tasks.example.com of release `a`: not established",
            met: custom(
                &definition,
                vec![holds("NamesAccepted"), holds("Established")],
            ),
            object: definition,
        },
        Kind {
            need: "a:task/nightly",
            unmet: custom(&task, vec![not_yet]),
            told: "task/nightly of release `a`: no broker answers",
            met: custom(&task, vec![holds("Ready")]),
            object: task,
        },
        Kind {
            object: object("batch/v1", "Job", "seed"),
            need: "a:job/seed",
            unmet: job(true),
            told: "job/seed of release `a`: suspended",
            met: job(false),
        },
    ]
}

/// `b` needs this of `a`, which has it from the start and, where `at` says so, as it should be from then on.
fn run(kind: &Kind, at: Option<u64>) -> Ran {
    let mut a: Script = app("a", &running(), None);
    a.objects.push(kind.object.clone());
    a.tells.push((100, seen(kind.unmet.clone())));
    a.tells.extend(at.map(|at| (at, seen(kind.met.clone()))));
    let cluster = Scripted::new([("a", a), ("b", app("b", &running(), None))]);
    run_scripted(&[("a", &[]), ("b", &[kind.need])], &cluster)
}

#[test]
fn one_that_is_met_lets_the_other_start() {
    for kind in kinds() {
        let ran = run(&kind, Some(40_000));
        assert_eq!(ran.outcome, Outcome::Ready, "{}", kind.need);
        let started = ran.started("b").unwrap();
        assert!(
            (40_000..42_000).contains(&started),
            "{} {started}",
            kind.need
        );
    }
}

#[test]
fn one_that_is_never_met_is_told_and_has_an_end() {
    for kind in kinds() {
        let ran = run(&kind, None);
        assert_ne!(ran.outcome, Outcome::Ready, "{}", kind.need);
        let told = ran.when(
            "b",
            |event| matches!(event, EventKind::ReleaseWaiting { on, .. } if on == kind.told),
        );
        assert!(
            told < Some(5_000) && told.is_some(),
            "{} {told:?}",
            kind.need
        );
        assert_eq!(ran.started("b"), None, "{}", kind.need);
        let ends = ran.ends();
        assert_ne!(ends["a"], "ready", "{}", kind.need);
        assert_eq!(ends["b"], "blocked", "{}", kind.need);
    }
}

#[test]
fn what_vanishes_while_it_is_waited_for_does_not_become_ready() {
    for kind in kinds() {
        let mut a: Script = app("a", &running(), None);
        a.objects.push(kind.object.clone());
        a.tells.push((100, seen(kind.unmet.clone())));
        a.tells
            .push((20_000, Observation::Gone(kind.unmet.clone())));
        let cluster = Scripted::new([("a", a), ("b", app("b", &running(), None))]);
        let ran = run_scripted(&[("a", &[]), ("b", &["a"])], &cluster);
        assert_ne!(ran.ends()["a"], "ready", "{}", kind.need);
        assert_eq!(ran.ends()["b"], "blocked", "{}", kind.need);
        let sentence = &ran.verdict("a").sentence;
        assert!(sentence.ends_with(": not in the cluster"), "{sentence}");
    }
}

#[test]
fn pods_that_nobody_replaces_are_told_of_what_is_ready() {
    let mut script = app("a", &running(), None);
    let mut told = 0;
    for (_, observation) in &mut script.tells {
        if let Observation::Seen(Snapshot::Workload(workload)) = observation {
            workload.strategy = UpdateStrategy::OnDelete;
            workload.kind = WorkloadKind::StatefulSet;
            (workload.desired, workload.ready, workload.updated) = (1, 1, 0);
            told += 1;
        }
    }
    assert!(told > 0);
    script.objects[0].kind = "StatefulSet".into();
    let ran = run_scripted(&[("a", &[])], &Scripted::new([("a", script)]));
    assert_eq!(ran.outcome, Outcome::Ready);
    assert_eq!(
        ran.warnings(),
        [
            "statefulset/a: 1 of 1 pod not updated: with `OnDelete`, a pod is replaced once somebody deletes it"
        ]
    );
}

#[test]
fn what_only_counts_its_pods_is_judged_by_them() {
    let kinds = [
        ("apps/v1", WorkloadKind::ReplicaSet),
        ("v1", WorkloadKind::ReplicationController),
    ];
    for (api_version, kind) in kinds {
        let mut script = app("a", &running(), None);
        script.objects = vec![object(api_version, kind.as_str(), "web")];
        script.tells.clear();
        let [Snapshot::Workload(workload), _] = workload("web", false) else {
            unreachable!()
        };
        let workload = Workload { kind, ..workload };
        let owner = Owner {
            uid: workload.meta.uid.clone(),
            kind: kind.as_str().to_owned(),
            name: "web".to_owned(),
        };
        script.tells.push((100, seen(Snapshot::Workload(workload))));
        for (at, restarts) in [(5_000, 1), (6_000, 2)] {
            let state = ContainerState::Terminated(end(1, restarts));
            let mut pod = pod_of("web", false, state, restarts);
            pod.meta.owner = Some(owner.clone());
            script.tells.push((at, seen(Snapshot::Pod(pod))));
        }
        let cluster = Scripted::new([("a", script), ("b", app("b", &running(), None))]);
        let ran = run_scripted(&[("a", &[]), ("b", &["a"])], &cluster);
        assert_eq!(ran.ends()["a"], "failed", "{kind:?}");
        assert_eq!(ran.ends()["b"], "blocked", "{kind:?}");
        let sentence = &ran.verdict("a").sentence;
        assert!(
            sentence.contains("failed twice with exit code 1"),
            "{sentence}"
        );
    }
}
