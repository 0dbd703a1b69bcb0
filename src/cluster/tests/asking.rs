use serde_json::{Value, json};

use super::server::{Answer, Server, list, pod, refused};
use crate::cluster::Ensured;
use crate::memory::{StackRecord, StackRelease};
use crate::names::Namespace;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::{ObjectRef, Observation, Snapshot};

fn shop() -> Namespace {
    "shop".parse().unwrap()
}

fn pod_ref(name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_reads_what_is_there() {
    let server = Server::default();
    let pods = "GET /api/v1/namespaces/shop/pods";
    server
        .on(
            &format!("{pods}/a"),
            refused(503, "ServiceUnavailable", "not now"),
        )
        .on(&format!("{pods}/a"), Answer::Json(200, pod("a", "4")))
        .on(
            &format!("{pods}/b"),
            refused(404, "NotFound", "pods \"b\" not found"),
        );
    let cluster = server.cluster();
    let seen = cluster
        .refresh(&[pod_ref("a"), pod_ref("b")])
        .await
        .unwrap();
    let [Observation::Seen(Snapshot::Pod(pod))] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    assert_eq!(pod.phase, "at 4");
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn refresh_gives_up_on_a_server_that_stays_down() {
    let server = Server::default();
    let down = || refused(503, "ServiceUnavailable", "not now");
    for _ in 0..4 {
        server.on("GET /api/v1/namespaces/shop/pods/a", down());
    }
    let error = server.cluster().refresh(&[pod_ref("a")]).await.unwrap_err();
    let text = "reading pod/a: not now (ServiceUnavailable)".to_owned();
    assert_eq!(error, ObserveError::Unreachable(text));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_missing_namespace_is_made_as_ours() {
    let server = Server::default();
    let created = json!({"metadata": {"name": "shop"}});
    server
        .on(
            "GET /api/v1/namespaces/shop",
            refused(404, "NotFound", "namespaces \"shop\" not found"),
        )
        .on("POST /api/v1/namespaces", Answer::Json(201, created));
    let ensured = server.cluster().ensure_namespace(&shop()).await;
    assert_eq!(ensured, Ok(Ensured::Made));
    let body: Value =
        serde_json::from_str(&server.calls("POST /api/v1/namespaces")[0].body).unwrap();
    assert_eq!(
        body["metadata"]["labels"],
        json!({"app.kubernetes.io/managed-by": "stackctl"})
    );
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_taken_as_they_are() {
    let get = "GET /api/v1/namespaces/shop";
    let active = json!({"metadata": {"name": "shop"}, "status": {"phase": "Active"}});
    let dying = json!({"metadata": {"name": "shop"}, "status": {"phase": "Terminating"}});
    let server = Server::default();
    server
        .on(get, Answer::Json(200, active))
        .on(get, Answer::Json(200, dying))
        .on(
            get,
            refused(403, "Forbidden", "namespaces \"shop\" is forbidden"),
        )
        .on(
            get,
            refused(404, "NotFound", "namespaces \"shop\" not found"),
        )
        .on(
            "POST /api/v1/namespaces",
            refused(403, "Forbidden", "namespaces is forbidden"),
        );
    let cluster = server.cluster();
    let namespace = shop();
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(cluster.ensure_namespace(&namespace).await);
    }
    let dying = "namespace `shop` is being deleted: nothing can be made in it until it is gone";
    let denied = "making namespace `shop`, which is missing: namespaces is forbidden";
    assert_eq!(
        answers,
        [
            Ok(Ensured::Existed),
            Err(ObserveError::Conflict(dying.to_owned())),
            Ok(Ensured::Assumed),
            Err(ObserveError::Denied(denied.to_owned())),
        ]
    );
    server.finish();
}

fn oro() -> StackRecord {
    let mut record = StackRecord::new("oro".parse().unwrap(), shop(), "oro.yaml");
    record.releases.push(StackRelease {
        id: "php".parse().unwrap(),
        release: "php-fpm".parse().unwrap(),
        namespace: shop(),
        chart: "php-fpm-0.3.0".to_owned(),
        needs: vec!["database".parse().unwrap()],
        verified: None,
    });
    record
}

#[tokio::test(start_paused = true)]
async fn a_stack_record_comes_back_as_it_was_written() {
    let server = Server::default();
    let path = "/api/v1/namespaces/shop/secrets/stackctl.dev.stack.oro";
    server.on(
        &format!("PATCH {path}"),
        Answer::Json(200, json!({"metadata": {"name": "x"}})),
    );
    let cluster = server.cluster();
    cluster.write_stack(&oro()).await.unwrap();

    let call = &server.calls(&format!("PATCH {path}"))[0];
    assert_eq!(call.content_type, "application/apply-patch+yaml");
    assert!(
        call.query.contains("fieldManager=stackctl"),
        "{}",
        call.query
    );
    let written: Value = serde_json::from_str(&call.body).unwrap();
    let labels = json!({"app.kubernetes.io/managed-by": "stackctl", "stackctl.dev/stack": "oro"});
    assert_eq!(written["metadata"]["labels"], labels);

    let mut newer = written.clone();
    newer["data"]["stack.json"] = json!("eyJzY2hlbWEiOjJ9");
    server
        .on(&format!("GET {path}"), Answer::Json(200, written))
        .on(&format!("GET {path}"), Answer::Json(200, newer))
        .on(
            &format!("GET {path}"),
            refused(404, "NotFound", "secrets not found"),
        );
    let (stack, namespace) = ("oro".parse().unwrap(), shop());
    assert_eq!(
        cluster.read_stack(&stack, &namespace).await,
        Ok(Some(oro()))
    );
    let newer = "reading the record of stack `oro` in `shop`: it was written by a newer stackctl";
    assert_eq!(
        cluster.read_stack(&stack, &namespace).await,
        Err(ObserveError::Unexpected(newer.to_owned()))
    );
    assert_eq!(cluster.read_stack(&stack, &namespace).await, Ok(None));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn stacks_are_listed_where_we_may() {
    let server = Server::default();
    let text = serde_json::to_vec(&oro()).unwrap();
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let secret =
        |kind: &str| json!({"metadata": {"name": "s"}, "type": kind, "data": {"stack.json": data}});
    server
        .on(
            "GET /api/v1/secrets",
            refused(403, "Forbidden", "secrets is forbidden"),
        )
        .on(
            "GET /api/v1/namespaces/shop/secrets",
            list([secret("stackctl.dev/stack.v1"), secret("Opaque")]),
        );
    assert_eq!(server.cluster().list_stacks(&shop()).await, Ok(vec![oro()]));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_not_there_is_no_error() {
    let server = Server::default();
    let key = "DELETE /api/v1/namespaces/shop/secrets/stackctl.dev.stack.oro";
    let done = json!({"kind": "Status", "apiVersion": "v1", "status": "Success"});
    server
        .on(key, Answer::Json(200, done))
        .on(key, refused(404, "NotFound", "gone"));
    let (cluster, stack) = (server.cluster(), "oro".parse().unwrap());
    assert_eq!(cluster.delete_stack(&stack, &shop()).await, Ok(true));
    assert_eq!(cluster.delete_stack(&stack, &shop()).await, Ok(false));
}
