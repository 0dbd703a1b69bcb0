use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::api::Api;
use crate::folder::Folder;

const SECRETS: &str = "/api/v1/namespaces/shop/secrets";

fn set(run: &str, api: &str) -> Value {
    let identity =
        |id: &str, record: &str| json!({"release": id, "namespace": "shop", "record": record});
    json!({"run": run, "at": "2026-01-02T03:04:05Z", "releases": {"api": 1, "web": 1},
        "identities": {"api": identity("api", api), "web": identity("web", "uid-web")}})
}

fn helm_record(release: &str) -> Value {
    json!({"metadata": {"name": format!("sh.helm.release.v1.{release}.v1"), "namespace": "shop",
        "uid": format!("uid-{release}"), "labels": {"owner": "helm", "name": release,
        "status": "deployed", "version": "1", "stackctl.dev/stack": "shop"}}})
}

/// The first of two runs has verified an `api` that is gone: there is another one of that name now.
fn shop() -> Api {
    let run = |run: &str| {
        let by = json!({"run": run, "verb": "up", "host": "h", "pid": 1, "since": "2026-01-02T03:04:05Z"});
        let end = json!({"at": "2026-01-02T03:04:05Z", "outcome": "ready", "releases": []});
        json!({"by": by, "end": end})
    };
    let release =
        |id: &str| json!({"id": id, "release": id, "namespace": "shop", "chart": "", "needs": []});
    let text = json!({"schema": 1, "stack": "shop", "namespace": "shop", "profile": "shop.yaml",
        "releases": [release("api"), release("web")],
        "sets": [set("first", "uid-gone"), set("second", "uid-api")],
        "runs": [run("first"), run("second")]});
    let stack = json!({"metadata": {"name": "stackctl.dev.stack.shop", "namespace": "shop",
        "resourceVersion": "1"}, "type": "stackctl.dev/stack.v1",
        "data": {"stack.json": BASE64.encode(text.to_string())}});
    let api = Api::start();
    api.object(&format!("{SECRETS}/stackctl.dev.stack.shop"), stack.clone())
        .list("/api/v1/secrets", "managed-by", [stack])
        .list(SECRETS, "helm", ["api", "web"].map(helm_record));
    api
}

fn verified(api: &Api) -> (Value, String) {
    let ran = Folder::empty()
        .cluster(api.address())
        .run(&["history", "-o", "json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
    (told[0]["verified"].clone(), ran.stderr)
}

#[test]
fn only_what_can_be_brought_back_is_promised() {
    let api = shop();
    assert_eq!(verified(&api).0, json!(["second"]));
    let ran = Folder::empty().cluster(api.address()).run(&["history"]);
    assert!(ran.stdout.contains("second*"), "{ran}");
    assert!(!ran.stdout.contains("first*"), "{ran}");
}

#[test]
fn that_it_could_not_be_asked_is_said() {
    let api = shop();
    api.deny(SECRETS, "helm");
    let (verified, said) = verified(&api);
    assert_eq!(verified, json!(["second", "first"]));
    assert!(said.contains("warning: could not ask whether"), "{said}");
}

#[test]
fn only_stacks_of_the_namespace_that_is_asked_for_are_told() {
    let api = shop();
    let told = |namespace: &str| {
        let args = ["history", "-o", "json", "--namespace", namespace];
        let ran = Folder::empty().cluster(api.address()).run(&args);
        let told: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
        told.as_array().map(Vec::len)
    };
    assert_eq!((told("shop"), told("other")), (Some(1), Some(0)));
}
