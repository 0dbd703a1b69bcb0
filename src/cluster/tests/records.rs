use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::server::{Answer, Server, list, refused};
use crate::names::Namespace;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{Contents, Unread};

const KEY: &str = "GET /api/v1/namespaces/shop/secrets/sh.helm.release.v1.web.v2";
const GROUP: &str = "GET /apis/policy/v1";

fn payload() -> Value {
    json!({
        "name": "web",
        "info": {"status": "deployed", "notes": "password: never"},
        "chart": {"metadata": {"name": "web", "version": "0.3.0"}, "templates": [], "values": {}},
        "config": {"password": "never"},
        "manifest": "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n\
            apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: other}\n---\n\
            apiVersion: policy/v1\nkind: ClusterThing\nmetadata: {name: web, namespace: shop}\n",
        "hooks": [{
            "name": "migrate", "kind": "Job", "weight": -5, "events": ["pre-install", "pre-upgrade"],
            "manifest": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\n",
            "last_run": {"started_at": "2026-01-02T03:04:05Z", "phase": "Succeeded"},
        }, {
            "name": "seed", "kind": "Job", "events": ["post-install"],
            "manifest": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: seed}\n",
            "last_run": {"started_at": "", "completed_at": "", "phase": "Unknown"},
        }],
        "version": 2,
    })
}

fn secret(payload: &[u8]) -> Answer {
    let data = BASE64.encode(BASE64.encode(payload));
    Answer::Json(
        200,
        json!({"kind": "Secret", "metadata": {"name": "r"}, "data": {"release": data}}),
    )
}

fn gzip(json: &Value) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json.to_string().as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn group() -> Answer {
    let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "kind": kind, "namespaced": namespaced, "singularName": "", "verbs": ["get"]});
    let resources = json!([
        resource("poddisruptionbudgets", "PodDisruptionBudget", true),
        resource("clusterthings", "ClusterThing", false),
    ]);
    Answer::Json(
        200,
        json!({"groupVersion": "policy/v1", "resources": resources}),
    )
}

async fn contents(server: &Server) -> Result<Contents, ObserveError> {
    let namespace: Namespace = "shop".parse().unwrap();
    let release = "web".parse().unwrap();
    server.cluster().contents(&namespace, &release, 2).await
}

#[tokio::test(start_paused = true)]
async fn contents_are_names_in_their_places() {
    let server = Server::default();
    server.on(KEY, secret(&gzip(&payload()))).on(GROUP, group());
    let contents = contents(&server).await.unwrap();
    let place = |o: &crate::snapshot::ObjectRef| format!("{o} in {:?}", o.namespace);
    let objects: Vec<String> = contents.objects.iter().map(place).collect();
    assert_eq!(contents.chart, "web-0.3.0");
    assert_eq!(
        objects,
        [
            "deployment/web in Some(\"shop\")",
            "poddisruptionbudget/web in Some(\"other\")",
            "clusterthing/web in None",
        ]
    );
    let hook = &contents.hooks[0];
    assert_eq!(place(&hook.object), "job/migrate in Some(\"shop\")");
    assert_eq!((hook.weight, hook.events.len()), (-5, 2));
    let succeeded: Vec<bool> = contents.hooks.iter().map(|hook| hook.succeeded).collect();
    assert_eq!(succeeded, [true, false]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_is_asked_for_once() {
    let server = Server::default();
    let manifest = "---\napiVersion: policy/v1\nkind: New\nmetadata: {name: a}\n---\n\
        apiVersion: policy/v1\nkind: New\nmetadata: {name: b, namespace: other}\n";
    let payload = json!({"manifest": manifest});
    server.on(KEY, secret(&gzip(&payload))).on(
        GROUP,
        refused(
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
    );
    let objects = contents(&server).await.unwrap().objects;
    let namespaces: Vec<_> = objects.iter().map(|o| o.namespace.as_deref()).collect();
    // Whoever asks for it later finds out whether it has a namespace at all.
    assert_eq!(namespaces, [Some("shop"), Some("other")]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn old_records_are_not_compressed() {
    let server = Server::default();
    let plain = json!({"chart": {"metadata": {"name": "web", "version": "1.0.0"}}, "manifest": "", "hooks": null});
    server.on(KEY, secret(plain.to_string().as_bytes()));
    assert_eq!(contents(&server).await.unwrap().chart, "web-1.0.0");
}

#[tokio::test(start_paused = true)]
async fn documents_that_only_helm_can_read_are_left_out() {
    let server = Server::default();
    let mut payload = payload();
    let odd = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {a: \"it\\'s\"}\n";
    let manifest = payload["manifest"].as_str().unwrap();
    payload["manifest"] = format!("---\n{odd}{manifest}").into();
    payload["hooks"][1]["manifest"] = odd.into();
    server.on(KEY, secret(&gzip(&payload))).on(GROUP, group());
    let contents = contents(&server).await.unwrap();
    assert_eq!((contents.objects.len(), contents.hooks.len()), (3, 1));
    let unread = [Unread::Document(1), Unread::Hook("seed".into())];
    assert_eq!(contents.unread, unread);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_is_said_without_its_content() {
    let server = Server::default();
    server.on(KEY, secret(b"never")).on(
        KEY,
        refused(
            404,
            "NotFound",
            "secrets \"sh.helm.release.v1.web.v2\" not found",
        ),
    );
    let doing = "reading the record of `web` revision 2 in `shop`";
    let none = format!("{doing}: it is not a record of helm's");
    assert_eq!(contents(&server).await, Err(ObserveError::Unexpected(none)));
    let missing = format!("{doing}: secrets \"sh.helm.release.v1.web.v2\" not found");
    assert_eq!(
        contents(&server).await,
        Err(ObserveError::NotFound(missing))
    );
}

#[tokio::test(start_paused = true)]
async fn a_mark_touches_one_label() {
    let server = Server::default();
    let key = KEY.replace("GET", "PATCH");
    server.on(&key, Answer::Json(200, json!({"metadata": {"name": "r"}})));
    let (namespace, release) = ("shop".parse().unwrap(), "web".parse().unwrap());
    let cluster = server.cluster();
    cluster
        .mark_verified(&namespace, &release, 2)
        .await
        .unwrap();
    let call = &server.calls(&key)[0];
    let body: Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!(
        body,
        json!({"metadata": {"labels": {"stackctl.dev/verified": "2"}}})
    );
    assert_eq!(call.content_type, "application/merge-patch+json");
    assert!(
        call.accept.contains("PartialObjectMetadata"),
        "{}",
        call.accept
    );
}

#[tokio::test(start_paused = true)]
async fn records_of_stacks_are_listed_page_by_page() {
    let server = Server::default();
    let key = "GET /api/v1/secrets";
    let record = |name: &str| {
        json!({"metadata": {
            "name": name, "namespace": "shop",
            "labels": {"owner": "helm", "name": name, "version": "1", "status": "deployed", "stackctl.dev/stack": "oro"},
        }})
    };
    let first = json!({"metadata": {"continue": "more"}, "items": [record("a")]});
    server
        .on(key, Answer::Json(200, first))
        .on(key, list([record("b")]));
    let stack = "oro".parse().unwrap();
    let records = server.cluster().records(Some(&stack), None).await.unwrap();
    let names: Vec<&str> = records.iter().map(|r| r.release.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let call = &server.calls(key)[1];
    assert!(
        call.query
            .contains("owner%3Dhelm%2Cstackctl.dev%2Fstack%3Doro"),
        "{}",
        call.query
    );
    assert!(call.query.contains("continue=more"), "{}", call.query);
    server.finish();
}
