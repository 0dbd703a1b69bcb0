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
