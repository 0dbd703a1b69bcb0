//! The links and addresses of the sandbox's own network.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cluster::node::{ADDRESS, BRIDGE, service_range};

/// Kernel settings of a network namespace; they end with it.
const SETTINGS: [(&str, &str); 3] = [
    ("net/ipv4/ip_forward", "1"),
    // Without it a pod can't reach itself or its neighbour through a Service.
    ("net/bridge/bridge-nf-call-iptables", "1"),
    ("net/ipv4/conf/all/route_localnet", "1"),
];

/// Brings up loopback and the bridge with the node's address.
///
/// # Errors
/// When `ip` says no.
pub fn bring_up() -> Result<()> {
    let address = format!("{ADDRESS}/16");
    ip(&["link", "set", "lo", "up"])?;
    ip(&["link", "add", BRIDGE, "type", "bridge"])?;
    ip(&["address", "add", &address, "dev", BRIDGE])?;
    ip(&["link", "set", BRIDGE, "up"])?;
    // There is no way out, and so no default route; without one a packet to a Service would be
    // refused before kube-proxy's rules could send it to a pod.
    ip(&["route", "add", service_range(), "dev", BRIDGE])?;
    for (setting, value) in SETTINGS {
        let path = format!("/proc/sys/{setting}");
        if std::path::Path::new(&path).exists() {
            std::fs::write(&path, value).with_context(|| format!("writing `{path}`"))?;
        }
    }
    Ok(())
}

fn ip(args: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("starting `ip`")?;
    if !output.status.success() {
        bail!(
            "`ip {}`: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
