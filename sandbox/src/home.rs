//! Where things are: the cache that every clone shares, and the folder of one sandbox in it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Folders that a `real` sandbox replaces by private ones, so that nothing in them is the host's.
const PRIVATE: [&str; 3] = ["/run", "/var/lib", "/var/log"];

/// The cache folder: built programs, images and the folders of running sandboxes.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// Returns `$STACKCTL_SANDBOX_HOME`, else `stackctl-sandbox` in the user's cache folder.
    ///
    /// # Errors
    /// When neither it nor `$XDG_CACHE_HOME` nor `$HOME` is set, or when it lies in a folder that a
    /// sandbox hides from its own processes.
    pub fn find() -> Result<Self> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let root = if let Some(home) = set("STACKCTL_SANDBOX_HOME") {
            std::path::absolute(home)?
        } else if let Some(cache) = set("XDG_CACHE_HOME") {
            Path::new(&cache).join("stackctl-sandbox")
        } else {
            let home = set("HOME").context("neither `STACKCTL_SANDBOX_HOME` nor `HOME` is set")?;
            Path::new(&home).join(".cache/stackctl-sandbox")
        };
        if let Some(hidden) = PRIVATE.iter().find(|hidden| root.starts_with(hidden)) {
            bail!(
                "`{}` can't be the sandbox's home: each sandbox has a `{hidden}` of its own",
                root.display()
            );
        }
        std::fs::create_dir_all(&root).with_context(|| format!("making `{}`", root.display()))?;
        Ok(Self(root))
    }

    /// Returns the folder that holds built programs, one folder for each part and digest.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.0.join("programs")
    }

    /// Returns the folder that holds built images, one folder for each digest.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.0.join("images")
    }

    /// Returns the folder that holds containerd's unpacked images, one folder for each set of images.
    #[must_use]
    pub fn stores(&self) -> PathBuf {
        self.0.join("stores")
    }

    /// Returns where the sandbox of this name keeps its files, whether it exists or not.
    ///
    /// # Errors
    /// When the name could not be part of a path, a cgroup and a Kubernetes context.
    pub fn instance(&self, name: &str) -> Result<Instance> {
        let fits = !name.is_empty()
            && name.len() <= 30
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !name.starts_with('-');
        if !fits {
            bail!(
                "`{name}` can't name a sandbox: up to 30 of a-z, 0-9 and `-`, not starting with `-`"
            );
        }
        let instances = self.0.join("instances");
        std::fs::create_dir_all(&instances)
            .with_context(|| format!("making `{}`", instances.display()))?;
        Ok(Instance {
            name: name.to_owned(),
            instances,
        })
    }
}

/// The files of one sandbox. Its folder is gone after `down`; the lock files beside it stay.
#[derive(Clone, Debug)]
pub struct Instance {
    name: String,
    instances: PathBuf,
}

impl Instance {
    /// Opens the instance in a folder that a supervisor was told.
    ///
    /// # Errors
    /// When the folder has no name or no parent.
    pub fn at(folder: &Path) -> Result<Self> {
        let name = folder.file_name().and_then(|name| name.to_str());
        let instances = folder.parent();
        match (name, instances) {
            (Some(name), Some(instances)) => Ok(Self {
                name: name.to_owned(),
                instances: instances.to_owned(),
            }),
            _ => bail!("`{}` is no sandbox's folder", folder.display()),
        }
    }

    /// Returns the sandbox's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the folder with all its files.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.instances.join(&self.name)
    }

    /// Returns a file in its folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Returns the file that one `up` or `down` at a time holds locked.
    #[must_use]
    pub fn turn_lock(&self) -> PathBuf {
        self.instances.join(format!("{}.turn", self.name))
    }

    /// Returns the file that a living supervisor holds locked.
    #[must_use]
    pub fn alive_lock(&self) -> PathBuf {
        self.instances.join(format!("{}.alive", self.name))
    }

    /// Returns the kubeconfig for people and tests.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// Returns the kubeconfig's context: `stackctl-sandbox`, with the name behind it if not `default`.
    #[must_use]
    pub fn context(&self) -> String {
        if self.name == "default" {
            "stackctl-sandbox".to_owned()
        } else {
            format!("stackctl-sandbox-{}", self.name)
        }
    }

    /// Returns the log of one component.
    #[must_use]
    pub fn log(&self, component: &str) -> PathBuf {
        self.folder().join("logs").join(format!("{component}.log"))
    }

    /// Returns the API server's audit log, written when it was asked for.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.folder().join("logs").join("audit.jsonl")
    }

    /// Returns the name of its control group, the same in every hierarchy.
    #[must_use]
    pub fn cgroup(&self) -> String {
        format!("stackctl-sandbox-{}", self.name)
    }
}
