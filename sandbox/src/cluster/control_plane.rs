//! etcd, the API server, the controllers, the scheduler and the volume provisioner.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use serde_json::json;

use super::{Component, Nodes, Spec, identity, kwok, node, program};
use crate::files::write_private;
use crate::home::Instance;

/// The first address of the service range, by which pods reach the API server.
pub const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
/// Where the cluster's DNS is as a Service.
pub const DNS_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);
/// The addresses that Services get.
pub const SERVICE_RANGE: &str = "10.96.0.0/16";

pub(super) fn components(spec: &Spec, instance: &Instance) -> Vec<Component> {
    let etcd = SocketAddr::from((Ipv4Addr::LOCALHOST, spec.ports.etcd));
    let api = spec.inside();
    vec![
        etcd_server(spec, instance),
        api_server(spec, instance).after(etcd),
        controller_manager(spec, instance).after(api),
        Component::new("kube-scheduler", program(instance, "kube-scheduler"))
            .path(
                "kubeconfig",
                &identity::kubeconfig(instance, "kube-scheduler"),
            )
            .arg("--leader-elect=false")
            .arg("--secure-port=0")
            .after(api),
        Component::new(
            "volume-provisioner",
            program(instance, "volume-provisioner"),
        )
        .path("kubeconfig", &identity::kubeconfig(instance, "addons"))
        .path("root", &instance.file("volumes"))
        .after(api),
    ]
}

fn etcd_server(spec: &Spec, instance: &Instance) -> Component {
    let client = format!("http://127.0.0.1:{}", spec.ports.etcd);
    let peer = format!("http://127.0.0.1:{}", spec.ports.etcd_peer);
    Component::new("etcd", program(instance, "etcd"))
        .path("data-dir", &instance.file("etcd"))
        // A sandbox that loses power is thrown away, so it need not wait for the disk.
        .arg("--unsafe-no-fsync")
        .arg("--log-level=warn")
        .arg(format!("--listen-client-urls={client}"))
        .arg(format!("--advertise-client-urls={client}"))
        .arg(format!("--listen-peer-urls={peer}"))
        .arg(format!("--initial-advertise-peer-urls={peer}"))
        .arg(format!("--initial-cluster=default={peer}"))
}

fn api_server(spec: &Spec, instance: &Instance) -> Component {
    let pki = instance.file("pki");
    let mut server = Component::new("kube-apiserver", program(instance, "kube-apiserver"))
        .arg(format!(
            "--etcd-servers=http://127.0.0.1:{}",
            spec.ports.etcd
        ))
        .arg(format!("--secure-port={}", spec.ports.api))
        .arg(format!("--service-cluster-ip-range={SERVICE_RANGE}"))
        .path("tls-cert-file", &pki.join("apiserver.crt"))
        .path("tls-private-key-file", &pki.join("apiserver.key"))
        .path("client-ca-file", &pki.join("ca.crt"))
        .path("token-auth-file", &identity::token_file(instance))
        .arg("--authorization-mode=Node,RBAC")
        .arg("--enable-admission-plugins=NodeRestriction")
        .arg("--allow-privileged")
        .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
        .path("service-account-key-file", &pki.join("accounts.pub"))
        .path(
            "service-account-signing-key-file",
            &pki.join("accounts.key"),
        )
        .path(
            "kubelet-client-certificate",
            &pki.join("kubelet-client.crt"),
        )
        .path("kubelet-client-key", &pki.join("kubelet-client.key"))
        // The node's name resolves nowhere, so logs and exec have to go to its address.
        .arg("--kubelet-preferred-address-types=InternalIP")
        .arg("--profiling=false");
    server = match spec.nodes {
        // In a network of its own, and pods have to reach it.
        Nodes::Real => server
            .arg("--bind-address=0.0.0.0")
            .arg(format!("--advertise-address={}", node::ADDRESS)),
        // No pod runs that could reach it; an endpoint on loopback would be refused.
        Nodes::Kwok => server
            .arg("--bind-address=127.0.0.1")
            .arg("--endpoint-reconciler-type=none")
            .path("egress-selector-config-file", &kwok::egress_file(instance)),
    };
    if spec.audit {
        server = server
            .path("audit-policy-file", &instance.file("audit-policy.json"))
            .path("audit-log-path", &instance.audit_log())
            // One file, so that a reader may remember a place in it. Old ones would stay anyway.
            .arg("--audit-log-maxsize=8192");
    }
    server
}

fn controller_manager(spec: &Spec, instance: &Instance) -> Component {
    let pki = instance.file("pki");
    let manager = Component::new(
        "kube-controller-manager",
        program(instance, "kube-controller-manager"),
    )
    .path(
        "kubeconfig",
        &identity::kubeconfig(instance, "kube-controller-manager"),
    )
    .arg("--use-service-account-credentials")
    .path(
        "service-account-private-key-file",
        &pki.join("accounts.key"),
    )
    .path("root-ca-file", &pki.join("ca.crt"))
    .path("cluster-signing-cert-file", &pki.join("ca.crt"))
    .path("cluster-signing-key-file", &pki.join("ca.key"))
    .arg("--leader-elect=false")
    .arg("--secure-port=0")
    .path("flex-volume-plugin-dir", &instance.file("volume-plugins"));
    match spec.nodes {
        Nodes::Real => manager,
        // A node that is late for a moment loses its pods' readiness, which only a kubelet gives back.
        Nodes::Kwok => manager.arg("--node-monitor-grace-period=10m"),
    }
}

pub(super) fn prepare(instance: &Instance) -> Result<()> {
    let kubelet_on_pods = json!({
        "level": "Request",
        "users": [node::USER],
        "verbs": ["patch"],
        "resources": [{"group": "", "resources": ["pods/status"]}],
    });
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [kubelet_on_pods, {"level": "Metadata"}],
    });
    write_private(&instance.file("audit-policy.json"), &policy.to_string())
}
