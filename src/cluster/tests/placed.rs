//! Where objects are asked for: discovery says whether their kind has namespaces, and nobody guesses.

use serde_json::{Value, json};

use super::server::{Answer, Server, list, refused};
use crate::runner::ports::{ObserveError, Observer};
use crate::snapshot::ObjectRef;

const RBAC: &str = "GET /apis/rbac.authorization.k8s.io/v1";
const ROLES: &str = "GET /apis/rbac.authorization.k8s.io/v1/clusterroles";
const CORE: &str = "GET /api/v1";

/// As it is thought of before anybody knows that it has no namespace.
fn role() -> ObjectRef {
    ObjectRef {
        api_version: "rbac.authorization.k8s.io/v1".into(),
        kind: "ClusterRole".into(),
        namespace: Some("shop".into()),
        name: "reader".into(),
    }
}

fn config() -> ObjectRef {
    ObjectRef {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        namespace: Some("shop".into()),
        name: "settings".into(),
    }
}

fn serves(version: &str, plural: &str, kind: &str, namespaced: bool) -> Answer {
    let resource = json!({
        "name": plural, "singularName": "", "kind": kind, "namespaced": namespaced,
        "verbs": ["get", "list", "delete", "patch"],
    });
    let list = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
        "resources": [resource],
    });
    Answer::Json(200, list)
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name, "finalizers": ["example.com/cleanup"]}})
}

fn rbac(server: &Server) -> &Server {
    let version = "rbac.authorization.k8s.io/v1";
    server.on(RBAC, serves(version, "clusterroles", "ClusterRole", false))
}

#[tokio::test(start_paused = true)]
async fn a_kind_without_namespaces_is_asked_for_without_one() {
    let server = Server::default();
    rbac(&server).on(ROLES, list([named("reader")]));
    server.on(ROLES, list([named("reader")]));
    server.on(
        &format!("{ROLES}/reader"),
        Answer::Json(
            200,
            json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {"name": "reader", "uid": "1"}}),
        ),
    );
    server.on(
        &format!("{}/reader", ROLES.replace("GET", "DELETE")),
        Answer::Json(
            200,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}),
        ),
    );
    let cluster = server.cluster();
    let surveyed = cluster.survey(&[role()]).await.unwrap();
    assert_eq!(surveyed.len(), 1);
    let lingering = cluster.lingering(&[role()]).await.unwrap();
    assert_eq!(lingering[0].finalizers, ["example.com/cleanup"]);
    let shop = "shop".parse().unwrap();
    let stay = cluster
        .delete(&shop, &"web".parse().unwrap(), &[role()])
        .await;
    assert_eq!(stay, Ok(Vec::new()));
    let placed = cluster.placed(role(), &shop).await;
    assert_eq!(placed.unwrap().namespace, None);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn with_its_definition_every_object_of_a_kind_is_gone() {
    let server = Server::default();
    let gone = || {
        let text = "the server could not find the requested resource";
        refused(404, "NotFound", text)
    };
    rbac(&server)
        .on(ROLES, list([named("reader")]))
        .on(ROLES, gone())
        .on(RBAC, gone());
    let cluster = server.cluster();
    let mut left = Vec::new();
    for _ in 0..3 {
        left.push(cluster.lingering(&[role()]).await.unwrap().len());
    }
    assert_eq!(left, [1, 0, 0]);
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_say_what_it_serves_has_not_said_that_nothing_is_there() {
    let server = Server::default();
    for _ in 0..7 * 4 {
        server.on(CORE, refused(503, "ServiceUnavailable", "not now"));
    }
    let cluster = server.cluster();
    let (objects, namespace) = ([config()], "shop".parse().unwrap());
    let answers = [
        cluster.lingering(&objects).await.err(),
        cluster.survey(&objects).await.err(),
        cluster
            .delete(&namespace, &"web".parse().unwrap(), &objects)
            .await
            .err(),
        cluster.refresh(&objects).await.err(),
        cluster.live(&objects[0]).await.err(),
        cluster.serves("v1", "ConfigMap").await.err(),
        cluster.placed(config(), &namespace).await.err(),
    ];
    let text = "asking whether ConfigMap of `v1` is served: not now (ServiceUnavailable)";
    let error = Some(ObserveError::Unreachable(text.into()));
    assert_eq!(answers, std::array::from_fn::<_, 7, _>(|_| error.clone()));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_says_when_to_come_again() {
    let server = Server::default();
    let busy = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429,
        "reason": "TooManyRequests", "message": "too many requests",
        "details": {"retryAfterSeconds": 12},
    });
    for _ in 0..4 {
        server.on(CORE, Answer::Json(429, busy.clone()));
    }
    let lingering = server.cluster().lingering(&[config()]).await;
    let pause = lingering.err().and_then(|error| error.passes());
    assert_eq!(pause, Some(std::time::Duration::from_secs(12)));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_may_not_be_read_is_told_in_its_place() {
    let server = Server::default();
    server.on(CORE, serves("v1", "configmaps", "ConfigMap", true));
    let denied = refused(403, "Forbidden", "User \"ci\" cannot get configmaps");
    server.on(
        &format!("{CORE}/namespaces/shop/configmaps/settings"),
        denied,
    );
    let trial = server
        .cluster()
        .try_apply(&config(), &json!({}), false)
        .await;
    let trial = trial.unwrap();
    assert_eq!(trial.before, None);
    let super::super::Answer::Refused(why) = trial.answer else {
        panic!("{:?}", trial.answer);
    };
    assert!(why.contains("cannot get configmaps"), "{why}");
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_tell_what_the_object_holds() {
    let server = Server::default();
    server.on(CORE, serves("v1", "configmaps", "ConfigMap", true));
    let path = format!("{CORE}/namespaces/shop/configmaps/settings");
    server.on(&path, refused(404, "NotFound", "not found"));
    let said = "Job.batch \"j\" is invalid: spec.template: Invalid value: {\"spec\":{\"Env\":[{\"Name\":\
                \"P\",\"Value\":\"hunter2\"}]}}: field is immutable";
    server.on(&path.replace("GET", "PATCH"), refused(422, "Invalid", said));
    let trial = server.cluster();
    let trial = trial.try_apply(&config(), &json!({}), false).await.unwrap();
    let without =
        "Job.batch \"j\" is invalid: spec.template: Invalid value: (left out): field is immutable";
    assert_eq!(trial.answer, super::super::Answer::Refused(without.into()));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn what_a_namespace_that_goes_refuses_is_made_later() {
    let path = format!("{CORE}/namespaces/shop/configmaps/settings");
    let terminating = json!({"causes": [{
        "reason": "NamespaceTerminating",
        "message": "namespace shop is being terminated",
        "field": "metadata.namespace",
    }]});
    for (details, is_later) in [(terminating, true), (json!({"name": "settings"}), false)] {
        let server = Server::default();
        server.on(CORE, serves("v1", "configmaps", "ConfigMap", true));
        server.on(&path, refused(404, "NotFound", "not found"));
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403,
            "reason": "Forbidden", "message": "configmaps \"settings\" is forbidden: unable to create \
             new content in namespace shop because it is being terminated",
            "details": details,
        });
        server.on(&path.replace("GET", "PATCH"), Answer::Json(403, status));
        let trial = server.cluster();
        let trial = trial.try_apply(&config(), &json!({}), false).await.unwrap();
        assert_eq!(trial.answer == super::super::Answer::Later, is_later);
        server.finish();
    }
}

/// `up` waits until it is gone, so nothing is tried on it.
#[tokio::test(start_paused = true)]
async fn an_object_that_is_being_deleted_is_made_later() {
    let server = Server::default();
    server.on(CORE, serves("v1", "configmaps", "ConfigMap", true));
    let going = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "shop", "uid": "1",
            "deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["example.com/hold"]},
    });
    let path = format!("{CORE}/namespaces/shop/configmaps/settings");
    server.on(&path, Answer::Json(200, going.clone()));
    server.on(&path, Answer::Json(200, going));
    let cluster = server.cluster();
    let trial = cluster.try_apply(&config(), &json!({}), false).await;
    let trial = trial.unwrap();
    assert_eq!(trial.before, None);
    assert_eq!(trial.answer, super::super::Answer::Later);
    assert_eq!(cluster.live(&config()).await.unwrap(), None);
    server.finish();
}
