//! The charts that the project brings: linted, rendered with every file in their `ci` folders, put before the API server,
//! and looked at object by object.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, TypeMeta};
use kube::discovery::{Discovery, Scope};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::support::{Cluster, sandbox};

/// One way to render a chart.
struct Case {
    /// `order-food with jobs-values.yaml`
    title: String,
    chart: PathBuf,
    values: PathBuf,
}

/// The charts in a folder of their own, the library inside each.
struct Charts {
    _folder: tempfile::TempDir,
    cases: Vec<Case>,
}

impl Charts {
    fn copied() -> Charts {
        let folder = tempfile::tempdir().expect("a folder");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts");
        let mut cases = Vec::new();
        for name in names(&from).into_iter().filter(|name| name != "common") {
            let chart = folder.path().join(&name);
            copy(&from.join(&name), &chart);
            copy(&from.join("common"), &chart.join("charts/common"));
            let values = names(&chart.join("ci"));
            assert!(!values.is_empty(), "{name} has no ci/*-values.yaml");
            cases.extend(values.into_iter().map(|file| Case {
                title: format!("{name} with {file}"),
                values: chart.join("ci").join(file),
                chart: chart.clone(),
            }));
        }
        Charts {
            _folder: folder,
            cases,
        }
    }
}

impl Case {
    fn helm(&self, args: &[&str]) -> String {
        let output = Command::new(sandbox().helm())
            .args(args)
            .arg(&self.chart)
            .arg("--values")
            .arg(&self.values)
            .args(["--namespace", "charts"])
            .output()
            .expect("helm runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {said}{printed}", self.title);
        printed
    }

    /// The objects of the chart, those of hooks and tests included.
    fn objects(&self) -> Vec<Value> {
        let name = self
            .chart
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let text = self.helm(&["template", name]);
        let documents: Vec<Option<Value>> = serde_saphyr::from_multiple(&text).expect("YAML");
        documents
            .into_iter()
            .flatten()
            .filter(Value::is_object)
            .collect()
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for name in names(from) {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).expect("a copy");
        }
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_hook(object: &Value) -> bool {
    object
        .pointer("/metadata/annotations/helm.sh~1hook")
        .is_some()
}

/// The pod template of a workload or Job, or the pod itself.
fn pod(object: &Value) -> Option<&Value> {
    match text(object, "/kind") {
        "Pod" => Some(object),
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => object.pointer("/spec/template"),
        _ => None,
    }
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["/spec/initContainers", "/spec/containers"];
    lists
        .into_iter()
        .filter_map(|list| pod.pointer(list)?.as_array())
        .flatten()
}

#[test]
fn charts_pass_the_strict_linter() {
    for case in Charts::copied().cases {
        case.helm(&["lint", "--strict", "--quiet"]);
    }
}

#[test]
fn charts_are_built_as_they_should() {
    for case in Charts::copied().cases {
        let objects = case.objects();
        let title = &case.title;
        let of_hooks = |object: &&Value| is_hook(object);
        let own: BTreeSet<(&str, &str)> = objects
            .iter()
            .filter(|object| !is_hook(object))
            .map(|object| (text(object, "/kind"), text(object, "/metadata/name")))
            .collect();
        assert_eq!(
            own.len(),
            objects.iter().filter(|object| !is_hook(object)).count(),
            "{title}: one name twice"
        );
        assert!(
            objects
                .iter()
                .any(|object| text(object, "/metadata/annotations/helm.sh~1hook") == "test"),
            "{title}: no `helm test`"
        );
        for object in &objects {
            labels(title, object);
        }
        for pod in objects.iter().filter_map(pod) {
            for container in containers(pod) {
                let name = text(container, "/name");
                assert!(
                    container.pointer("/resources/requests/memory").is_some(),
                    "{title}: {name} requests no memory"
                );
                assert!(
                    container.pointer("/resources/limits/memory").is_some(),
                    "{title}: {name} has no limit"
                );
                let image = text(container, "/image");
                assert!(
                    image.contains(':') && !image.ends_with(":latest"),
                    "{title}: {name} runs {image}"
                );
                let read_only = container.pointer("/securityContext/readOnlyRootFilesystem");
                assert_eq!(
                    read_only,
                    Some(&json!(true)),
                    "{title}: {name} may write to its root"
                );
            }
            assert_eq!(
                pod.pointer("/spec/automountServiceAccountToken"),
                Some(&json!(false)),
                "{title}: a token"
            );
        }
        for object in objects.iter().filter(of_hooks) {
            let before = text(object, "/metadata/annotations/helm.sh~1hook").contains("pre-");
            for (kind, name) in pod(object).into_iter().filter(|_| before).flat_map(used) {
                assert!(
                    !own.contains(&(kind, name.as_str())),
                    "{title}: a hook needs {kind} {name} of its own release"
                );
            }
        }
        services(title, &objects);
    }
}

fn labels(title: &str, object: &Value) {
    for label in [
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/managed-by",
        "helm.sh/chart",
    ] {
        let pointer = format!("/metadata/labels/{}", label.replace('/', "~1"));
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        assert!(
            !text(object, &pointer).is_empty(),
            "{title}: {kind} {name} has no {label}"
        );
    }
    assert!(
        object.pointer("/metadata/namespace").is_none(),
        "{title}: a namespace is written in"
    );
}

/// What a pod needs to be there before it can start.
fn used(pod: &Value) -> Vec<(&'static str, String)> {
    let mut used = vec![(
        "ServiceAccount",
        text(pod, "/spec/serviceAccountName").to_owned(),
    )];
    for volume in pod
        .pointer("/spec/volumes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        used.push(("ConfigMap", text(volume, "/configMap/name").to_owned()));
        used.push(("Secret", text(volume, "/secret/secretName").to_owned()));
        used.push((
            "PersistentVolumeClaim",
            text(volume, "/persistentVolumeClaim/claimName").to_owned(),
        ));
    }
    for container in containers(pod) {
        for variable in container["env"].as_array().into_iter().flatten() {
            used.push((
                "ConfigMap",
                text(variable, "/valueFrom/configMapKeyRef/name").to_owned(),
            ));
            used.push((
                "Secret",
                text(variable, "/valueFrom/secretKeyRef/name").to_owned(),
            ));
        }
    }
    used
}

/// A Service finds the pods of one workload, all of its ports are there, and no pod of a hook is among them.
fn services(title: &str, objects: &[Value]) {
    for service in objects
        .iter()
        .filter(|object| text(object, "/kind") == "Service")
    {
        let name = text(service, "/metadata/name");
        let selector: BTreeMap<String, Value> =
            serde_json::from_value(service["spec"]["selector"].clone()).expect("a selector");
        let selected: Vec<&Value> = objects
            .iter()
            .filter(|object| {
                let labels = pod(object).and_then(|pod| pod.pointer("/metadata/labels"));
                labels.is_some_and(|labels| {
                    selector
                        .iter()
                        .all(|(key, value)| labels.get(key) == Some(value))
                })
            })
            .collect();
        let [workload] = selected.as_slice() else {
            panic!(
                "{title}: Service {name} selects {} workloads",
                selected.len()
            );
        };
        assert!(!is_hook(workload), "{title}: Service {name} selects a hook");
        let pod = pod(workload).expect("a pod");
        let ports: BTreeSet<&str> = containers(pod)
            .filter_map(|container| container["ports"].as_array())
            .flatten()
            .map(|port| text(port, "/name"))
            .collect();
        for port in service["spec"]["ports"].as_array().into_iter().flatten() {
            let target = text(port, "/targetPort");
            assert!(
                ports.contains(target),
                "{title}: Service {name} leads to {target}, which is not there"
            );
        }
    }
}

/// Every object passes the API server's own dry run, and every pod Pod Security `restricted`.
#[test]
fn charts_are_accepted_by_the_api_server() {
    let cluster = Cluster::of(sandbox());
    let namespace = "charts-dry-run";
    cluster.restricted_namespace(namespace);
    let charts = Charts::copied();
    let unknown = cluster.block_on(async |client| {
        let discovery = Discovery::new(client.clone())
            .run()
            .await
            .expect("a discovery");
        let mut unknown = BTreeSet::new();
        for case in &charts.cases {
            for object in case.objects() {
                // A bare pod wants its ServiceAccount; what is left of it is looked at below.
                let is_pod = text(&object, "/kind") == "Pod";
                if !is_pod && !accepted(&client, &discovery, namespace, &case.title, &object).await
                {
                    unknown.insert(text(&object, "/kind").to_owned());
                }
                if pod(&object).is_some() {
                    admitted(&client, namespace, &case.title, &object).await;
                }
            }
        }
        unknown
    });
    // Kinds of others, which this API server does not serve.
    let expected = ["HTTPRoute", "PrometheusRule", "ServiceMonitor"].map(str::to_owned);
    assert_eq!(unknown, expected.into());
    cluster.remove_namespace(namespace);
}

/// Returns false for a kind that is not served.
async fn accepted(
    client: &Client,
    discovery: &Discovery,
    namespace: &str,
    title: &str,
    object: &Value,
) -> bool {
    let types: TypeMeta = serde_json::from_value(json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"],
    }))
    .expect("types");
    let kind = GroupVersionKind::try_from(&types).expect("a kind");
    let Some((resource, capabilities)) = discovery.resolve_gvk(&kind) else {
        return false;
    };
    assert_eq!(
        capabilities.scope,
        Scope::Namespaced,
        "{title}: {}",
        kind.kind
    );
    let api: Api<DynamicObject> = namespaced(client, namespace, &resource);
    let name = text(object, "/metadata/name");
    let params = PatchParams::apply("charts").dry_run().validation_strict();
    let answer = api.patch(name, &params, &Patch::Apply(object)).await;
    if let Err(error) = answer {
        panic!("{title}: {} {name}: {error}", kind.kind);
    }
    true
}

fn namespaced(client: &Client, namespace: &str, resource: &ApiResource) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, resource)
}

/// A pod as the workload's controller would make it.
async fn admitted(client: &Client, namespace: &str, title: &str, object: &Value) {
    let template = pod(object).expect("a pod");
    let claims = object
        .pointer("/spec/volumeClaimTemplates")
        .and_then(Value::as_array);
    let mut pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "template", "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }))
    .expect("a pod");
    if let Some(spec) = &mut pod.spec {
        // It is not there in a dry run, and it is not what this is about.
        spec.service_account_name = None;
        spec.service_account = None;
        for claim in claims.into_iter().flatten() {
            let volume = json!({"name": claim["metadata"]["name"], "emptyDir": {}});
            let volume = serde_json::from_value(volume).expect("a volume");
            spec.volumes.get_or_insert_default().push(volume);
        }
    }
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    if let Err(error) = api.create(&params, &pod).await {
        panic!("{title}: {error}");
    }
}
