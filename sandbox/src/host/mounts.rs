//! The private view of the file system: whatever Kubernetes leaves about lands in the instance's folder
//! or in memory, and is gone with the last process.

use std::path::Path;

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};

use crate::home::Instance;

/// Folders that get a private copy on disk: kubelet, CNI and container logs write there.
const ON_DISK: [&str; 2] = ["/var/lib", "/var/log"];

/// Settings of the kernel that the kubelet insists on, with the values that it insists on. They belong
/// to the whole machine, so it is shown the values instead of being let to set them.
const KERNEL: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Makes the view. The caller has to be in a mount namespace of its own.
///
/// # Errors
/// When something can't be mounted.
pub fn make_private(instance: &Instance) -> Result<()> {
    let whole = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    mount_change("/", whole).context("cutting the mounts off from the host's")?;
    // Pods may ask for mounts to be passed on; the peers are only those of this namespace.
    let shared = MountPropagationFlags::REC | MountPropagationFlags::SHARED;
    mount_change("/", shared).context("letting mounts be passed on inside")?;
    mount("proc", "/proc", "proc", MountFlags::empty(), None).context("mounting `/proc`")?;
    let resolver = Path::new("/etc/resolv.conf");
    if resolver.is_file() && !resolver.is_symlink() {
        bind(&instance.file("resolv.conf"), resolver)?;
    }
    mount(
        "tmpfs",
        "/run",
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV,
        Some(c"mode=755"),
    )
    .context("mounting `/run`")?;
    for folder in ON_DISK {
        let private = instance
            .file("private")
            .join(folder.trim_start_matches('/'));
        std::fs::create_dir_all(&private)
            .with_context(|| format!("making `{}`", private.display()))?;
        bind(&private, Path::new(folder))?;
    }
    show_kernel_settings(instance)
}

fn show_kernel_settings(instance: &Instance) -> Result<()> {
    let folder = instance.file("private").join("kernel");
    std::fs::create_dir_all(&folder).with_context(|| format!("making `{}`", folder.display()))?;
    for (setting, value) in KERNEL {
        let real = Path::new("/proc/sys").join(setting);
        if real.exists() {
            let shown = folder.join(setting.replace('/', "."));
            std::fs::write(&shown, format!("{value}\n"))
                .with_context(|| format!("writing `{}`", shown.display()))?;
            bind(&shown, &real)?;
        }
    }
    Ok(())
}

fn bind(source: &Path, target: &Path) -> Result<()> {
    mount_bind(source, target).with_context(|| {
        format!(
            "mounting `{}` over `{}`",
            source.display(),
            target.display()
        )
    })
}
