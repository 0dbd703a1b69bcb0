//! What real nodes need from the distribution, and getting it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::output::say;

/// A file that has to be there, and the Debian package that brings it.
struct Need {
    file: &'static str,
    package: &'static str,
}

const fn need(file: &'static str, package: &'static str) -> Need {
    Need { file, package }
}

/// For every sandbox with real nodes.
const NODE: [Need; 8] = [
    need("containerd", "containerd"),
    need("runc", "runc"),
    need("/usr/lib/cni/bridge", "containernetworking-plugins"),
    need("iptables", "iptables"),
    need("conntrack", "conntrack"),
    need("socat", "socat"),
    need("ip", "iproute2"),
    need("mount", "mount"),
];

/// For building images too.
const IMAGES: [Need; 4] = [
    need("skopeo", "skopeo"),
    need("umoci", "umoci"),
    need("mmdebstrap", "mmdebstrap"),
    need("busybox", "busybox-static"),
];

/// Returns where a program is, looking also where a user's PATH often does not.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let given = Path::new(program);
    if given.is_absolute() {
        return given.exists().then(|| given.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Makes sure that everything for real nodes and their images is installed.
///
/// # Errors
/// When something is missing and can't be installed; the message lists what.
pub fn provide() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    if find("apt-get").is_none() {
        bail!(
            "real nodes need programs that are missing here\n{}\nhint: install them, or take `--nodes kwok`",
            missing
                .iter()
                .map(|need| format!("  {} (Debian: {})", need.file, need.package))
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    say(&format!("installing with apt-get: {}", packages.join(" ")));
    if install(&packages).is_err() {
        // The lists of packages may be missing or old, as on a new machine.
        apt_get(&["update", "-qq"])?;
        install(&packages)?;
    }
    let still: Vec<&str> = self::missing().iter().map(|need| need.file).collect();
    if !still.is_empty() {
        bail!("still missing after installing: {}", still.join(", "));
    }
    Ok(())
}

fn missing() -> Vec<&'static Need> {
    NODE.iter()
        .chain(&IMAGES)
        .filter(|need| find(need.file).is_none())
        .collect()
}

fn install(packages: &[&str]) -> Result<()> {
    let mut args = vec!["install", "--yes", "-qq", "--no-install-recommends"];
    args.extend(packages);
    apt_get(&args)
}

fn apt_get(args: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // The package starts a containerd of the machine otherwise. Ours is started by us.
        .env("RUNLEVEL", "1")
        .stdin(Stdio::null())
        .output()
        .context("starting `apt-get`")?;
    if !output.status.success() {
        bail!(
            "`apt-get {}` failed\n{}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}
