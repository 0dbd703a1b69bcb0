//! Nodes and pods that are only said to run: for scale, and for machines without root.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::{Component, Spec, identity, program};
use crate::files::write_private;
use crate::home::Instance;

/// How KWOK moves nodes and pods from one status to the next.
const STAGES: &str = include_str!("../../kwok/stages.yaml");

/// What nobody should take for the truth on such nodes.
pub const SIMULATED: &str = "simulated: nodes, containers, probes, logs, exec, port-forward, DNS and traffic to Services; \
                             real: API server, controllers, scheduler, volumes' binding";

pub(super) fn component(spec: &Spec, instance: &Instance) -> Component {
    Component::new("kwok", program(instance, "kwok"))
        .path("kubeconfig", &identity::kubeconfig(instance, "addons"))
        .path("config", &instance.file("stages.yaml"))
        .arg("--manage-nodes-with-label-selector=type=kwok")
        .arg(format!("--server-address=127.0.0.1:{}", spec.ports.kwok))
        .after(spec.inside())
}

pub(super) fn prepare(instance: &Instance) -> Result<()> {
    write_private(&instance.file("stages.yaml"), STAGES)?;
    write_private(&egress_file(instance), &egress(instance).to_string())
}

/// The file that tells the API server how it reaches Services, pods and nodes.
pub(super) fn egress_file(instance: &Instance) -> PathBuf {
    instance.file("egress.json")
}

/// No Service, pod or node has anybody behind its address, and these addresses may be somebody's outside this
/// machine. So what the API server would call there (a webhook, an aggregated API, a kubelet) goes to a proxy that
/// doesn't exist, and fails at once.
fn egress(instance: &Instance) -> serde_json::Value {
    let nowhere = instance.file("nothing-runs-on-simulated-nodes");
    json!({
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{
            "name": "cluster",
            "connection": {
                "proxyProtocol": "HTTPConnect",
                "transport": {"uds": {"udsName": nowhere}},
            },
        }],
    })
}

/// Returns the address that a simulated node says it has. Nothing outside has one of these (RFC 5737).
fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, number)
}

/// Returns a simulated node with room for any test.
pub(super) fn node(number: u8) -> serde_json::Value {
    let room = json!({"cpu": "64", "memory": "256Gi", "pods": "1000", "ephemeral-storage": "1Ti"});
    let name = format!("kwok-{number}");
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "type": "kwok",
                "stackctl.io/sandbox": "kwok",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            },
        },
        "status": {
            "allocatable": room,
            "capacity": room,
            // A pod on the host's network has the node's address, and starts once there is one.
            "addresses": [
                {"type": "InternalIP", "address": address(number)},
                {"type": "Hostname", "address": name},
            ],
        },
    })
}
