use serde_json::{Value, json};

use super::server::{Answer, Server, pod, refused};
use crate::names::Namespace;
use crate::runner::ports::{Ensured, ObserveError, Observer};
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
    let [Observation::Seen(Snapshot::Pod(pod)), absent] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    assert_eq!(pod.phase, "at 4");
    assert_eq!(*absent, Observation::Absent(pod_ref("b")));
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
    let dying = json!({"metadata": {"name": "shop", "finalizers": ["example.com/hold"]},
    "status": {"phase": "Terminating", "conditions": [
        {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All is gone"},
        {"type": "NamespaceContentRemaining", "status": "True",
            "message": "Some resources are remaining: configmaps. has 1 resource instances"},
    ]}});
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
    let kept = [
        "Some resources are remaining: configmaps. has 1 resource instances",
        "it is held by finalizer `example.com/hold`",
    ];
    let denied = "making namespace `shop`, which is missing: namespaces is forbidden";
    assert_eq!(
        answers,
        [
            Ok(Ensured::Existed),
            Ok(Ensured::Going(kept.map(str::to_owned).to_vec())),
            Ok(Ensured::Assumed),
            Err(ObserveError::Denied(denied.to_owned())),
        ]
    );
    server.finish();
}
