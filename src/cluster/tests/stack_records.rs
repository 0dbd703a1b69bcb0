//! The stack record is written over exactly what was read, and what can't be read stays.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::server::{Answer, Server, list, refused};
use crate::cluster::{StoredStack, Written};
use crate::memory::{StackRecord, StackRelease, Verified};
use crate::names::Namespace;
use crate::runner::ports::ObserveError;
use crate::snapshot::{ObjectRef, Share, Surveyed};

const SECRETS: &str = "/api/v1/namespaces/shop/secrets";
const ORO: &str = "/api/v1/namespaces/shop/secrets/stackctl.dev.stack.oro";

fn shop() -> Namespace {
    "shop".parse().unwrap()
}

fn oro() -> StackRecord {
    let mut record = StackRecord::new("oro".parse().unwrap(), shop(), "oro.yaml");
    record.releases.push(StackRelease {
        id: "php".parse().unwrap(),
        release: "php-fpm".parse().unwrap(),
        namespace: shop(),
        chart: "php-fpm-0.3.0".to_owned(),
        needs: vec!["database".parse().unwrap()],
        forward_only: false,
        verified: None,
    });
    record
}

/// As the API server keeps it, in this version.
fn secret(version: &str, data: &[(&str, &[u8])]) -> Value {
    let data = data.iter().map(|(key, bytes)| (*key, BASE64.encode(bytes)));
    json!({
        "metadata": {"name": "stackctl.dev.stack.oro", "namespace": "shop", "resourceVersion": version,
                     "labels": {"stackctl.dev/stack": "oro"}},
        "type": "stackctl.dev/stack.v1",
        "data": data.collect::<std::collections::BTreeMap<_, _>>(),
    })
}

fn plain(version: &str, record: &StackRecord) -> Value {
    let text = serde_json::to_vec(record).unwrap();
    secret(version, &[("stack.json", text.as_slice())])
}

fn stored(without: &[&str]) -> Written {
    let without = without.iter().map(|id| id.parse().unwrap()).collect();
    Written::Stored { without }
}

async fn read(server: &Server) -> Result<Option<StoredStack>, ObserveError> {
    let stack = "oro".parse().unwrap();
    server.cluster().stored_stack(&stack, &shop()).await
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_as_it_was_written() {
    let server = Server::default();
    let (made, changed) = (format!("POST {SECRETS}"), format!("PATCH {ORO}"));
    server
        .on(&made, Answer::Json(201, plain("7", &oro())))
        .on(
            &changed,
            Answer::Json(200, json!({"metadata": {"resourceVersion": "8"}})),
        )
        .on(
            &changed,
            Answer::Json(200, json!({"metadata": {"resourceVersion": "9"}})),
        )
        .on(&format!("GET {ORO}"), Answer::Json(200, plain("9", &oro())))
        .on(&format!("GET {ORO}"), refused(404, "NotFound", "not found"));
    let cluster = server.cluster();
    let mut record = StoredStack::new(oro());
    for _ in 0..3 {
        assert_eq!(cluster.write_stack(&mut record).await, Ok(stored(&[])));
    }
    let call = &server.calls(&made)[0];
    assert!(
        call.query.contains("fieldManager=stackctl"),
        "{}",
        call.query
    );
    let written: Value = serde_json::from_str(&call.body).unwrap();
    let labels = json!({"app.kubernetes.io/managed-by": "stackctl", "stackctl.dev/stack": "oro"});
    assert_eq!(written["metadata"]["labels"], labels);
    let over: Vec<Value> = server
        .calls(&changed)
        .iter()
        .map(|call| serde_json::from_str::<Value>(&call.body).unwrap())
        .map(|body| body["metadata"]["resourceVersion"].clone())
        .collect();
    assert_eq!(over, ["7", "8"], "over exactly what it wrote last");
    assert_eq!(read(&server).await.unwrap().unwrap().record, oro());
    assert_eq!(read(&server).await, Ok(None));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn one_that_somebody_else_has_written_is_not_written_over() {
    let server = Server::default();
    let conflict = || refused(409, "Conflict", "the object has been modified");
    server
        .on(&format!("GET {ORO}"), Answer::Json(200, plain("7", &oro())))
        .on(&format!("PATCH {ORO}"), conflict())
        .on(
            &format!("PATCH {ORO}"),
            refused(404, "NotFound", "not found"),
        )
        .on(&format!("DELETE {ORO}"), conflict())
        .on(
            &format!("DELETE {ORO}"),
            refused(404, "NotFound", "not found"),
        )
        .on(
            &format!("POST {SECRETS}"),
            refused(409, "AlreadyExists", "exists"),
        );
    let mut known = read(&server).await.unwrap().unwrap();
    let cluster = server.cluster();
    for _ in 0..2 {
        assert_eq!(cluster.write_stack(&mut known).await, Ok(Written::Outdated));
    }
    for _ in 0..2 {
        assert_eq!(cluster.delete_stack(&known).await, Ok(false));
    }
    let delete = &server.calls(&format!("DELETE {ORO}"))[0].body;
    assert!(delete.contains(r#""resourceVersion":"7""#), "{delete}");
    let mut new = StoredStack::new(oro());
    assert_eq!(cluster.write_stack(&mut new).await, Ok(Written::Outdated));
    server.finish();
}

#[tokio::test(start_paused = true)]
async fn what_this_version_does_not_know_stays() {
    let server = Server::default();
    let mut newer = serde_json::to_value(oro()).unwrap();
    newer["region"] = json!("north");
    newer["runs"] = json!([{"by": {"run": "r1", "verb": "import"}}]);
    let text = newer.to_string();
    server
        .on(
            &format!("GET {ORO}"),
            Answer::Json(200, secret("7", &[("stack.json", text.as_bytes())])),
        )
        .on(
            &format!("PATCH {ORO}"),
            Answer::Json(200, json!({"metadata": {}})),
        );
    let mut known = read(&server).await.unwrap().unwrap();
    known.record.profile = "other.yaml".to_owned();
    server.cluster().write_stack(&mut known).await.unwrap();
    let body = &server.calls(&format!("PATCH {ORO}"))[0].body;
    let body: Value = serde_json::from_str(body).unwrap();
    let text = BASE64.decode(body["data"]["stack.json"].as_str().unwrap());
    let written: Value = serde_json::from_slice(&text.unwrap()).unwrap();
    newer["profile"] = json!("other.yaml");
    assert_eq!(written, newer);
}

#[tokio::test(start_paused = true)]
async fn a_newer_or_damaged_one_is_refused_and_others_are_found() {
    let newer = secret("7", &[("stack.json", br#"{"schema":2}"#)]);
    let damaged = [
        secret("7", &[("stack.json", b"{")]),
        secret("7", &[("stack.json.gz", b"?")]),
        secret("7", &[]),
    ];
    let server = Server::default();
    server.on(&format!("GET {ORO}"), Answer::Json(200, newer.clone()));
    for secret in damaged {
        server.on(&format!("GET {ORO}"), Answer::Json(200, secret));
    }
    let of_newer = "the record of stack `oro` in `shop` can't be read: it was written by a newer \
                    stackctl (schema 2; this one knows 1)";
    let error = read(&server).await.unwrap_err();
    assert!(matches!(error, ObserveError::Unreadable { .. }));
    assert_eq!(error.to_string(), of_newer);
    for _ in 0..3 {
        let error = read(&server).await.unwrap_err();
        assert!(error.to_string().contains("it is damaged: "), "{error}");
    }
    let opaque = json!({"metadata": {"name": "s"}, "type": "Opaque"});
    server
        .on("GET /api/v1/secrets", refused(403, "Forbidden", "no"))
        .on(
            &format!("GET {SECRETS}"),
            list([newer, plain("7", &oro()), opaque]),
        );
    let (known, unread) = server.cluster().list_stacks(&shop()).await.unwrap();
    assert_eq!(known, [oro()]);
    assert_eq!(unread.len(), 1);
    assert_eq!(unread[0].to_string(), of_newer);
    server.finish();
}

/// A release of so many objects. Their digests are what can't be packed.
fn release(name: &str, objects: u32) -> StackRelease {
    let digest = |number: u32| {
        (0..5).fold(String::new(), |text, at| {
            let mixed =
                (number * 5 + at + 1).wrapping_mul(2_654_435_761) ^ number.rotate_left(at * 7);
            format!("{text}{mixed:08x}")
        })
    };
    let object = |number| Surveyed {
        object: ObjectRef {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("shop".to_owned()),
            name: format!("settings-{number}"),
        },
        share: Some(Share(digest(number))),
        is_going: false,
    };
    StackRelease {
        id: name.parse().unwrap(),
        release: name.parse().unwrap(),
        verified: Some(Verified {
            record: None,
            revision: 1,
            objects: (0..objects).map(object).collect(),
            hooks: Vec::new(),
        }),
        ..oro().releases.remove(0)
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_too_large_is_packed_and_then_cut() {
    for (objects, without) in [(9_000, &[][..]), (60_000, &["large"])] {
        let server = Server::default();
        let key = format!("POST {SECRETS}");
        server.on(&key, Answer::Json(201, plain("7", &oro())));
        let mut record = StoredStack::new(oro());
        record.record.releases = vec![release("large", objects), release("small", 3)];
        let written = server.cluster().write_stack(&mut record).await;
        assert_eq!(written, Ok(stored(without)), "{objects}");
        let body: Value = serde_json::from_str(&server.calls(&key)[0].body).unwrap();
        let data = body["data"].as_object().unwrap();
        let size: usize = data.values().map(|it| it.as_str().unwrap().len()).sum();
        assert!(size < 1024 * 1024 * 4 / 3, "{size}");
        let mut back = body.clone();
        back["metadata"]["resourceVersion"] = json!("7");
        server.on(&format!("GET {ORO}"), Answer::Json(200, back));
        let read = read(&server).await.unwrap().unwrap().record;
        let verified = |at: usize| {
            read.releases[at]
                .verified
                .as_ref()
                .map(|it| it.objects.len())
        };
        assert_eq!(verified(1), Some(3));
        assert_eq!(verified(0).is_none(), !without.is_empty());
    }
}
