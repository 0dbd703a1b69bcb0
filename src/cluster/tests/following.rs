use serde_json::{Value, json};

use super::server::{Answer, Server, Step, Told, list, refused, watch};
use crate::cluster::Cluster;
use crate::runner::ports::Observer;
use crate::snapshot::ObjectRef;

const GROUP: &str = "GET /apis/cert-manager.io/v1";
const CERTIFICATES: &str = "GET /apis/cert-manager.io/v1/namespaces/shop/certificates";
const DEFINITIONS: &str = "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const POLICIES: &str = "GET /apis/cert-manager.io/v1/namespaces/shop/policies";
const SECRETS: &str = "GET /apis/cert-manager.io/v1/namespaces/shop/secrets";
const ISSUERS: &str = "GET /apis/cert-manager.io/v1/clusterissuers";

fn object(api_version: &str, kind: &str, namespace: Option<&str>) -> ObjectRef {
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: "web".to_owned(),
    }
}

fn group() -> Answer {
    let verbs = ["get", "list", "watch"];
    let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "kind": kind, "namespaced": namespaced, "singularName": "", "verbs": verbs});
    let list = json!({
        "kind": "APIResourceList", "groupVersion": "cert-manager.io/v1",
        "resources": [
            resource("certificates", "Certificate", true),
            resource("certificates/status", "Certificate", true),
            resource("clusterissuers", "ClusterIssuer", false),
            resource("clusterissuers/status", "ClusterIssuer", false),
            resource("policies", "Policy", true),
            resource("secrets", "Secret", true),
        ],
    });
    Answer::Json(200, list)
}

/// The call that reads the definition of a kind.
fn definition(name: &str) -> String {
    format!("{DEFINITIONS}/{name}.cert-manager.io")
}

/// As of a kind that is none of a definition.
fn undefined() -> Answer {
    refused(404, "NotFound", "not found")
}

fn certificate(generation: i64) -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": generation.to_string()},
        "status": {"observedGeneration": generation},
    })
}

async fn follow(cluster: &Cluster, objects: &[ObjectRef]) {
    cluster.follow(objects).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn kinds_with_a_status_are_watched() {
    let server = Server::default();
    let mut changed = certificate(2);
    changed["apiVersion"] = json!("cert-manager.io/v1");
    changed["kind"] = json!("Certificate");
    let defined = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "certificates.cert-manager.io", "uid": "d", "generation": 1},
        "spec": {"group": "cert-manager.io", "names": {"kind": "Certificate"}, "versions": []},
    });
    let defined = Answer::Json(200, defined);
    server
        .on(GROUP, group())
        .on(&definition("certificates"), defined)
        .on(
            &definition("clusterissuers"),
            refused(403, "Forbidden", "not you"),
        )
        .on(CERTIFICATES, list([certificate(1)]))
        .on(
            &format!("{CERTIFICATES} watch"),
            watch([("MODIFIED", changed)], Step::Hang),
        )
        .on(ISSUERS, list([]))
        .on(&format!("{ISSUERS} watch"), watch([], Step::Hang))
        .on(POLICIES, list([certificate(1)]))
        .on(&format!("{POLICIES} watch"), watch([], Step::Hang))
        .on(SECRETS, refused(403, "Forbidden", "not you"));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    let objects = [
        object("cert-manager.io/v1", "Certificate", Some("shop")),
        object("cert-manager.io/v1", "ClusterIssuer", Some("wrongly")),
        object("cert-manager.io/v1", "Policy", Some("shop")),
        object("cert-manager.io/v1", "Secret", Some("shop")),
        object("apps/v1", "Deployment", Some("shop")),
        object("v1", "ConfigMap", Some("shop")),
        object("rbac.authorization.k8s.io/v1", "Role", Some("shop")),
    ];
    follow(&cluster, &objects).await;
    follow(&cluster, &objects).await;
    let mut all = told.take(7).await;
    all[2..].sort();
    assert_eq!(
        all,
        [
            "seen customresourcedefinition/certificates.cert-manager.io None",
            "interrupted customresourcedefinition/clusterissuers.cert-manager.io: reading \
             customresourcedefinition/clusterissuers.cert-manager.io: not you (Forbidden); what has no status \
             yet counts as ready",
            "hidden secrets.cert-manager.io in namespace `shop`",
            "interrupted secrets.cert-manager.io in namespace `shop`: forbidden; they are only seen where they \
             are read one by one",
            "seen certificate/web Some(1)",
            "seen certificate/web Some(2)",
            "seen policy/web None",
        ]
    );
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_served_yet_is_found_later() {
    let server = Server::default();
    server
        .on(
            GROUP,
            refused(
                404,
                "NotFound",
                "the server could not find the requested resource",
            ),
        )
        .on(GROUP, group())
        .on(&definition("certificates"), undefined())
        .on(CERTIFICATES, list([certificate(1)]))
        .on(&format!("{CERTIFICATES} watch"), watch([], Step::Hang));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    let objects = [object("cert-manager.io/v1", "Certificate", Some("shop"))];
    follow(&cluster, &objects).await;
    assert_eq!(told.now(), [""; 0]);
    follow(&cluster, &objects).await;
    assert_eq!(told.now(), ["seen certificate/web Some(1)"]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_removed_takes_its_objects_with_it() {
    let server = Server::default();
    let missing = || {
        refused(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
    };
    server
        .on(GROUP, group())
        .on(&definition("certificates"), undefined())
        .on(CERTIFICATES, list([certificate(1)]))
        .on(&format!("{CERTIFICATES} watch"), watch([], Step::Break))
        .on(&format!("{CERTIFICATES} watch"), missing())
        .on(&format!("{CERTIFICATES} watch"), watch([], Step::Hang));
    let cluster = server.cluster();
    let mut told = Told::by(&cluster);
    follow(
        &cluster,
        &[object("cert-manager.io/v1", "Certificate", Some("shop"))],
    )
    .await;
    assert_eq!(
        told.take(2).await,
        [
            "seen certificate/web Some(1)",
            "gone certificate/web Some(1)"
        ]
    );
}
