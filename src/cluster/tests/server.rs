//! An API server that follows a script, for what a real one can't do on demand.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::LocalBoxStream;
use http::{Request, Response};
use http_body_util::channel::Channel;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::cluster::{Cluster, ServerVersion};
use crate::runner::ports::Observer;
use crate::snapshot::{Observation, Snapshot};

/// What one call is answered with.
pub enum Answer {
    Json(u16, Value),
    /// A body that comes bit by bit; the status is 200.
    Stream(Vec<Step>),
    After(Duration, Box<Answer>),
    /// No connection.
    Nobody,
}

pub enum Step {
    Text(String),
    Wait(Duration),
    /// The connection breaks.
    Break,
    /// Nothing comes any more.
    Hang,
}

/// One call, as `GET /api/v1/namespaces/shop/pods`, ` watch` behind it if it is one.
#[derive(Debug, Clone)]
pub struct Call {
    pub key: String,
    pub query: String,
    pub body: String,
    pub content_type: String,
    pub accept: String,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, VecDeque<Answer>>,
    calls: Vec<Call>,
    unexpected: Vec<String>,
    /// Lists nothing and watches in silence, whatever is asked for beyond the script.
    quiet: bool,
}

type AnswerBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// A script that is being filled in, and the witness of what was asked.
#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<Script>>);

impl Server {
    /// Adds the next answer to a call.
    pub fn on(&self, key: &str, answer: Answer) -> &Server {
        let mut script = self.0.lock().unwrap();
        script
            .answers
            .entry(key.to_owned())
            .or_default()
            .push_back(answer);
        drop(script);
        self
    }

    pub fn quiet(&self) -> &Server {
        self.0.lock().unwrap().quiet = true;
        self
    }

    pub fn cluster(&self) -> Cluster {
        let script = Arc::clone(&self.0);
        let service = tower::service_fn(move |request: Request<Body>| {
            let script = Arc::clone(&script);
            async move { answer(&script, request).await }
        });
        let client = Client::new(service, "default");
        Cluster::over(client, "test", ServerVersion::default())
    }

    /// Calls with this key so far.
    pub fn calls(&self, key: &str) -> Vec<Call> {
        let script = self.0.lock().unwrap();
        script
            .calls
            .iter()
            .filter(|c| c.key == key)
            .cloned()
            .collect()
    }

    /// Every answer was asked for, and nothing else.
    pub fn finish(&self) {
        let script = self.0.lock().unwrap();
        assert_eq!(
            script.unexpected, [""; 0],
            "calls that the script does not have"
        );
        let left: Vec<&String> = script
            .answers
            .iter()
            .filter(|(_, answers)| !answers.is_empty())
            .map(|(key, _)| key)
            .collect();
        assert_eq!(left, [""; 0], "calls that did not come");
    }
}

async fn answer(
    script: &Mutex<Script>,
    request: Request<Body>,
) -> io::Result<Response<AnswerBody>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let is_watch = query.contains("watch=true");
    let watch = if is_watch { " watch" } else { "" };
    let key = format!("{} {}{watch}", parts.method, parts.uri.path());
    let header = |name: &str| {
        let value = parts.headers.get(name);
        value.map_or(String::new(), |v| v.to_str().unwrap().to_owned())
    };
    let call = Call {
        query,
        body: String::from_utf8(body.to_vec()).unwrap(),
        content_type: header("content-type"),
        accept: header("accept"),
        key: key.clone(),
    };
    let answer = {
        let mut script = script.lock().unwrap();
        script.calls.push(call);
        match script.answers.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(answer) => answer,
            None if script.quiet && is_watch => Answer::Stream(vec![Step::Hang]),
            None if script.quiet => list([]),
            None => {
                script.unexpected.push(key);
                refused(500, "Unexpected", "not in the script")
            }
        }
    };
    respond(answer).await
}

async fn respond(answer: Answer) -> io::Result<Response<AnswerBody>> {
    let (status, body) = match answer {
        Answer::After(pause, answer) => {
            tokio::time::sleep(pause).await;
            return Box::pin(respond(*answer)).await;
        }
        Answer::Json(status, json) => {
            let full = Full::from(json.to_string().into_bytes());
            (status, full.map_err(|never| match never {}).boxed_unsync())
        }
        Answer::Stream(steps) => (200, play(steps).boxed_unsync()),
        Answer::Nobody => return Err(io::Error::other("connection refused")),
    };
    Ok(Response::builder().status(status).body(body).unwrap())
}

fn play(steps: Vec<Step>) -> Channel<Bytes, std::io::Error> {
    let (mut sender, body) = Channel::new(64);
    tokio::spawn(async move {
        for step in steps {
            match step {
                Step::Text(text) => drop(sender.send_data(text.into()).await),
                Step::Wait(pause) => tokio::time::sleep(pause).await,
                Step::Break => {
                    sender.abort(std::io::Error::other("connection reset"));
                    return;
                }
                Step::Hang => std::future::pending().await,
            }
        }
    });
    body
}

/// An answer of the API server that says no.
pub fn refused(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "reason": reason, "message": message,
    });
    Answer::Json(code, status)
}

pub fn list<const N: usize>(items: [Value; N]) -> Answer {
    list_at("100", items)
}

pub fn list_at<const N: usize>(version: &str, items: [Value; N]) -> Answer {
    let items: Vec<Value> = items.into();
    Answer::Json(
        200,
        json!({"metadata": {"resourceVersion": version}, "items": items}),
    )
}

/// A watch that tells these and then what follows.
pub fn watch<const N: usize>(events: [(&str, Value); N], then: Step) -> Answer {
    let mut steps: Vec<Step> = events
        .into_iter()
        .map(|(kind, object)| Step::Text(format!("{}\n", json!({"type": kind, "object": object}))))
        .collect();
    steps.push(then);
    Answer::Stream(steps)
}

pub fn pod(name: &str, version: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": version},
        "status": {"phase": format!("at {version}")},
    })
}

/// The observations as short lines: `seen pod a at 5`.
pub struct Told(LocalBoxStream<'static, Observation>);

impl Told {
    pub fn by(cluster: &Cluster) -> Told {
        Told(cluster.observations())
    }

    pub async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(900), self.0.next());
        short(&next.await.expect("nothing is told any more").unwrap())
    }

    pub async fn take(&mut self, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..count {
            told.push(self.next().await);
        }
        told
    }

    /// What has been told already.
    pub fn now(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(Some(observation)) = futures::FutureExt::now_or_never(self.0.next()) {
            told.push(short(&observation));
        }
        told
    }
}

fn short(observation: &Observation) -> String {
    let name = |snapshot: &Snapshot| match snapshot {
        Snapshot::Pod(pod) => format!("pod {} {}", pod.meta.name, pod.phase),
        Snapshot::Custom(custom) => format!("{} {:?}", custom.object, custom.observed_generation),
        Snapshot::Record(r) => format!("record {} {} {}", r.release, r.revision, r.status.as_str()),
        Snapshot::Workload(w) => format!("workload {} {}", w.meta.name, w.observed_generation),
        other => format!("{other:?}"),
    };
    match observation {
        Observation::Seen(snapshot) => format!("seen {}", name(snapshot)),
        Observation::Gone(snapshot) => format!("gone {}", name(snapshot)),
        Observation::Interrupted { what, why } => format!("interrupted {what}: {why}"),
        Observation::Hidden(watched) => format!("hidden {watched}"),
        Observation::Visible(watched) => format!("visible {watched}"),
        Observation::Absent(object) => format!("absent {object}"),
        Observation::Resumed { what } => format!("resumed {what}"),
        Observation::Unreachable { since, why } => {
            format!("unreachable since {}s: {why}", since.as_secs())
        }
        Observation::Reachable => "reachable".to_owned(),
    }
}
