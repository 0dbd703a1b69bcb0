//! A sandbox of a test's own, driven through the program as a person would.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Takes the sandbox down when the test is over, however it ends.
pub struct Own {
    pub name: &'static str,
}

impl Own {
    pub fn new(name: &'static str) -> Self {
        let own = Self { name };
        own.ok(&["down"]);
        own
    }

    /// Runs `cargo sandbox` on it.
    pub fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_stackctl-sandbox"))
            .args(args)
            .args(["--name", self.name])
            .output()
            .unwrap()
    }

    /// Runs `cargo sandbox` on it, which has to work, and returns its stdout.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns its folder, whether it is up or not.
    pub fn folder(&self) -> PathBuf {
        let cache = std::env::var_os("STACKCTL_SANDBOX_HOME").map_or_else(
            || {
                let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
                    || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
                    PathBuf::from,
                );
                cache.join("stackctl-sandbox")
            },
            PathBuf::from,
        );
        cache.join("instances").join(self.name)
    }

    pub fn kubectl(&self, args: &[&str]) -> Output {
        Command::new(self.folder().join("bin/kubectl"))
            .arg("--kubeconfig")
            .arg(self.folder().join("kubeconfig"))
            .arg("--cache-dir")
            .arg(self.folder().join("tmp"))
            .args(args)
            .output()
            .unwrap()
    }

    /// Runs kubectl, which has to work, and returns its stdout.
    pub fn kubectl_ok(&self, args: &[&str]) -> String {
        let output = self.kubectl(args);
        assert!(
            output.status.success(),
            "kubectl {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Applies objects.
    pub fn apply(&self, yaml: &str) -> Output {
        let file = self.folder().join("tmp/apply.yaml");
        std::fs::write(&file, yaml).unwrap();
        self.kubectl(&["apply", "-f", file.to_str().unwrap()])
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = std::env::temp_dir().join(format!("sandbox-{}-logs", self.name));
            let _ = Command::new("cp")
                .arg("-rT")
                .arg(self.folder().join("logs"))
                .arg(&kept)
                .status();
            let _ = writeln!(std::io::stderr(), "its logs are kept in {}", kept.display());
        }
        let _ = self.run(&["down"]);
    }
}
