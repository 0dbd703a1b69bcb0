use std::path::PathBuf;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use stackctl_sandbox::Sandbox;

/// The sandbox's API server, asked directly.
pub struct Cluster {
    kubeconfig: PathBuf,
    context: String,
}

impl Cluster {
    pub fn of(sandbox: &Sandbox) -> Cluster {
        Cluster {
            kubeconfig: sandbox.kubeconfig(),
            context: sandbox.context(),
        }
    }

    pub fn block_on<T>(&self, ask: impl AsyncFnOnce(Client) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let file = Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
            let options = KubeConfigOptions {
                context: Some(self.context.clone()),
                ..KubeConfigOptions::default()
            };
            let config = Config::from_custom_kubeconfig(file, &options).await;
            let client = Client::try_from(config.expect("a config")).expect("a client");
            ask(client).await
        })
    }

    /// Asks a Service for a page through the API server.
    pub fn page(&self, namespace: &str, service: &str, path: &str) -> String {
        let request = http::Request::get(path).body(Vec::new());
        let (code, page) = self.ask(namespace, service, request.expect("a request"));
        assert_eq!(code, 200, "{page}");
        page
    }

    /// Sends a request for a path to a Service through the API server, and returns status and body.
    pub fn ask(
        &self,
        namespace: &str,
        service: &str,
        request: http::Request<Vec<u8>>,
    ) -> (u16, String) {
        self.block_on(async |client| {
            let (mut head, body) = request.into_parts();
            let path = head.uri.path();
            let url = format!("/api/v1/namespaces/{namespace}/services/{service}/proxy{path}");
            head.uri = url.parse().expect("a path");
            let request = http::Request::from_parts(head, body.into());
            let answer = client.send(request).await.expect("an answer");
            let code = answer.status().as_u16();
            let body = answer.into_body().collect().await.expect("a body");
            (code, String::from_utf8_lossy(&body.to_bytes()).into_owned())
        })
    }

    pub fn pods(&self, namespace: &str) -> Vec<Pod> {
        self.block_on(async |client| {
            let api: Api<Pod> = Api::namespaced(client, namespace);
            api.list(&ListParams::default()).await.expect("pods").items
        })
    }

    /// The `status` label of a release's newest record, if helm has any.
    pub fn release_status(&self, namespace: &str, release: &str) -> Option<String> {
        use k8s_openapi::api::core::v1::Secret;
        self.block_on(async |client| {
            let api: Api<Secret> = Api::namespaced(client, namespace);
            let selector = format!("owner=helm,name={release}");
            let params = ListParams::default().labels(&selector);
            let mut records = api.list_metadata(&params).await.expect("records").items;
            let version = |labels: &std::collections::BTreeMap<String, String>| {
                labels.get("version").and_then(|v| v.parse::<u32>().ok())
            };
            records.sort_by_key(|r| r.metadata.labels.as_ref().and_then(version));
            records.pop()?.metadata.labels?.remove("status")
        })
    }

    /// A new namespace that admits only pods which Pod Security calls restricted.
    pub fn restricted_namespace(&self, name: &str) {
        self.remove_namespace(name);
        let namespace: Namespace = serde_json::from_value(serde_json::json!({"metadata": {
            "name": name,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        }}))
        .expect("a namespace");
        self.block_on(async |client| {
            let api: Api<Namespace> = Api::all(client);
            api.create(&PostParams::default(), &namespace)
                .await
                .expect("it is made");
        });
    }

    /// Gives a ConfigMap these finalizers, or takes all away: `null`.
    pub fn set_finalizers(&self, namespace: &str, config: &str, finalizers: &serde_json::Value) {
        self.block_on(async |client| {
            let configs: Api<ConfigMap> = Api::namespaced(client, namespace);
            let patch = serde_json::json!({"metadata": {"finalizers": finalizers}});
            let patch = Patch::Merge(patch);
            let patched = configs.patch(config, &PatchParams::default(), &patch).await;
            patched.expect("a patch");
        });
    }

    /// Removes a namespace and waits until it is gone, so that the next test has room.
    pub fn remove_namespace(&self, name: &str) {
        self.block_on(async |client| {
            let api: Api<Namespace> = Api::all(client);
            let _ = api.delete(name, &DeleteParams::default()).await;
            let gone =
                kube::runtime::wait::await_condition(api, name, |namespace: Option<&Namespace>| {
                    namespace.is_none()
                });
            let limit = Duration::from_secs(120);
            let waited = tokio::time::timeout(limit, gone).await;
            waited.expect("the namespace goes").expect("a watch");
        });
    }
}

/// Asks again and again until the answer is there. For what has no event to wait for.
pub fn eventually<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
