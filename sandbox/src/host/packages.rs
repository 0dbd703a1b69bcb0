//! What real nodes need from the distribution, and getting it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::output::say;

/// A file that has to be there, and the Debian package that brings it.
#[derive(Clone, Copy)]
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
    let needs: Vec<Need> = NODE.into_iter().chain(IMAGES).collect();
    provide_all(&needs)
        .context("real nodes need programs that are missing here; `--nodes kwok` does without")
}

/// Makes sure that the Debian package which brings this program is installed.
///
/// # Errors
/// When it is missing and can't be installed.
pub fn require(program: &'static str, package: &'static str) -> Result<()> {
    provide_all(&[need(program, package)])
}

fn provide_all(needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    if find("apt-get").is_none() {
        bail!("to be installed:\n{}", list(&missing));
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    say(&format!("installing with apt-get: {}", packages.join(" ")));
    if install(&packages).is_err() {
        // The lists of packages may be missing or old, as on a new machine.
        apt_get(&["update", "-qq"])?;
        install(&packages)?;
    }
    let still = self::missing(needs);
    if !still.is_empty() {
        bail!("still missing after installing:\n{}", list(&still));
    }
    Ok(())
}

fn missing(needs: &[Need]) -> Vec<&Need> {
    let gone = |need: &&Need| find(need.file).is_none();
    needs.iter().filter(gone).collect()
}

fn list(needs: &[&Need]) -> String {
    let line = |need: &&Need| format!("  {} (Debian: {})", need.file, need.package);
    needs.iter().map(line).collect::<Vec<_>>().join("\n")
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
