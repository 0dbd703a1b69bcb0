//! The objects that a sandbox starts with.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Nodes, Spec, control_plane, kwok, node};
use crate::files::write_private;
use crate::home::Instance;

/// Simulated nodes, enough for the scheduler to have a choice.
const KWOK_NODES: u8 = 3;

pub(super) fn write(spec: &Spec, instance: &Instance) -> Result<()> {
    let mut items = vec![
        storage_class("standard", "Immediate", true),
        storage_class("late", "WaitForFirstConsumer", false),
    ];
    match spec.nodes {
        Nodes::Real => items.extend(dns_service()),
        Nodes::Kwok => items.extend((1..=KWOK_NODES).map(kwok::node)),
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    write_private(&instance.file("manifests.json"), &list.to_string())
}

fn storage_class(name: &str, binding: &str, is_default: bool) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "annotations": {"storageclass.kubernetes.io/is-default-class": is_default.to_string()},
        },
        "provisioner": "stackctl.io/directory",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": binding,
    })
}

/// Charts look for the DNS Service of other clusters; here it leads to the process on the node.
fn dns_service() -> [Value; 2] {
    let ports = json!([
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]);
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"clusterIP": control_plane::DNS_ADDRESS, "ports": ports},
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [node::ADDRESS], "conditions": {"ready": true}}],
        "ports": ports.as_array().into_iter().flatten().map(|port| {
            json!({"name": port["name"], "port": 53, "protocol": port["protocol"]})
        }).collect::<Vec<_>>(),
    });
    [service, slice]
}
