//! What `kubectl get pods` prints, as the API server itself computes it: the oracle that our own
//! STATUS, READY and RESTARTS are compared with.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// READY, STATUS and RESTARTS, the last one without its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRow {
    pub ready: String,
    pub status: String,
    pub restarts: String,
}

/// The pods of a namespace by name.
pub async fn pod_table(client: &kube::Client, namespace: &str) -> BTreeMap<String, PodRow> {
    let request = http::Request::get(format!("/api/v1/namespaces/{namespace}/pods"))
        .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())
        .unwrap();
    rows(&client.request(request).await.unwrap())
}

fn rows(table: &Value) -> BTreeMap<String, PodRow> {
    let columns: Vec<&Value> = list(table, "columnDefinitions")
        .iter()
        .map(|column| &column["name"])
        .collect();
    let row = |row: &Value| {
        let cell = |name: &str| {
            let column = columns.iter().position(|column| *column == name).unwrap();
            match &row["cells"][column] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }
        };
        let restarts = cell("Restarts");
        let times = restarts.split_once(' ').map_or(&*restarts, |(n, _)| n);
        let cells = PodRow {
            ready: cell("Ready"),
            status: cell("Status"),
            restarts: times.to_owned(),
        };
        let name = row["object"]["metadata"]["name"].as_str().unwrap();
        (name.to_owned(), cells)
    };
    list(table, "rows").iter().map(row).collect()
}

fn list<'a>(table: &'a Value, key: &str) -> &'a [Value] {
    table[key].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn a_table_is_read_by_its_column_names() {
    let row = |name: &str, restarts: Value| {
        json!({
            "cells": [name, "0/1", "Init:CrashLoopBackOff", restarts, "5m"],
            "object": {"metadata": {"name": name}},
        })
    };
    let names = ["Name", "Ready", "Status", "Restarts", "Age"];
    let columns: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    let table = json!({
        "columnDefinitions": columns,
        "rows": [row("a", json!("3 (20s ago)")), row("b", json!(0))],
    });
    let expected = |restarts: &str| PodRow {
        ready: "0/1".to_owned(),
        status: "Init:CrashLoopBackOff".to_owned(),
        restarts: restarts.to_owned(),
    };
    let rows = rows(&table);
    assert_eq!(rows["a"], expected("3"));
    assert_eq!(rows["b"], expected("0"));
}
