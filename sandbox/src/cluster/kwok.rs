//! Nodes and pods that are only said to run: for scale, and for machines without root.

use anyhow::Result;

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
    write_private(&instance.file("stages.yaml"), STAGES)
}

/// Returns a simulated node with room for any test.
pub(super) fn node(number: usize) -> serde_json::Value {
    let room = serde_json::json!({"cpu": "64", "memory": "256Gi", "pods": "1000", "ephemeral-storage": "1Ti"});
    let name = format!("kwok-{number}");
    serde_json::json!({
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
        "status": {"allocatable": room, "capacity": room},
    })
}
