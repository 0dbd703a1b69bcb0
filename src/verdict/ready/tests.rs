use super::super::build::{condition, meta, workload};
use super::*;
use crate::snapshot::{
    Claim, ClusterEvent, Condition, Custom, Endpoints, Job, Meta, ObjectRef, Observation, Service,
    Snapshot, StorageClass, Uid, UpdateStrategy,
};

fn said(state: &State) -> String {
    let State {
        health,
        reason,
        ready,
        desired,
    } = state;
    format!("{health:?} {ready}/{desired} {reason}")
        .trim_end()
        .to_owned()
}

fn judge(kind: WorkloadKind, change: impl Fn(&mut Workload)) -> String {
    let mut workload = workload(kind);
    change(&mut workload);
    said(&workload_state(&workload, 1))
}

#[test]
fn deployments() {
    let judge = |change: &dyn Fn(&mut Workload)| judge(WorkloadKind::Deployment, change);
    assert_eq!(judge(&|_| {}), "Ready 3/3");
    assert_eq!(
        judge(&|d| d.observed_generation = 1),
        "Progressing 0/3 its controller has not seen the change yet"
    );
    assert_eq!(
        judge(&|d| d.updated = 1),
        "Progressing 1/3 1 of 3 pods updated"
    );
    assert_eq!(
        judge(&|d| d.current = 4),
        "Progressing 1/3 1 old pod still there"
    );
    assert_eq!(
        judge(&|d| d.available = 2),
        "Progressing 1/3 2 of 3 pods available"
    );
    assert_eq!(judge(&|d| d.paused = true), "Ready 3/3");
    assert_eq!(
        judge(&|d| (d.desired, d.updated, d.current) = (0, 1, 2)),
        "Progressing 0/0 1 old pod still there",
        "never more than are wanted"
    );
    let paused_on_the_way = |d: &mut Workload| (d.paused, d.updated) = (true, 1);
    assert_eq!(
        judge(&paused_on_the_way),
        "Progressing 1/3 paused, 1 of 3 pods updated"
    );
    let none = |d: &mut Workload| {
        (d.desired, d.current, d.updated, d.ready, d.available) = (0, 0, 0, 0, 0);
    };
    assert_eq!(judge(&none), "Ready 0/0");
    assert_eq!(
        judge(&|d| d.meta.deleting = true),
        "Progressing 0/3 being deleted"
    );
}

#[test]
fn stateful_sets() {
    let judge = |change: &dyn Fn(&mut Workload)| judge(WorkloadKind::StatefulSet, change);
    assert_eq!(judge(&|_| {}), "Ready 3/3");
    assert_eq!(judge(&|s| s.ready = 2), "Progressing 1/3 2 of 3 pods ready");
    assert_eq!(
        judge(&|s| s.updated = 2),
        "Progressing 1/3 2 of 3 pods updated"
    );
    let below_partition = |s: &mut Workload| {
        s.strategy = UpdateStrategy::Rolling { partition: 2 };
        s.updated = 1;
        s.update_revision = "web-2".to_owned();
    };
    assert_eq!(judge(&below_partition), "Ready 3/3");
    let all_below = |s: &mut Workload| {
        s.strategy = UpdateStrategy::Rolling { partition: 9 };
        s.updated = 0;
        s.update_revision = "web-2".to_owned();
    };
    assert_eq!(judge(&all_below), "Ready 3/3");
    let back_to_what_is_below = |s: &mut Workload| {
        s.strategy = UpdateStrategy::Rolling { partition: 1 };
        s.updated = 2;
    };
    assert_eq!(
        judge(&back_to_what_is_below),
        "Progressing 1/3 2 of 3 pods updated"
    );
    let on_delete = |s: &mut Workload| {
        s.strategy = UpdateStrategy::OnDelete;
        s.updated = 0;
    };
    assert_eq!(judge(&on_delete), "Ready 3/3");
}

#[test]
fn pods_that_nobody_replaces_are_told() {
    let told = |kind, strategy, updated| {
        let mut workload = workload(kind);
        (workload.strategy, workload.updated) = (strategy, updated);
        left_old(&workload)
    };
    let (set, on_delete) = (WorkloadKind::StatefulSet, UpdateStrategy::OnDelete);
    assert_eq!(
        told(set, on_delete, 1).as_deref(),
        Some(
            "2 of 3 pods not updated: with `OnDelete`, a pod is replaced once somebody \
             deletes it"
        )
    );
    let below = UpdateStrategy::Rolling { partition: 2 };
    assert_eq!(
        told(set, below, 1).as_deref(),
        Some("2 of 3 pods not updated: its `partition` keeps them")
    );
    assert_eq!(told(set, on_delete, 3), None);
    assert!(told(WorkloadKind::DaemonSet, on_delete, 0).is_some());
    assert_eq!(told(WorkloadKind::ReplicaSet, on_delete, 0), None);
}

#[test]
fn daemon_sets() {
    let judge = |change: &dyn Fn(&mut Workload)| judge(WorkloadKind::DaemonSet, change);
    assert_eq!(judge(&|_| {}), "Ready 3/3");
    assert_eq!(
        judge(&|s| s.updated = 2),
        "Progressing 1/3 2 of 3 pods updated"
    );
    assert_eq!(
        judge(&|s| s.available = 2),
        "Progressing 1/3 2 of 3 pods available"
    );
    let fresh = |s: &mut Workload| {
        s.observed_generation = 0;
        s.desired = 0;
    };
    assert_eq!(
        judge(&fresh),
        "Progressing 0/0 its controller has not seen the change yet"
    );
}

#[test]
fn what_only_counts_its_pods() {
    for kind in [
        WorkloadKind::ReplicaSet,
        WorkloadKind::ReplicationController,
    ] {
        let judge = |change: &dyn Fn(&mut Workload)| judge(kind, change);
        assert_eq!(judge(&|_| {}), "Ready 3/3");
        assert_eq!(
            judge(&|s| s.available = 2),
            "Progressing 1/3 2 of 3 pods available"
        );
        assert_eq!(
            judge(&|s| s.current = 4),
            "Progressing 1/3 1 pod more than wanted"
        );
        assert_eq!(
            judge(&|s| s.observed_generation = 1),
            "Progressing 0/3 its controller has not seen the change yet"
        );
    }
}

#[test]
fn jobs() {
    let of = |conditions: &[Condition], suspended| Job {
        meta: meta("migrate"),
        completions: Some(2),
        managed_by: None,
        parallelism: 1,
        backoff_limit: 6,
        suspended,
        active: 1,
        succeeded: 1,
        failed: 9,
        conditions: conditions.to_vec(),
    };
    let judge = |conditions: &[Condition], suspended| said(&job::state(&of(conditions, suspended)));
    let mut none = of(&[], false);
    (none.parallelism, none.active) = (0, 0);
    assert_eq!(
        said(&job::state(&none)),
        "Progressing 1/2 its `parallelism` is 0, so that no pod starts"
    );
    none.managed_by = Some("kueue.x-k8s.io/multikueue".into());
    assert_eq!(
        said(&job::state(&none)),
        "Progressing 1/2 left to the controller `kueue.x-k8s.io/multikueue` (`managedBy`)"
    );
    // However many have failed: the conditions decide.
    assert_eq!(judge(&[], false), "Progressing 1/2 1 of 2 done, 1 active");
    assert_eq!(judge(&[], true), "Progressing 1/2 suspended");
    assert_eq!(
        judge(&[condition("Complete", "True", "")], false),
        "Ready 2/2"
    );
    assert_eq!(
        judge(&[condition("Failed", "True", "DeadlineExceeded")], false),
        "Failed 1/2 DeadlineExceeded"
    );
    assert_eq!(
        judge(
            &[condition("FailureTarget", "True", "PodFailurePolicy")],
            false
        ),
        "Failed 1/2 PodFailurePolicy"
    );
    assert_eq!(
        judge(&[condition("Failed", "False", "")], false),
        "Progressing 1/2 1 of 2 done, 1 active"
    );
}

fn class(name: &str, is_default: bool, waits: bool) -> Observation {
    Observation::Seen(Snapshot::StorageClass(StorageClass {
        uid: Uid::from(name),
        name: name.to_owned(),
        is_default,
        waits_for_first_consumer: waits,
    }))
}

#[test]
fn claims() {
    let judge = |world: &World, phase: &str, class: Option<&str>| {
        let claim = Claim {
            meta: meta("data"),
            phase: phase.to_owned(),
            storage_class: class.map(str::to_owned),
            volume: None,
        };
        said(&claim::state(world, &claim))
    };
    let mut world = World::default();
    assert_eq!(judge(&world, "Bound", None), "Ready 1/1");
    assert_eq!(judge(&world, "Lost", None), "Failed 0/1 its volume is lost");
    assert_eq!(judge(&world, "Pending", None), "Progressing 0/1 not bound");

    // Classes that can't be seen: the volume controller's event speaks for them.
    world.apply(&Observation::Seen(Snapshot::Event(ClusterEvent {
        uid: Uid::from("event"),
        about: ObjectRef {
            api_version: "v1".to_owned(),
            kind: "PersistentVolumeClaim".to_owned(),
            namespace: Some("oro".to_owned()),
            name: "data".to_owned(),
        },
        about_uid: Uid::from("data"),
        container: None,
        warning: false,
        reason: "WaitForFirstConsumer".to_owned(),
        message: String::new(),
        count: 1,
        last_seen: None,
    })));
    let usable = "Ready 1/1 waits for its first consumer";
    assert_eq!(judge(&world, "Pending", Some("lazy")), usable);

    // Classes that can be seen have the last word.
    world.apply(&class("lazy", true, true));
    world.apply(&class("eager", false, false));
    assert_eq!(judge(&world, "Pending", Some("lazy")), usable);
    assert_eq!(judge(&world, "Pending", None), usable);
    assert_eq!(
        judge(&world, "Pending", Some("eager")),
        "Progressing 0/1 not bound"
    );
}

#[test]
fn services() {
    let mut world = World::default();
    for (name, pods) in [("v4", ["new", "old"]), ("v6", ["new", "old"])] {
        world.apply(&Observation::Seen(Snapshot::Endpoints(Endpoints {
            meta: meta(name),
            service: "web".to_owned(),
            ready_pods: pods.map(Uid::from).to_vec(),
            ready: 2,
            has_ports: true,
        })));
    }
    let judge = |kind: &str, has_ingress, has_selector| {
        let service = Service {
            meta: meta("web"),
            kind: kind.to_owned(),
            has_selector,
            has_ingress,
            target_ports: vec!["http".to_owned()],
        };
        let is_old = |pod: &Uid| *pod == Uid::from("old");
        said(&service::state(&world, &service, &is_old))
    };
    // Endpoints of old pods, and a second slice for the same pods, don't count.
    assert_eq!(judge("ClusterIP", false, true), "Ready 1/1");
    assert_eq!(
        judge("LoadBalancer", false, true),
        "Progressing 1/1 no load balancer address"
    );
    assert_eq!(judge("LoadBalancer", true, true), "Ready 1/1");
    assert_eq!(judge("ExternalName", false, false), "Ready 1/0");
}

#[test]
fn a_port_that_no_pod_has_leads_nowhere() {
    let judge = |slices: &[bool], ports: &[&str]| {
        let mut world = World::default();
        for (at, &has_ports) in slices.iter().enumerate() {
            world.apply(&Observation::Seen(Snapshot::Endpoints(Endpoints {
                meta: meta(&format!("web-{at}")),
                service: "web".to_owned(),
                ready_pods: vec![Uid::from(format!("pod-{at}"))],
                ready: 1,
                has_ports,
            })));
        }
        let service = Service {
            meta: meta("web"),
            kind: "ClusterIP".to_owned(),
            has_selector: true,
            has_ingress: false,
            target_ports: ports.iter().map(|&port| port.to_owned()).collect(),
        };
        said(&service::state(&world, &service, &|_| false))
    };
    assert_eq!(
        judge(&[false], &["http", "grpc"]),
        "Ready 0/1 no container of its pods has a port named `http` or `grpc`"
    );
    // Other pods have it.
    assert_eq!(judge(&[false, true], &["http"]), "Ready 1/1");
    // A headless Service needs no ports.
    assert_eq!(judge(&[false], &[]), "Ready 1/1");
    assert_eq!(judge(&[], &["http"]), "Ready 0/1");
}

#[test]
fn what_is_being_deleted_is_not_ready() {
    let (world, going) = (
        World::default(),
        Meta {
            deleting: true,
            ..meta("data")
        },
    );
    let claim = Claim {
        meta: going.clone(),
        phase: "Bound".to_owned(),
        storage_class: None,
        volume: None,
    };
    assert_eq!(
        said(&claim::state(&world, &claim)),
        "Progressing 0/1 being deleted"
    );
    let service = Service {
        meta: going,
        kind: "ClusterIP".to_owned(),
        has_selector: false,
        has_ingress: false,
        target_ports: Vec::new(),
    };
    let state = service::state(&world, &service, &|_| false);
    assert_eq!(said(&state), "Progressing 0/0 being deleted");
}

#[test]
fn customs() {
    let judge = |kind: &str, observed: Option<i64>, conditions: &[Condition]| {
        said(&custom::state(
            &World::default(),
            &Custom {
                object: ObjectRef {
                    api_version: "example.com/v1".to_owned(),
                    kind: kind.to_owned(),
                    namespace: None,
                    name: "x".to_owned(),
                },
                meta: meta("x"),
                observed_generation: observed,
                conditions: conditions.to_vec(),
                definition: None,
            },
        ))
    };
    let crd = "CustomResourceDefinition";
    assert_eq!(judge("Plain", None, &[]), "Ready 1/1");
    assert_eq!(
        judge("Plain", Some(0), &[condition("Ready", "True", "")]),
        "Progressing 0/1 its controller has not seen the change yet"
    );
    assert_eq!(
        judge("Plain", Some(1), &[condition("Ready", "True", "")]),
        "Ready 1/1"
    );
    assert_eq!(
        judge(
            "Plain",
            Some(1),
            &[condition("Ready", "Unknown", "Waiting")]
        ),
        "Progressing 0/1 Waiting"
    );
    assert_eq!(
        judge("Plain", None, &[condition("Reconciling", "True", "Busy")]),
        "Progressing 0/1 Busy"
    );
    assert_eq!(
        judge("Plain", None, &[condition("Stalled", "True", "Broken")]),
        "Failed 0/1 Broken"
    );
    let of = |generation, kind| Condition {
        observed_generation: Some(generation),
        ..condition(kind, "True", "Why")
    };
    let unseen = "Progressing 0/1 its controller has not seen the change yet";
    assert_eq!(judge("Plain", None, &[of(0, "Ready")]), unseen);
    assert_eq!(judge("Plain", None, &[of(1, "Ready")]), "Ready 1/1");
    assert_eq!(judge("Plain", Some(1), &[of(0, "Ready")]), "Ready 1/1");
    assert_eq!(judge("Plain", None, &[of(0, "Stalled")]), "Ready 1/1");
    let stalled_before = [of(0, "Stalled"), of(0, "Ready")];
    assert_eq!(judge("Plain", None, &stalled_before), unseen);
    assert_eq!(judge(crd, None, &[]), "Progressing 0/1 not established");
    assert_eq!(
        judge(crd, None, &[condition("Established", "True", "")]),
        "Ready 1/1"
    );
    assert_eq!(
        judge(crd, None, &[condition("NamesAccepted", "False", "Taken")]),
        "Failed 0/1 Taken"
    );
}
