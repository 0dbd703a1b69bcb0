//! Objects as the API gives them, one file per group of kinds, and what becomes of them.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::Path;

use serde_json::{Value, json};
use stackctl::cluster::convert::from_json;
use stackctl::snapshot::Snapshot;

fn snapshots(fixture: &str) -> Vec<Snapshot> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/cluster")
        .join(fixture);
    let text = std::fs::read_to_string(path).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    objects
        .into_iter()
        .map(|object| from_json(object).unwrap())
        .collect()
}

macro_rules! fixtures {
    ($($test:ident: $file:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            insta::assert_debug_snapshot!(stringify!($test), snapshots($file));
        })+
    };
}

fixtures! {
    pod_with_sidecar: "pod-with-sidecar.yaml",
    pod_of_hook: "pod-of-hook.yaml",
    workloads: "workloads.yaml",
    jobs: "jobs.yaml",
    storage: "storage.yaml",
    services: "services.yaml",
    events: "events.yaml",
    records: "records.yaml",
    customs: "customs.yaml",
}

#[test]
fn what_is_no_object_has_no_snapshot() {
    let nameless = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}});
    let kindless = json!({"apiVersion": "v1", "metadata": {"name": "web"}});
    let mistyped =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": 1});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password"}});
    for object in [nameless, kindless, mistyped, secret] {
        assert_eq!(from_json(object.clone()), None, "{object}");
    }
}

#[test]
fn what_counts_its_pods_is_a_workload_unless_it_is_controlled() {
    let set = |api_version, kind, owner: Option<&str>| {
        let owners = owner.map(|kind| {
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": "web", "uid": "1",
                "controller": true}])
        });
        let snapshot = from_json(json!({
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": "web", "generation": 2, "ownerReferences": owners},
            "spec": {"replicas": 3, "selector": {}},
            "status": {"observedGeneration": 2, "replicas": 3, "readyReplicas": 2,
                "availableReplicas": 1},
        }));
        match snapshot.unwrap() {
            Snapshot::Workload(it) => (
                it.kind.as_str(),
                [it.desired, it.current, it.ready, it.available],
                it.observed_generation,
            ),
            Snapshot::ReplicaSet(it) => ("of a Deployment", [it.desired, 0, it.ready, 0], 0),
            other => panic!("{other:?}"),
        }
    };
    let bare = set("apps/v1", "ReplicaSet", None);
    assert_eq!(bare, ("ReplicaSet", [3, 3, 2, 1], 2));
    let controlled = set("apps/v1", "ReplicaSet", Some("Deployment"));
    assert_eq!(controlled, ("of a Deployment", [3, 0, 2, 0], 0));
    let controller = set("v1", "ReplicationController", None);
    assert_eq!(controller, ("ReplicationController", [3, 3, 2, 1], 2));
}

#[test]
fn a_condition_tells_which_generation_it_speaks_of() {
    let of = |generation: Value| {
        let snapshot = from_json(json!({
            "apiVersion": "example.com/v1",
            "kind": "Widget",
            "metadata": {"name": "web"},
            "status": {"conditions": [
                {"type": "Ready", "status": "True", "observedGeneration": generation},
            ]},
        }));
        let Some(Snapshot::Custom(custom)) = snapshot else {
            panic!("{snapshot:?}")
        };
        custom.conditions[0].observed_generation
    };
    assert_eq!(of(json!(1)), Some(1));
    assert_eq!(of(json!(0)), None);
    assert_eq!(of(Value::Null), None);
}
