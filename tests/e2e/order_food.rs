//! order-food with ten replicas: migrated once, traced as one start for each pod, measured.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::support::{Cluster, Ended, eventually, helm_test, sandbox};

const REPLICAS: usize = 10;
const MIGRATIONS: usize = 4;

/// A database, a receiver of traces, and order-food with these values.
fn profile(folder: &Path, namespace: &str, values: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let at = |path: &str| root.join(path).display().to_string();
    let text = format!(
        "name: order-food
namespace: {namespace}
defaults: {{timeout: 5m}}
releases:
  database:
    chart: {database}
    values: [{database_values}]
  jaeger:
    chart: {jaeger}
  order-food:
    chart: {chart}
    values: [{chart_values}, {values}]
    needs: [database, jaeger]
",
        database = at("charts/database"),
        database_values = at("profiles/values/order-food/database.yaml"),
        jaeger = at("charts/jaeger"),
        chart = at("charts/order-food"),
        chart_values = at("profiles/values/order-food/order-food.yaml"),
    );
    let file = folder.join("order-food.yaml");
    fs::write(&file, text).expect("a profile");
    file
}

#[test]
fn ten_replicas_migrate_once_and_each_start_is_one_trace() {
    let cluster = Cluster::of(sandbox());
    let namespace = "order-food-e2e";
    cluster.restricted_namespace(namespace);
    let folder = tempfile::tempdir().expect("a folder");
    let values =
        format!("{{replicas: {REPLICAS}, tracing: {{otlpEndpoint: \"http://jaeger:4318\"}}}}");
    let profile = profile(folder.path(), namespace, &values);

    let up = Ended::up(&profile, &[]).expect_code(0);
    let migrated = up.log("order-food", "database-migration");
    let says = |what: &str| migrated.iter().filter(|line| line.contains(what)).count();
    assert_eq!(says(" applied 000"), MIGRATIONS, "{migrated:#?}");
    assert_eq!(says("no change"), REPLICAS - 1, "{migrated:#?}");
    let loaded = up.log("order-food", "database-load");
    let times = loaded
        .iter()
        .filter(|line| line.contains("rows of"))
        .count();
    assert_eq!(times, 4, "products and three lists, each once: {loaded:#?}");

    metrics(&cluster, namespace);
    let servers: Vec<Pod> = cluster
        .pods(namespace)
        .into_iter()
        .filter(|pod| {
            pod.metadata
                .name
                .as_deref()
                .is_some_and(|name| name.starts_with("order-food-"))
        })
        .collect();
    assert_eq!(servers.len(), REPLICAS);
    for pod in &servers {
        one_trace(
            &cluster,
            namespace,
            pod.metadata.uid.as_deref().expect("a UID"),
        );
    }
    orders(&cluster, namespace);
    for release in ["database", "jaeger", "order-food"] {
        helm_test(namespace, release);
    }
    cluster.remove_namespace(namespace);
}

/// How long each init step took, asked of a pod that serves.
fn metrics(cluster: &Cluster, namespace: &str) {
    let metrics = cluster.page(namespace, "order-food:http", "/metrics");
    for step in ["database-load", "database-migration"] {
        let value = |name: &str| -> f64 {
            let start = format!("order_food_init_step_{name}{{step=\"{step}\"}} ");
            let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
            let line = line.unwrap_or_else(|| panic!("no {start}in {metrics}"));
            line.parse().expect("a number")
        };
        assert!(value("duration_seconds") > 0.0);
        assert!((value("success") - 1.0).abs() < f64::EPSILON);
        assert!(value("attempts") >= 1.0);
    }
}

/// All that a pod did until it served arrived under the id that is its UID.
fn one_trace(cluster: &Cluster, namespace: &str, uid: &str) {
    let path = format!("/api/traces/{}", uid.replace('-', ""));
    let expected: BTreeSet<String> = ["database-load", "database-migration", "order-food"]
        .map(str::to_owned)
        .into();
    eventually("the spans of the start", Duration::from_secs(30), || {
        let request = http::Request::get(&path)
            .body(Vec::new())
            .expect("a request");
        let (_, answer) = cluster.ask(namespace, "jaeger:ui", request);
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let trace = &answer["data"][0];
        let processes = trace["processes"].as_object()?;
        let services = processes
            .values()
            .filter_map(|process| process["serviceName"].as_str());
        let services: BTreeSet<String> = services.map(str::to_owned).collect();
        (services == expected).then(|| {
            let spans = trace["spans"].as_array().expect("spans");
            let named = |name: &str| spans.iter().any(|span| span["operationName"] == *name);
            for name in [
                "database-migration",
                "database-load",
                "start",
                "load /usr/share/order-food/products.csv",
            ] {
                assert!(named(name), "no {name} in {trace:#}");
            }
        })
    });
}

fn orders(cluster: &Cluster, namespace: &str) {
    let order = |key: Option<&str>, body: &str| {
        let mut request =
            http::Request::post("/api/order").header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("api_key", key);
        }
        let request = request.body(body.into()).expect("a request");
        let (code, answer) = cluster.ask(namespace, "order-food:http", request);
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        (code, answer)
    };
    let items =
        r#"{"items": [{"productId": "1", "quantity": 2}, {"productId": "8", "quantity": 1}]"#;
    let plain = format!("{items}}}");
    let coupon = |code: &str| format!(r#"{items}, "couponCode": "{code}"}}"#);

    assert_eq!(order(None, &plain).0, 401);
    assert_eq!(order(Some("other"), &plain).0, 403);
    let (code, answer) = order(Some("apitest"), &plain);
    assert_eq!(code, 200, "{answer}");
    assert_eq!(answer["total"], 17.3, "{answer}");
    let (code, answer) = order(Some("apitest"), &coupon("HAPPYHRS"));
    assert_eq!(code, 200, "{answer}");
    assert_eq!(answer["total"], 15.57, "{answer}");
    assert_eq!(answer["discount"], 1.73, "{answer}");
    for invalid in ["SUPER100", "TOOLONGTOBEONE", "UNKNOWN1"] {
        let (code, answer) = order(Some("apitest"), &coupon(invalid));
        assert_eq!(code, 422, "{invalid}: {answer}");
    }
    let unknown = r#"{"items": [{"productId": "99", "quantity": 1}]}"#;
    assert_eq!(order(Some("apitest"), unknown).0, 422);
    assert_eq!(order(Some("apitest"), "no JSON").0, 422);
}

/// Hooks prepare the database once, before there is a pod that serves.
#[test]
fn jobs_prepare_the_database_before_the_rollout() {
    let cluster = Cluster::of(sandbox());
    let namespace = "order-food-jobs";
    cluster.restricted_namespace(namespace);
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), namespace, "{preparation: {mode: jobs}}");

    let up = Ended::up(&profile, &[]).expect_code(0);
    assert_eq!(up.inits_done("order-food"), Vec::<String>::new());
    let migrated = up.log("order-food", "database-migration");
    assert!(
        migrated.iter().any(|line| line.contains("4 applied")),
        "{migrated:#?}"
    );
    let products = cluster.page(namespace, "order-food:http", "/api/product");
    assert!(products.contains("Lemon waffle"), "{products}");
    cluster.remove_namespace(namespace);
}
