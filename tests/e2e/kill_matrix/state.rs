//! What there is of a stack in its namespace, without what differs from one namespace to another.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams};
use kube::{Api, Client};
use serde_json::Value;

use crate::support::{Cluster, sandbox};

/// Those that belong to no namespace, or to another one, bear the stack's name in their own.
const ELSEWHERE: [(&str, &str, &str); 3] = [
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    ("", "v1", "ConfigMap"),
];
const KINDS: [(&str, &str, &str); 6] = [
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("", "v1", "Service"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "PersistentVolumeClaim"),
    ("batch", "v1", "Job"),
];

/// Everything that has to be the same after a kill and one more run.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Labels, spec and data of each object.
    objects: BTreeMap<String, Value>,
    /// helm's last revision of each release: its status, and whether it was verified.
    releases: BTreeMap<String, (String, bool)>,
    /// Who has the stack.
    holder: Option<String>,
    /// What is remembered of what removals have left, which `down --volumes` takes.
    remembered: BTreeSet<String>,
    /// Jobs that are at work.
    at_work: BTreeSet<String>,
}

impl State {
    pub fn of(namespace: &str) -> State {
        Cluster::of(sandbox()).block_on(async |client| State {
            objects: objects(&client, namespace).await,
            releases: releases(&client, namespace).await,
            holder: holder(&client, namespace).await,
            remembered: remembered(&client, namespace).await,
            at_work: at_work(&client, namespace).await,
        })
    }

    /// In what it differs from another.
    pub fn differences(&self, wanted: &State) -> Vec<String> {
        let mut told = Vec::new();
        let keys: BTreeSet<&String> = self.objects.keys().chain(wanted.objects.keys()).collect();
        for key in keys {
            let (is, should) = (self.objects.get(key), wanted.objects.get(key));
            if is != should {
                let text = |it: Option<&Value>| it.map_or("none".to_owned(), Value::to_string);
                told.push(format!("{key} is {}, not {}", text(is), text(should)));
            }
        }
        if self.releases != wanted.releases {
            told.push(format!(
                "releases: {:?}, not {:?}",
                self.releases, wanted.releases
            ));
        }
        if self.holder != wanted.holder {
            told.push(format!("the stack is held by {:?}", self.holder));
        }
        if self.remembered != wanted.remembered {
            told.push(format!(
                "remembered: {:?}, not {:?}",
                self.remembered, wanted.remembered
            ));
        }
        if !self.at_work.is_empty() {
            told.push(format!("at work: {:?}", self.at_work));
        }
        told
    }
}

async fn objects(client: &Client, namespace: &str) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for (group, version, kind) in KINDS {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let list = api.list(&ListParams::default()).await.expect("a list");
        for object in list {
            let name = object.metadata.name.clone().unwrap_or_default();
            if name == "kube-root-ca.crt" {
                continue;
            }
            let value = serde_json::to_value(object).expect("JSON");
            let kept = if kind == "Job" {
                Value::Null
            } else {
                wanted(&value, namespace)
            };
            objects.insert(format!("{kind}/{name}"), kept);
        }
    }
    let widget = format!("{namespace}.example.com");
    let widget = ApiResource::from_gvk(&GroupVersionKind::gvk(&widget, "v1", "Widget"));
    let widgets: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &widget);
    // Without its kind there is none.
    if let Some(widget) = widgets.get_opt("widget").await.unwrap_or_default() {
        let value = serde_json::to_value(widget).expect("JSON");
        objects.insert("Widget/widget".to_owned(), wanted(&value, namespace));
    }
    for (kind, api, name) in elsewhere(client, namespace) {
        if let Some(object) = api.get_opt(&name).await.expect("an answer") {
            let value = serde_json::to_value(object).expect("JSON");
            objects.insert(format!("elsewhere {kind}"), wanted(&value, namespace));
        }
    }
    objects
}

/// What of the stack is in no namespace or in another one: the kind, where to ask, the name.
fn elsewhere(client: &Client, stack: &str) -> Vec<(&'static str, Api<DynamicObject>, String)> {
    let names = [
        format!("{stack}-reader"),
        format!("widgets.{stack}.example.com"),
        format!("{stack}-elsewhere"),
    ];
    let all = ELSEWHERE.iter().zip(names);
    all.map(|((group, version, kind), name)| {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api = match *kind {
            "ConfigMap" => Api::namespaced_with(client.clone(), "default", &resource),
            _ => Api::all_with(client.clone(), &resource),
        };
        (*kind, api, name)
    })
    .collect()
}

/// Takes that away, which does not go with the stack's namespace.
pub fn remove_elsewhere(stack: &str) {
    Cluster::of(sandbox()).block_on(async |client| {
        for (_, api, name) in elsewhere(&client, stack) {
            // It may be gone already.
            let _ = api.delete(&name, &DeleteParams::default()).await;
        }
    });
}

fn wanted(object: &Value, namespace: &str) -> Value {
    let mut spec = object["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        for own in ["clusterIP", "clusterIPs", "volumeName"] {
            fields.remove(own);
        }
    }
    let kept = serde_json::json!({
        "labels": object["metadata"]["labels"],
        "spec": spec,
        "data": object["data"],
        "rules": object["rules"],
    });
    let text = kept.to_string().replace(namespace, "NAMESPACE");
    serde_json::from_str(&text).expect("JSON")
}

async fn releases(client: &Client, namespace: &str) -> BTreeMap<String, (String, bool)> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let of_helm = ListParams::default().labels("owner=helm");
    let mut last: BTreeMap<String, (u32, String, bool)> = BTreeMap::new();
    for secret in secrets.list(&of_helm).await.expect("a list") {
        let labels = secret.metadata.labels.unwrap_or_default();
        let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
        let revision: u32 = label("version").parse().expect("a number");
        let verified = label("stackctl.dev/verified") == label("version");
        let entry = last.entry(label("name")).or_default();
        if revision >= entry.0 {
            *entry = (revision, label("status"), verified);
        }
    }
    last.into_iter()
        .map(|(name, (_, status, verified))| (name, (status, verified)))
        .collect()
}

async fn holder(client: &Client, namespace: &str) -> Option<String> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let lease = leases.get_opt(&format!("stackctl.{namespace}")).await;
    let lease = lease.expect("an answer")?;
    lease.spec?.holder_identity.filter(|it| !it.is_empty())
}

async fn at_work(client: &Client, namespace: &str) -> BTreeSet<String> {
    use k8s_openapi::api::batch::v1::Job;
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let list = jobs.list(&ListParams::default()).await.expect("a list");
    let active = list.into_iter().filter(|job| {
        let status = job.status.as_ref();
        status.and_then(|status| status.active).unwrap_or_default() > 0
    });
    active.filter_map(|job| job.metadata.name).collect()
}

/// What the database has made up, as its pod says it, and the volume that it is on.
pub fn data(namespace: &str) -> (String, String) {
    Cluster::of(sandbox()).block_on(async |client| {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let said = pods.logs("db-0", &kube::api::LogParams::default()).await;
        let resource =
            ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "PersistentVolumeClaim"));
        let claims: Api<DynamicObject> = Api::namespaced_with(client, namespace, &resource);
        let claim = claims.get("data-db-0").await.expect("a claim");
        (said.expect("a log"), claim.metadata.uid.unwrap_or_default())
    })
}

/// What is remembered of what removals have left.
async fn remembered(client: &Client, namespace: &str) -> BTreeSet<String> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let record = secrets
        .get_opt(&format!("stackctl.dev.stack.{namespace}"))
        .await;
    let data = record.expect("an answer").and_then(|record| record.data);
    let Some(text) = data.and_then(|mut data| data.remove("stack.json")) else {
        return BTreeSet::new();
    };
    let record: Value = serde_json::from_slice(&text.0).expect("JSON");
    let left = record["left"].as_array().into_iter().flatten();
    let objects = left.flat_map(|left| left["objects"].as_array().into_iter().flatten());
    let named = objects.map(|it| format!("{}/{}", it["kind"], it["name"]));
    named.collect()
}
