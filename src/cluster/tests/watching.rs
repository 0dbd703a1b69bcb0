use std::time::Duration;

use serde_json::json;

use super::server::{Answer, Server, Step, Told, list, list_at, pod, refused, watch};
use crate::names::Namespace;
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::ObjectRef;

const PODS: &str = "GET /api/v1/namespaces/shop/pods";
const WATCH: &str = "GET /api/v1/namespaces/shop/pods watch";
const EVENTS: &str = "GET /api/v1/namespaces/shop/events";

fn shop() -> Vec<Namespace> {
    vec!["shop".parse().unwrap()]
}

fn gone() -> serde_json::Value {
    json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})
}

#[tokio::test(start_paused = true)]
async fn everything_is_delivered_before_watch_returns() {
    let server = Server::default();
    let slow = Answer::After(Duration::from_secs(20), Box::new(list([pod("a", "1")])));
    server.quiet().on(PODS, slow);
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(told.now(), ["seen pod a at 1"]);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(server.calls(PODS).len(), 1, "watching twice is harmless");
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn long_lists_come_in_pages() {
    let server = Server::default();
    let first =
        json!({"metadata": {"resourceVersion": "9", "continue": "more"}, "items": [pod("a", "1")]});
    server
        .quiet()
        .on(PODS, Answer::Json(200, first))
        .on(PODS, list([pod("b", "2")]));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(told.now(), ["seen pod a at 1", "seen pod b at 2"]);
    assert!(server.calls(PODS)[1].query.contains("continue=more"));
}

#[tokio::test(start_paused = true)]
async fn after_410_only_what_changed_is_told() {
    let server = Server::default();
    server
        .quiet()
        .on(PODS, list_at("2", [pod("a", "1"), pod("b", "2")]))
        .on(
            WATCH,
            watch([("MODIFIED", pod("a", "5")), ("ERROR", gone())], Step::Hang),
        )
        .on(PODS, list_at("7", [pod("a", "5"), pod("c", "6")]))
        .on(WATCH, watch([("MODIFIED", pod("a", "8"))], Step::Hang));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(
        told.take(6).await,
        [
            "seen pod a at 1",
            "seen pod b at 2",
            "seen pod a at 5",
            "seen pod c at 6",
            "gone pod b at 2",
            "seen pod a at 8",
        ]
    );
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_goes_on_where_it_was() {
    let server = Server::default();
    server
        .quiet()
        .on(PODS, list_at("2", [pod("a", "1")]))
        .on(WATCH, watch([("ADDED", pod("b", "5"))], Step::Break))
        .on(WATCH, watch([("DELETED", pod("a", "6"))], Step::Hang));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(
        told.take(3).await,
        ["seen pod a at 1", "seen pod b at 5", "gone pod a at 6"]
    );
    assert!(server.calls(WATCH)[1].query.contains("resourceVersion=5"));
    assert_eq!(server.calls(PODS).len(), 1);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_once_and_so_is_its_end() {
    let server = Server::default();
    let down = || refused(500, "InternalError", "etcdserver: leader changed");
    server
        .quiet()
        .on(PODS, list_at("2", [pod("a", "1"), pod("b", "2")]))
        .on(WATCH, watch([], Step::Break))
        .on(WATCH, down())
        .on(WATCH, down())
        .on(PODS, down())
        .on(PODS, down())
        .on(PODS, list_at("9", [pod("b", "2")]))
        .on(WATCH, watch([("ADDED", pod("c", "10"))], Step::Hang));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(
        told.take(6).await,
        [
            "seen pod a at 1",
            "seen pod b at 2",
            "interrupted pods in namespace `shop`: etcdserver: leader changed (InternalError)",
            "gone pod a at 1",
            "resumed pods in namespace `shop`",
            "seen pod c at 10",
        ]
    );
    server.finish();
}

/// Every watch breaks then; it is told once, and with it that nothing else is wrong.
#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_answer_is_told_once() {
    let server = Server::default();
    server.quiet().on(PODS, list_at("2", [pod("a", "1")]));
    for key in [WATCH, "GET /api/v1/namespaces/shop/events watch"] {
        server
            .on(key, watch([], Step::Break))
            .on(key, Answer::Nobody);
    }
    for _ in 0..8 {
        server.on("GET /version", Answer::Nobody);
    }
    let version = json!({"major": "1", "minor": "34", "gitVersion": "", "gitCommit": "",
        "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
    server
        .on("GET /version", Answer::Json(200, version))
        .on(WATCH, watch([("ADDED", pod("b", "10"))], Step::Hang));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(
        told.take(4).await,
        [
            "seen pod a at 1",
            "unreachable since 10s: connection refused",
            "reachable",
            "seen pod b at 10",
        ]
    );
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(told.now(), [""; 0]);
    server.finish();
}

/// A proxy takes the connection, and nothing ever comes through it: that is known after the longest
/// silence that a watch may have.
#[tokio::test(start_paused = true)]
async fn silence_is_no_answer() {
    let server = Server::default();
    let never = || Answer::After(Duration::from_secs(3600), Box::new(Answer::Nobody));
    server.quiet().on(PODS, list_at("2", [pod("a", "1")]));
    for _ in 0..40 {
        server.on("GET /version", never());
    }
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(
        told.take(2).await,
        [
            "seen pod a at 1",
            "unreachable since 12s: no answer within 5s",
        ]
    );
    assert!(
        began.elapsed() < Duration::from_secs(90),
        "{:?}",
        began.elapsed()
    );
}

/// The same before anything was listed: it is given up.
#[tokio::test(start_paused = true)]
async fn a_first_list_that_never_comes_is_given_up() {
    let server = Server::default();
    let silent = || Answer::After(Duration::from_secs(75), Box::new(Answer::Nobody));
    server
        .quiet()
        .on(PODS, silent())
        .on(PODS, silent())
        .on(PODS, silent());
    let cluster = server.cluster();
    let error = cluster.watch(&shop()).await.unwrap_err();
    assert_eq!(
        error,
        ObserveError::Unreachable("can't list pods in namespace `shop`: connection refused".into())
    );
}

/// It is answered all the same: the trouble is that watch's own.
#[tokio::test(start_paused = true)]
async fn one_watch_that_finds_nobody_is_no_outage_of_all() {
    let server = Server::default();
    server
        .quiet()
        .on(PODS, list_at("2", [pod("a", "1")]))
        .on(WATCH, watch([], Step::Break))
        .on(WATCH, Answer::Nobody)
        .on(WATCH, Answer::Nobody)
        .on("GET /version", refused(403, "Forbidden", "no"));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(
        told.take(2).await,
        [
            "seen pod a at 1",
            "interrupted pods in namespace `shop`: connection refused",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_are_waited_out() {
    let server = Server::default();
    let mut busy =
        json!({"kind": "Status", "code": 429, "reason": "TooManyRequests", "message": "slow down"});
    busy["details"] = json!({"retryAfterSeconds": 7});
    server
        .quiet()
        .on(PODS, Answer::Json(429, busy))
        .on(PODS, list([pod("a", "1")]));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    let begun = tokio::time::Instant::now();
    cluster.watch(&shop()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(7));
    assert_eq!(told.now(), ["seen pod a at 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_said_once_and_asked_rarely() {
    let server = Server::default();
    let denied = || {
        refused(
            403,
            "Forbidden",
            "events is forbidden: User \"ci\" cannot list",
        )
    };
    let classes = "GET /apis/storage.k8s.io/v1/storageclasses";
    server
        .quiet()
        .on(PODS, list([pod("a", "1")]))
        .on(EVENTS, denied())
        .on(EVENTS, denied());
    server.on(classes, refused(403, "Forbidden", "no"));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(server.calls(classes).len(), 0, "nobody claims anything yet");
    let claim = ObjectRef {
        api_version: "v1".to_owned(),
        kind: "PersistentVolumeClaim".to_owned(),
        namespace: None,
        name: "data".to_owned(),
    };
    cluster.follow(&[claim]).await.unwrap();
    let mut now = told.now();
    now.sort();
    assert_eq!(
        now,
        [
            "hidden events in namespace `shop`",
            "interrupted events in namespace `shop`: forbidden; causes that only events tell stay \
             unnamed",
            "seen pod a at 1",
        ]
    );
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(server.calls(EVENTS).len(), 1);
    let mut again = told.take(2).await;
    again.sort();
    assert_eq!(
        again,
        [
            "resumed events in namespace `shop`",
            "visible events in namespace `shop`",
        ]
    );
    assert_eq!(server.calls(EVENTS).len(), 3);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn what_may_be_listed_and_not_watched_is_listed_again_and_again() {
    let server = Server::default();
    let watch = format!("{PODS} watch");
    let denied = || refused(403, "Forbidden", "User \"ci\" cannot watch pods");
    server.quiet();
    for version in ["1", "1", "2"] {
        server.on(PODS, list([pod("a", version)]));
        server.on(&watch, denied());
    }
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    let all = [
        "seen pod a at 1",
        "interrupted pods in namespace `shop`: forbidden; they are listed every 5 s",
        "seen pod a at 2",
    ];
    assert_eq!(told.take(3).await, all);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn without_pods_there_is_no_run() {
    let server = Server::default();
    server.quiet().on(
        PODS,
        refused(
            403,
            "Forbidden",
            "pods is forbidden: User \"ci\" cannot list",
        ),
    );
    let error = server.cluster().watch(&shop()).await.unwrap_err();
    let text =
        "not allowed to list pods in namespace `shop`: pods is forbidden: User \"ci\" cannot list";
    assert_eq!(error, ObserveError::Denied(text.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn records_are_watched_by_their_metadata() {
    let key = "GET /api/v1/namespaces/shop/secrets";
    let record = json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {
            "name": "sh.helm.release.v1.web.v2", "namespace": "shop", "uid": "r", "resourceVersion": "3",
            "labels": {"owner": "helm", "name": "web", "version": "2", "status": "pending-upgrade"},
        },
    });
    let server = Server::default();
    server.quiet().on(key, list([record]));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    cluster.watch(&shop()).await.unwrap();
    assert_eq!(told.now(), ["seen record web 2 pending-upgrade"]);
    let call = &server.calls(key)[0];
    assert!(
        call.accept.contains("as=PartialObjectMetadataList"),
        "{}",
        call.accept
    );
    assert!(
        call.query.contains("labelSelector=owner%3Dhelm"),
        "{}",
        call.query
    );
}
