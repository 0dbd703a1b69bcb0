//! An API server for the real binary: lists, watches and logs as a test has put them there. What
//! nobody has put there is an empty list.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// What there is, and who listens. Streams are known by their path; those of logs by `path
/// container`.
#[derive(Default)]
struct State {
    /// By path, and by what its query has to hold.
    lists: Vec<(String, &'static str, Vec<Value>)>,
    objects: HashMap<String, Value>,
    /// All that a stream has told so far: who comes later is told it all.
    told: HashMap<String, Vec<String>>,
    denied: Vec<(String, &'static str)>,
    asked: Vec<String>,
    /// Counts up when streams have something new to tell.
    news: u64,
}

#[derive(Clone)]
pub struct Api {
    state: Arc<(Mutex<State>, Condvar)>,
    address: String,
}

impl Api {
    pub fn start() -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Api {
            state: Arc::default(),
            address: listener.local_addr().unwrap().to_string(),
        };
        let server = api.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = server.clone();
                // Ends when the program goes away.
                thread::spawn(move || server.serve(&stream));
            }
        });
        api
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// What a list holds; `query` has to be in its query.
    pub fn list(&self, path: &str, query: &'static str, items: impl Into<Vec<Value>>) -> &Api {
        let list = (path.to_owned(), query, items.into());
        self.state.0.lock().unwrap().lists.push(list);
        self
    }

    pub fn object(&self, path: &str, object: Value) -> &Api {
        let mut state = self.state.0.lock().unwrap();
        state.objects.insert(path.to_owned(), object);
        drop(state);
        self
    }

    /// Forbids what begins so, where `query` is in its query.
    pub fn deny(&self, path: &str, query: &'static str) -> &Api {
        let mut state = self.state.0.lock().unwrap();
        state.denied.push((path.to_owned(), query));
        drop(state);
        self
    }

    /// Lets a watch tell that an object is as it is now.
    pub fn modify(&self, path: &str, object: &Value) -> &Api {
        let event = json!({"type": "MODIFIED", "object": object});
        self.tell(path, &format!("{event}\n"))
    }

    /// Lets a container say something; `text` has its time in front.
    pub fn say(&self, pod: &str, container: &str, text: &str) -> &Api {
        self.tell(&log_key(&log_path(pod), container), &format!("{text}\n"))
    }

    /// Everything that was asked for so far, with its query.
    pub fn asked(&self) -> Vec<String> {
        self.state.0.lock().unwrap().asked.clone()
    }

    fn tell(&self, key: &str, text: &str) -> &Api {
        let mut state = self.state.0.lock().unwrap();
        state
            .told
            .entry(key.to_owned())
            .or_default()
            .push(text.to_owned());
        state.news += 1;
        drop(state);
        self.state.1.notify_all();
        self
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                match reader.read_line(&mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) if line.trim().is_empty() => break,
                    Ok(_) => head.push(line),
                }
            }
            let length = head.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let named = name.eq_ignore_ascii_case("content-length");
                named.then(|| value.trim().parse::<usize>().ok())?
            });
            let mut body = vec![0; length.unwrap_or(0)];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let target = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
            if self.answer(stream, &target).is_err() {
                return;
            }
        }
    }

    fn answer(&self, stream: &TcpStream, target: &str) -> std::io::Result<()> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.state.0.lock().unwrap().asked.push(target.to_owned());
        if self.is_denied(path, query) {
            let message = format!("User \"ci\" cannot read {path}");
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                "code": 403, "reason": "Forbidden", "message": message});
            return whole(stream, "403 Forbidden", &status.to_string());
        }
        if query.contains("watch=true") {
            return self.stream(stream, path, true);
        }
        if path.ends_with("/log") {
            let part = query
                .split('&')
                .find_map(|part| part.strip_prefix("container="));
            let key = log_key(path, part.unwrap_or_default());
            return self.stream(stream, &key, query.contains("follow=true"));
        }
        let state = self.state.0.lock().unwrap();
        let object = state.objects.get(path).cloned();
        let lists = state.lists.iter();
        let mut lists = lists.filter(|(of, part, _)| of == path && query.contains(part));
        let items = lists.next().map(|(_, _, items)| items.clone());
        drop(state);
        let answer = match (object, path) {
            (Some(object), _) => object,
            (None, "/version") => version(),
            (None, _) => json!({
                "metadata": {"resourceVersion": "1"}, "items": items.unwrap_or_default(),
            }),
        };
        whole(stream, "200 OK", &answer.to_string())
    }

    fn is_denied(&self, path: &str, query: &str) -> bool {
        let state = self.state.0.lock().unwrap();
        let mut denied = state.denied.iter();
        denied.any(|(of, part)| path.starts_with(of.as_str()) && query.contains(part))
    }

    /// Tells all that there is, and with `follow` what comes, for ever.
    fn stream(&self, mut to: &TcpStream, key: &str, follow: bool) -> std::io::Result<()> {
        to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let mut given = 0;
        let mut state = self.state.0.lock().unwrap();
        loop {
            let told = state.told.get(key).map_or(&[][..], Vec::as_slice);
            let new: Vec<String> = told[given..].to_vec();
            given += new.len();
            let news = state.news;
            drop(state);
            for text in new {
                write!(to, "{:x}\r\n{text}\r\n", text.len())?;
            }
            to.flush()?;
            if !follow {
                return to.write_all(b"0\r\n\r\n");
            }
            let quiet = |state: &mut State| state.news == news;
            let (lock, bell) = &*self.state;
            state = bell.wait_while(lock.lock().unwrap(), quiet).unwrap();
        }
    }
}

fn whole(mut to: &TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        to,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn log_path(pod: &str) -> String {
    format!("/api/v1/namespaces/shop/pods/{pod}/log")
}

fn log_key(path: &str, container: &str) -> String {
    format!("{path} {container}")
}

fn version() -> Value {
    json!({"major": "1", "minor": "34", "gitVersion": "v1.34.4", "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "", "compiler": "", "platform": ""})
}

fn meta(name: &str, more: &Value) -> Value {
    let mut meta = json!({"name": name, "namespace": "shop", "uid": format!("uid-{name}"),
        "resourceVersion": "1", "generation": 1, "creationTimestamp": "2026-10-01T12:00:00Z"});
    for (key, value) in more.as_object().unwrap() {
        meta[key] = value.clone();
    }
    meta
}

/// helm's record of a release that is one Deployment of its name.
pub fn record(release: &str, status: &str) -> (Value, String, Value) {
    record_with(release, status, "")
}

/// The same with more objects in its manifest.
fn record_with(release: &str, status: &str, more: &str) -> (Value, String, Value) {
    let labels = json!({"owner": "helm", "name": release, "status": status, "version": "1",
        "createdAt": "1000000000", "stackctl.dev/stack": "shop", "stackctl.dev/release": release});
    let name = format!("sh.helm.release.v1.{release}.v1");
    let path = format!("/api/v1/namespaces/shop/secrets/{name}");
    let payload = json!({
        "chart": {"metadata": {"name": release, "version": "0.1.0"}},
        "manifest": format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {release}}}\n{more}"),
        "hooks": [{"events": ["pre-install"],
            "manifest": format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {release}-hook}}\n")}],
    });
    let data = BASE64.encode(BASE64.encode(payload.to_string()));
    let secret = json!({"kind": "Secret", "metadata": {"name": name}, "data": {"release": data}});
    (
        json!({"metadata": meta(&name, &json!({"labels": labels}))}),
        path,
        secret,
    )
}

/// What stackctl writes down of the stack `shop`.
pub fn stack(releases: &[&str]) -> Value {
    let release =
        |id: &&str| json!({"id": id, "release": id, "namespace": "shop", "chart": "", "needs": []});
    let releases: Vec<Value> = releases.iter().map(release).collect();
    let text = json!({"schema": 1, "stack": "shop", "namespace": "shop", "profile": "shop.yaml",
        "releases": releases});
    json!({"metadata": meta("stackctl.dev.stack.shop", &json!({})), "type": "stackctl.dev/stack.v1",
        "data": {"stack.json": BASE64.encode(text.to_string())}})
}

pub fn deployment(name: &str, ready: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": meta(name, &json!({"resourceVersion": (2 + ready).to_string(),
            "annotations": {"deployment.kubernetes.io/revision": "1"}})),
        "spec": {"replicas": 1, "selector": {}, "template": {}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": ready, "availableReplicas": ready},
    })
}

pub fn replica_set(name: &str) -> Value {
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name,
        "uid": format!("uid-{name}"), "controller": true});
    json!({
        "metadata": meta(&format!("{name}-7d9f"), &json!({"ownerReferences": [owner],
            "labels": {"pod-template-hash": "7d9f"},
            "annotations": {"deployment.kubernetes.io/revision": "1"}})),
        "spec": {"replicas": 1, "selector": {}},
        "status": {"replicas": 1},
    })
}

/// A pod of that Deployment: an init container `migrate` and a container `main`.
pub fn pod(name: &str, version: &str, init: &Value, main: &Value) -> Value {
    let set = format!("{name}-7d9f");
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set,
        "uid": format!("uid-{set}"), "controller": true});
    let statuses = |name: &str, status: &Value| {
        let mut whole = json!({"name": name, "image": "", "imageID": "", "ready": false,
            "restartCount": 0});
        for (key, value) in status.as_object().unwrap() {
            whole[key] = value.clone();
        }
        vec![whole]
    };
    let ready = main["ready"] == json!(true);
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": meta(&format!("{set}-x2x"), &json!({"ownerReferences": [owner],
            "labels": {"pod-template-hash": "7d9f"}, "resourceVersion": version})),
        "spec": {"nodeName": "node", "initContainers": [{"name": "migrate", "image": "a"}],
            "containers": [{"name": "main", "image": "a"}]},
        "status": {"phase": if ready { "Running" } else { "Pending" },
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Initialized", "status": if ready { "True" } else { "False" }},
                {"type": "Ready", "status": if ready { "True" } else { "False" }}],
            "initContainerStatuses": statuses("migrate", init),
            "containerStatuses": statuses("main", main)},
    })
}

/// Ended `restarts + 1` times with the exit code 3, and to be started again.
pub fn crashing(restarts: u32) -> Value {
    let end = json!({"exitCode": 3, "reason": "Error", "containerID": format!("containerd://{restarts}"),
        "startedAt": "2026-10-01T12:00:00Z", "finishedAt": "2026-10-01T12:00:01Z"});
    json!({"restartCount": restarts, "containerID": format!("containerd://{restarts}"),
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": end}})
}

pub fn done() -> Value {
    json!({"ready": true, "containerID": "containerd://done",
        "state": {"terminated": {"exitCode": 0, "reason": "Completed",
            "containerID": "containerd://done", "startedAt": "2026-10-01T12:00:00Z",
            "finishedAt": "2026-10-01T12:00:01Z"}}})
}

pub fn running(id: &str) -> Value {
    json!({"ready": true, "started": true, "containerID": format!("containerd://{id}"),
        "state": {"running": {"startedAt": "2026-10-01T12:00:02Z"}}})
}

pub fn waiting() -> Value {
    json!({"state": {"waiting": {"reason": "PodInitializing"}}})
}

pub const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";
pub const CRON_JOBS: &str = "/apis/batch/v1/namespaces/shop/cronjobs";
pub const TOPICS: &str = "/apis/example.com/v1/namespaces/shop/topics";
const SECRETS: &str = "/api/v1/secrets";
pub const STACK: &str = "/api/v1/namespaces/shop/secrets/stackctl.dev.stack.shop";
const OURS: &str = "managed-by";
const HELMS: &str = "helm";
pub const PODS: &str = "/api/v1/namespaces/shop/pods";
pub const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

/// A stack of two releases: `api`, which is ready, and `web`, whose init container crashes. A third
/// one, `mail`, is not there.
pub fn shop() -> Api {
    shop_with("")
}

/// The same, and `api` has a ConfigMap `settings`, a CronJob `nightly` and a custom resource `main`, a
/// Topic; of them only what is put into a list is there.
pub fn shop_of_silent_objects() -> Api {
    let named = |kind: &str, name: &str| format!("---\n{kind}\nmetadata: {{name: {name}}}\n");
    let more = [
        named("apiVersion: v1\nkind: ConfigMap", "settings"),
        named("apiVersion: batch/v1\nkind: CronJob", "nightly"),
        named("apiVersion: example.com/v1\nkind: Topic", "main"),
    ];
    let api = shop_with(&more.concat());
    let served = |plural: &str, kind: &str| json!({"name": plural, "kind": kind, "namespaced": true, "singularName": "", "verbs": ["get"]});
    let batch = [served("jobs", "Job"), served("cronjobs", "CronJob")];
    let list = |version: &str, resources: &[Value]| json!({"groupVersion": version, "resources": resources});
    api.object("/api/v1", list("v1", &[served("configmaps", "ConfigMap")]))
        .object("/apis/batch/v1", list("batch/v1", &batch))
        .object(
            "/apis/example.com/v1",
            list("example.com/v1", &[served("topics", "Topic")]),
        );
    api
}

/// Nothing but its metadata.
pub fn silent(name: &str) -> Value {
    json!({"metadata": meta(name, &json!({}))})
}

/// A stack of `api`, with more objects in its manifest, and of `web`, which fails.
pub fn shop_with(more: &str) -> Api {
    let api = Api::start();
    let releases = [
        record_with("api", "deployed", more),
        record("web", "deployed"),
    ];
    let records: Vec<Value> = releases.iter().map(|(meta, ..)| meta.clone()).collect();
    for (_, path, secret) in releases {
        api.object(&path, secret);
    }
    let pods = [
        pod("api", "2", &done(), &running("api-main")),
        pod("web", "2", &crashing(4), &waiting()),
    ];
    for pod in &pods {
        let name = pod["metadata"]["name"].as_str().unwrap();
        api.object(&format!("{PODS}/{name}"), pod.clone());
    }
    api.object(STACK, stack(&["api", "web", "mail"]))
        .list(SECRETS, OURS, [stack(&["api", "web", "mail"])])
        .list(
            "/api/v1/namespaces/shop/secrets",
            OURS,
            [stack(&["api", "web", "mail"])],
        )
        .list(SECRETS, HELMS, records.clone())
        .list("/api/v1/namespaces/shop/secrets", HELMS, records)
        .list(
            DEPLOYMENTS,
            "",
            [deployment("api", 1), deployment("web", 0)],
        )
        .list(
            "/apis/apps/v1/namespaces/shop/replicasets",
            "",
            [replica_set("api"), replica_set("web")],
        )
        .list(PODS, "", pods)
        .object("/apis/apps/v1", resources("deployments", "Deployment"))
        .object("/apis/batch/v1", resources("jobs", "Job"))
        .say(
            "web-7d9f-x2x",
            "migrate",
            "2026-10-01T12:00:00.5Z connecting",
        )
        .say(
            "web-7d9f-x2x",
            "migrate",
            "2026-10-01T12:00:00.7Z \u{1b}[31mrelation \"orders\" does not exist\u{1b}[0m",
        )
        .say("api-7d9f-x2x", "main", "2026-10-01T12:00:03Z listening")
        .say("api-7d9f-x2x", "migrate", "2026-10-01T12:00:01Z up to date");
    api
}

fn resources(plural: &str, kind: &str) -> Value {
    json!({"groupVersion": "", "resources": [
        {"name": plural, "kind": kind, "namespaced": true, "singularName": "", "verbs": ["get"]},
        {"name": format!("{plural}/status"), "kind": kind, "namespaced": true, "singularName": "",
            "verbs": ["get"]},
    ]})
}
