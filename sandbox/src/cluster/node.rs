//! The one real node: containerd, kubelet, kube-proxy and the cluster's DNS.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use serde_json::json;

use super::{Component, Spec, control_plane, identity, program};
use crate::files::write_private;
use crate::home::Instance;

/// The node's name.
pub const NAME: &str = "sandbox";
/// The node as the API server knows it.
pub const USER: &str = "system:node:sandbox";
/// The bridge's own address is the node's: the kubelet refuses a loopback address.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);
/// The addresses that pods get.
pub const POD_RANGE: &str = "10.244.0.0/16";
/// The bridge that pods hang on.
pub const BRIDGE: &str = "cni0";
/// containerd's socket, in a `/run` that only the sandbox sees.
pub const CONTAINERD: &str = "/run/containerd/containerd.sock";
/// The image of the container that holds a pod's namespaces.
pub const PAUSE_IMAGE: &str = "stackctl.io/sandbox/pause:1";

/// Debian's folder of CNI plugins; other distributions have theirs elsewhere.
const CNI_PLUGINS: [&str; 3] = ["/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin"];

pub(super) fn components(spec: &Spec, instance: &Instance) -> Vec<Component> {
    let api = spec.inside();
    vec![
        containerd_server(instance),
        Component::new("kubelet", program(instance, "kubelet"))
            .path("kubeconfig", &identity::kubeconfig(instance, "kubelet"))
            .path("config", &instance.file("kubelet.json"))
            .arg(format!("--hostname-override={NAME}"))
            .arg(format!("--node-ip={ADDRESS}"))
            .arg("--node-labels=stackctl.io/sandbox=real")
            .path("cert-dir", &instance.file("pki"))
            .after(api),
        Component::new("kube-proxy", program(instance, "kube-proxy"))
            .path("config", &instance.file("kube-proxy.json"))
            .arg(format!("--hostname-override={NAME}"))
            .after(api),
        Component::new("coredns", program(instance, "coredns"))
            .arg("-conf")
            .arg(instance.file("Corefile").display().to_string())
            .after(api),
    ]
}

pub(super) fn containerd_server(instance: &Instance) -> Component {
    Component::new("containerd", "containerd".into())
        .path("config", &instance.file("containerd.toml"))
}

/// Returns where the cluster's DNS answers.
#[must_use]
pub fn dns() -> SocketAddr {
    SocketAddr::from((ADDRESS, 53))
}

pub(super) fn prepare(instance: &Instance) -> Result<()> {
    let cni = instance.file("cni");
    std::fs::create_dir_all(&cni).with_context(|| format!("making `{}`", cni.display()))?;
    write_private(&instance.file("containerd.toml"), &containerd(instance))?;
    write_private(&cni.join("10-bridge.conflist"), &bridge())?;
    write_private(&instance.file("kubelet.json"), &kubelet(instance))?;
    write_private(&instance.file("kube-proxy.json"), &kube_proxy(instance))?;
    write_private(&instance.file("Corefile"), &corefile(instance))?;
    let resolver = format!("nameserver {ADDRESS}\n");
    std::fs::write(instance.file("resolv.conf"), resolver).context("writing `resolv.conf`")
}

fn containerd(instance: &Instance) -> String {
    let plugins = CNI_PLUGINS
        .iter()
        .find(|path| std::path::Path::new(path).is_dir())
        .unwrap_or(&CNI_PLUGINS[0]);
    let mut text = String::from("version = 2\n");
    let _ = write!(
        text,
        r#"root = "{root}"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
address = "{CONTAINERD}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
disable_apparmor = true
# Not every root may make a process less likely to be killed, as pause containers ask for.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{cni}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"#,
        root = instance.file("containerd").display(),
        cni = instance.file("cni").display(),
    );
    text
}

fn bridge() -> String {
    json!({
        "cniVersion": "0.4.0",
        "name": "sandbox",
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": true,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": POD_RANGE, "gateway": ADDRESS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
    .to_string()
}

fn kubelet(instance: &Instance) -> String {
    let never = json!({"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"});
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": instance.file("pki").join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD}"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", instance.cgroup()),
        "cgroupsPerQOS": true,
        "enforceNodeAllocatable": [],
        "failSwapOn": false,
        "failCgroupV1": false,
        "localStorageCapacityIsolation": false,
        // The machine's own disk may be nearly full; that is no reason to evict pods of a test.
        "evictionHard": never,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "clusterDomain": "cluster.local",
        "clusterDNS": [ADDRESS],
        "resolvConf": instance.file("resolv.conf"),
        "volumePluginDir": instance.file("volume-plugins"),
        "maxPods": 500,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "serializeImagePulls": false,
        // A sandbox goes away at once; it does not drain.
        "shutdownGracePeriod": "0s",
    })
    .to_string()
}

fn kube_proxy(instance: &Instance) -> String {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "bindAddress": "127.0.0.1",
        "clusterCIDR": POD_RANGE,
        "clientConnection": {"kubeconfig": identity::kubeconfig(instance, "kube-proxy")},
        // Those limits are the machine's, not this network's.
        "conntrack": {
            "maxPerCore": 0, "min": 0,
            "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
            "udpTimeout": "0s", "udpStreamTimeout": "0s",
        },
        "iptables": {"minSyncPeriod": "100ms"},
    })
    .to_string()
}

/// The cluster's names are answered, and every other one does not exist: there is no way out.
fn corefile(instance: &Instance) -> String {
    format!(
        "cluster.local in-addr.arpa {{
    bind {ADDRESS}
    errors
    ready 127.0.0.1:8181
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
        ttl 5
    }}
}}
. {{
    bind {ADDRESS}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
",
        kubeconfig = identity::kubeconfig(instance, "addons").display(),
    )
}

/// Returns the service range, which the node needs a route for.
#[must_use]
pub fn service_range() -> &'static str {
    control_plane::SERVICE_RANGE
}
