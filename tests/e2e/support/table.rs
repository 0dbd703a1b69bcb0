//! STATUS, READY and RESTARTS of every pod in every state that it passes through, as the API
//! server prints them and as we do. A watch that asks for Tables with whole objects in them gives
//! both from the same resource version, so that no moment is too short to be compared.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use futures::{AsyncBufReadExt, TryStreamExt};
use serde_json::Value;
use stackctl::cluster::convert;
use stackctl::snapshot::Snapshot;
use stackctl::verdict::{CompletedRule, printed};
use stackctl_sandbox::Sandbox;

use super::Cluster;

static SEEN: Mutex<Compared> = Mutex::new(Compared {
    states: 0,
    statuses: BTreeSet::new(),
    differences: Vec::new(),
});

struct Compared {
    states: usize,
    statuses: BTreeSet<String>,
    differences: Vec<String>,
}

pub fn compare_from_now_on(sandbox: &Sandbox) {
    let cluster = Cluster::of(sandbox);
    thread::spawn(move || {
        cluster.block_on(async |client| {
            loop {
                // The API server ends a watch now and then; the next one starts with all pods.
                if watch(&client).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        });
    });
}

async fn watch(client: &kube::Client) -> kube::Result<()> {
    let request = http::Request::get("/api/v1/pods?watch=true&includeObject=Object")
        .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())
        .expect("a request");
    let mut lines = client.request_stream(request).await?.lines();
    let mut columns: Vec<String> = Vec::new();
    while let Ok(Some(line)) = lines.try_next().await {
        let event: Value = serde_json::from_str(&line).expect("JSON");
        let table = &event["object"];
        if let Some(definitions) = table["columnDefinitions"].as_array() {
            let names = definitions.iter().filter_map(|d| d["name"].as_str());
            columns = names.map(str::to_lowercase).collect();
        }
        for row in table["rows"].as_array().into_iter().flatten() {
            compare(&columns, row);
        }
    }
    Ok(())
}

fn compare(columns: &[String], row: &Value) {
    let Some(Snapshot::Pod(pod)) = convert::from_json(row["object"].clone()) else {
        return;
    };
    let cell = |name: &str| {
        let at = columns.iter().position(|column| column == name);
        match &row["cells"][at.expect("a column")] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    };
    let restarts = cell("restarts");
    let restarts = restarts.split(' ').next().unwrap_or_default().to_owned();
    let theirs = [cell("ready"), cell("status"), restarts];
    let own = printed(&pod, CompletedRule::default());
    let ours = [
        own.ready_column(),
        own.status.clone(),
        own.restarts.to_string(),
    ];
    let mut seen = SEEN.lock().expect("no panic");
    seen.states += 1;
    seen.statuses.insert(theirs[1].clone());
    if ours != theirs {
        let name = &pod.meta.name;
        let difference = format!("{name}: we say {ours:?}, the API server {theirs:?}");
        seen.differences.push(difference);
    }
}

/// Fails where any pod was told differently so far.
pub fn check() {
    let seen = SEEN.lock().expect("no panic");
    assert!(seen.differences.is_empty(), "{:#?}", seen.differences);
}

/// How many states were compared, and which STATUS they had.
pub fn summary() -> String {
    let seen = SEEN.lock().expect("no panic");
    let statuses: Vec<String> = seen.statuses.iter().cloned().collect();
    format!("{} pod states: {}", seen.states, statuses.join(", "))
}
