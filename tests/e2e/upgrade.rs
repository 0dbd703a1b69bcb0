//! New code under load: everybody who asks during the rollout is answered, and the old page comes
//! back with the old revision.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http_body_util::{BodyExt, Collected};
use kube::Client;

use crate::support::{Cluster, Ended, eventually, sandbox};

const NAMESPACE: &str = "oro-upgrade";
/// Between two requests: fifty a second.
const PACE: Duration = Duration::from_millis(20);

/// The repository's own profile with this version of the application.
fn profile(folder: &Path, version: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = format!(
        "extends: {}\nnamespace: {NAMESPACE}\ndefaults:\n  values:\n    - {}\n    \
         - common: {{oro: {{images: {{application: {{tag: {version}}}}}}}}}\n",
        root.join("profiles/oro.yaml").display(),
        root.join("profiles/values/oro/shared.yaml").display(),
    );
    let file = folder.join(format!("oro-{version}.yaml"));
    fs::write(&file, text).expect("a profile");
    file
}

/// Requests that go on until they are told to end.
struct Load {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<BTreeMap<String, usize>>,
}

impl Load {
    fn start() -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            Cluster::of(sandbox()).block_on(async |client| ask(&client, &told).await)
        });
        Load { over, thread }
    }

    /// How often each answer came.
    fn end(self) -> BTreeMap<String, usize> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the load runs")
    }
}

async fn ask(client: &Client, over: &AtomicBool) -> BTreeMap<String, usize> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/services/webserver:http/proxy/version");
    let mut open = FuturesUnordered::new();
    let mut pace = tokio::time::interval(PACE);
    let mut answers = BTreeMap::new();
    let mut count = |answer: String| *answers.entry(answer).or_insert(0) += 1;
    while !over.load(Ordering::Relaxed) {
        tokio::select! {
            _ = pace.tick() => {
                let request = http::Request::get(&path).body(Vec::new().into());
                let answer = client.send(request.expect("a request"));
                let asked = jiff::Timestamp::now();
                open.push(async move {
                    match answer.await {
                        Ok(answer) if answer.status() == 200 => "200".to_owned(),
                        // When and what, so that a failure tells more than its number.
                        Ok(answer) => {
                            let code = answer.status();
                            let body = answer.into_body().collect().await;
                            let body = body.map(Collected::to_bytes).unwrap_or_default();
                            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
                            format!("{code} at {asked:.0}: {text}")
                        }
                        Err(error) => format!("{asked:.0}: {error}"),
                    }
                });
            }
            Some(answer) = open.next() => count(answer),
        }
    }
    while let Some(answer) = open.next().await {
        count(answer);
    }
    answers
}

#[test]
fn new_code_comes_without_a_request_lost_and_the_old_page_comes_back() {
    let cluster = Cluster::of(sandbox());
    cluster.restricted_namespace(NAMESPACE);
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (
        profile(folder.path(), "6.1.6"),
        profile(folder.path(), "6.1.7"),
    );
    let shows = |version: &str| {
        let page = cluster.page(NAMESPACE, "webserver:http", "/");
        page.contains(&format!("<th>application</th><td>{version}</td>"))
            .then_some(())
    };

    Ended::up(&old, &["webserver"]).expect_code(0);
    assert!(shows("6.1.6").is_some());
    let load = Load::start();
    let up = Ended::up(&new, &["php-fpm"]);
    let answers = load.end();
    up.expect_code(0);
    // kube-proxy may hear a moment later than others that the old pod serves no more.
    eventually("the new page", Duration::from_secs(10), || shows("6.1.7"));
    eprintln!("answers during the upgrade: {answers:?}");
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["200"], "{answers:?}");
    assert!(answers["200"] > 500, "{answers:?}");

    let status = Command::new(sandbox().helm())
        .args(["rollback", "php-fpm", "1", "--namespace", NAMESPACE])
        .env("KUBECONFIG", sandbox().kubeconfig())
        .status()
        .expect("helm runs");
    assert!(status.success());
    eventually("the old page", Duration::from_secs(120), || shows("6.1.6"));
    cluster.remove_namespace(NAMESPACE);
}
