//! What a sandbox consists of: which programs, with which arguments, in which order.
//!
//! Pure but for `prepare`, which writes the files that the programs read. Starting them is the
//! supervisor's.

pub mod control_plane;
pub mod identity;
pub mod kwok;
pub mod manifests;
pub mod node;
mod store;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files::{read_if_any, write_private};
use crate::home::Instance;
use crate::pki;

/// What the nodes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Nodes {
    /// One real node: kubelet and containers. Needs Linux and root.
    Real,
    /// Nodes and pods that KWOK only pretends to run. Any user.
    Kwok,
}

impl std::fmt::Display for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Real => "real",
            Self::Kwok => "kwok",
        })
    }
}

/// The loopback ports that the programs listen on. With real nodes they are in a network of their own.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ports {
    pub etcd: u16,
    pub etcd_peer: u16,
    pub api: u16,
    /// The API server as the host sees it: the forwarder's, or the same as `api`.
    pub outside: u16,
    pub kwok: u16,
}

/// Everything about one running sandbox that has to be remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spec {
    pub nodes: Nodes,
    pub audit: bool,
    pub ports: Ports,
    /// The built programs: each a folder's path and the digest that it was built from.
    pub programs: Programs,
    /// The digest of the images that it has, if there are any.
    pub images: Option<String>,
    /// The prepared image store that containerd starts from; none while that store is being made.
    #[serde(default)]
    pub store: Option<PathBuf>,
    /// Runs containerd and nothing else, to make an image store.
    #[serde(default)]
    pub store_only: bool,
}

/// Where the built programs are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programs {
    pub kubernetes: PathBuf,
    pub helm: PathBuf,
    pub coredns: Option<PathBuf>,
    pub pause: Option<PathBuf>,
    pub kwok: Option<PathBuf>,
}

impl Spec {
    /// Returns what was remembered about the sandbox, or `None` when there is none.
    ///
    /// # Errors
    /// When the file is there but can't be read.
    pub fn load(instance: &Instance) -> Result<Option<Self>> {
        let path = instance.file("spec.json");
        read_if_any(&path)?
            .map(|text| {
                serde_json::from_str(&text).with_context(|| format!("reading `{}`", path.display()))
            })
            .transpose()
    }

    /// Remembers it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn save(&self, instance: &Instance) -> Result<()> {
        write_private(
            &instance.file("spec.json"),
            &serde_json::to_string_pretty(self)?,
        )
    }

    /// Returns the address of the API server as the host sees it.
    #[must_use]
    pub fn outside(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.ports.outside)
    }

    /// Returns the address of the API server as the programs see it.
    #[must_use]
    pub fn inside(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.ports.api)
    }
}

/// One program that the supervisor keeps running.
#[derive(Clone, Debug)]
pub struct Component {
    /// Also the name of its log.
    pub name: &'static str,
    pub program: PathBuf,
    pub args: Vec<String>,
    /// It is started when something listens here.
    pub after: Option<SocketAddr>,
}

impl Component {
    fn new(name: &'static str, program: PathBuf) -> Self {
        Self {
            name,
            program,
            args: Vec::new(),
            after: None,
        }
    }

    fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds `--name=path`.
    fn path(self, name: &str, path: &Path) -> Self {
        self.arg(format!("--{name}={}", path.display()))
    }

    fn after(mut self, address: SocketAddr) -> Self {
        self.after = Some(address);
        self
    }
}

/// Returns the components in the order in which they are started.
#[must_use]
pub fn components(spec: &Spec, instance: &Instance) -> Vec<Component> {
    if spec.store_only {
        return vec![node::containerd_server(instance)];
    }
    let mut components = control_plane::components(spec, instance);
    match spec.nodes {
        Nodes::Real => components.extend(node::components(spec, instance)),
        Nodes::Kwok => components.push(kwok::component(spec, instance)),
    }
    components
}

/// Writes every file that the components read into the instance's folder, `spec.json` last.
///
/// # Errors
/// When a file can't be written.
pub fn prepare(spec: &Spec, instance: &Instance) -> Result<()> {
    for folder in ["bin", "pki", "logs", "tmp", "volumes"] {
        let folder = instance.file(folder);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("making `{}`", folder.display()))?;
    }
    link_programs(spec, instance)?;
    let addresses = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        control_plane::SERVICE_ADDRESS.into(),
        node::ADDRESS.into(),
    ];
    let authority = pki::write(&instance.file("pki"), &addresses)?;
    identity::write(spec, instance, &authority)?;
    control_plane::prepare(instance)?;
    match spec.nodes {
        Nodes::Real => {
            node::prepare(instance)?;
            if let Some(store) = &spec.store {
                store::adopt(store, &instance.file("containerd"))?;
            }
        }
        Nodes::Kwok => kwok::prepare(instance)?,
    }
    manifests::write(spec, instance)?;
    spec.save(instance)
}

/// The one Kubernetes binary is told by its name which program to be.
const KUBERNETES: [&str; 8] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "volume-provisioner",
];

fn link_programs(spec: &Spec, instance: &Instance) -> Result<()> {
    let programs = &spec.programs;
    let rest = [("coredns", &programs.coredns), ("kwok", &programs.kwok)];
    let links = KUBERNETES
        .iter()
        .map(|name| (*name, &programs.kubernetes))
        .chain([("helm", &programs.helm)])
        .chain(
            rest.into_iter()
                .filter_map(|(name, path)| Some((name, path.as_ref()?))),
        );
    for (name, target) in links {
        let link = instance.file("bin").join(name);
        std::os::unix::fs::symlink(target, &link)
            .with_context(|| format!("making the link `{}`", link.display()))?;
    }
    Ok(())
}

/// Returns the path of a program of this sandbox.
#[must_use]
pub fn program(instance: &Instance, name: &str) -> PathBuf {
    instance.file("bin").join(name)
}
