//! A stack on the disk, in every tool's own form: charts, a profile, a script, helmfiles.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// helm's and the script's limit for one release, and helmfile's.
pub const LIMIT_SECONDS: u32 = 60;

/// One release: a chart with this one template.
#[derive(Debug, Clone)]
pub struct Release {
    pub id: String,
    pub needs: Vec<String>,
    pub template: String,
}

impl Release {
    pub fn new(id: &str, needs: &[&str], template: String) -> Release {
        Release {
            id: id.to_owned(),
            needs: needs.iter().map(|&need| need.to_owned()).collect(),
            template,
        }
    }
}

/// A stack in a folder that goes with this value.
#[derive(Debug)]
pub struct Stack {
    folder: TempDir,
    pub namespace: String,
    pub size: usize,
}

impl Stack {
    /// Writes a stack whose releases are in an order in which they can be installed. Its name is its
    /// namespace.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write(namespace: &str, releases: &[Release]) -> Result<Stack> {
        let folder = tempfile::tempdir().context("making a folder for charts")?;
        let stack = Stack {
            folder,
            namespace: namespace.to_owned(),
            size: releases.len(),
        };
        for release in releases {
            let chart = stack.file(&release.id);
            fs::create_dir_all(chart.join("templates"))?;
            let about = format!("apiVersion: v2\nname: {}\nversion: 1.0.0\n", release.id);
            fs::write(chart.join("Chart.yaml"), about)?;
            fs::write(chart.join("templates/all.yaml"), &release.template)?;
        }
        fs::write(stack.profile(), profile(namespace, releases))?;
        fs::write(stack.script(), script(namespace, releases))?;
        fs::write(
            stack.unordered_script(),
            unordered_script(namespace, releases),
        )?;
        fs::write(stack.helmfile(), helmfile(namespace, releases, ""))?;
        let tracked = format!(
            "    trackMode: kubedog\n    trackTimeout: {LIMIT_SECONDS}\n    trackLogs: true\n"
        );
        fs::write(
            stack.tracked_helmfile(),
            helmfile(namespace, releases, &tracked),
        )?;
        Ok(stack)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn profile(&self) -> PathBuf {
        self.file("profile.yaml")
    }

    /// One helm after the other, each with `--wait`.
    pub fn script(&self) -> PathBuf {
        self.file("in-order.sh")
    }

    /// Eight helms at a time, without `--wait` and without any order.
    pub fn unordered_script(&self) -> PathBuf {
        self.file("unordered.sh")
    }

    pub fn helmfile(&self) -> PathBuf {
        self.file("helmfile.yaml")
    }

    /// The same with `trackMode: kubedog`.
    pub fn tracked_helmfile(&self) -> PathBuf {
        self.file("helmfile-kubedog.yaml")
    }
}

fn profile(namespace: &str, releases: &[Release]) -> String {
    let mut text = format!("name: {namespace}\nnamespace: {namespace}\nreleases:\n");
    for Release { id, needs, .. } in releases {
        let needs = needs.join(", ");
        let _ = writeln!(text, "  {id}: {{chart: ./{id}, needs: [{needs}]}}");
    }
    text
}

fn script(namespace: &str, releases: &[Release]) -> String {
    let mut text = "set -eu\n".to_owned();
    for Release { id, .. } in releases {
        let _ = writeln!(
            text,
            "\"$HELM\" upgrade --install {id} ./{id} --namespace {namespace} --wait --timeout {LIMIT_SECONDS}s"
        );
    }
    text
}

fn unordered_script(namespace: &str, releases: &[Release]) -> String {
    let ids: Vec<&str> = releases.iter().map(|r| r.id.as_str()).collect();
    format!(
        "printf '%s\\n' {} |\n  xargs -P 8 -I ID \"$HELM\" upgrade --install ID ./ID --namespace {namespace}\n",
        ids.join(" ")
    )
}

fn helmfile(namespace: &str, releases: &[Release], more: &str) -> String {
    let mut text = format!("helmDefaults: {{wait: true, timeout: {LIMIT_SECONDS}}}\nreleases:\n");
    for Release { id, needs, .. } in releases {
        let needs: Vec<String> = needs.iter().map(|n| format!("{namespace}/{n}")).collect();
        let needs = needs.join(", ");
        let _ = write!(
            text,
            "  - name: {id}\n    namespace: {namespace}\n    chart: ./{id}\n    needs: [{needs}]\n{more}"
        );
    }
    text
}

/// A Deployment of one pod; `spec` is more of the pod's spec, its lines indented by six.
fn deployment(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
{spec}"
    )
}

const IMAGE: &str = "docker.io/library/busybox:1.36";

/// A server with a readiness probe, as the only container of a pod's spec.
pub fn server() -> String {
    format!(
        "      containers:
        - name: main
          image: {IMAGE}
          command: [httpd, -f, -p, '8080']
          readinessProbe: {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}
"
    )
}

/// An init container that runs this script, for a pod's spec.
pub fn init(script: &str) -> String {
    format!(
        "      initContainers:
        - name: init
          image: {IMAGE}
          command: [sh, -c, '{script}']
"
    )
}

/// A server whose init container runs this script before.
pub fn after_init(name: &str, script: &str) -> String {
    deployment(name, &format!("{}{}", init(script), server()))
}

/// A pod for simulated nodes, which run nothing.
pub fn simulated(name: &str) -> String {
    deployment(name, "      containers: [{name: main, image: 'pause:1'}]\n")
}

/// A Deployment with any pod's spec.
pub fn any(name: &str, spec: &str) -> String {
    deployment(name, spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Stack {
        let releases = [
            Release::new("a", &[], simulated("a")),
            Release::new("b", &["a"], simulated("b")),
        ];
        Stack::write("shop", &releases).unwrap()
    }

    #[test]
    fn a_script_is_in_order_and_waits() {
        let text = fs::read_to_string(two().script()).unwrap();
        let helms: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            helms,
            [
                "\"$HELM\" upgrade --install a ./a --namespace shop --wait --timeout 60s",
                "\"$HELM\" upgrade --install b ./b --namespace shop --wait --timeout 60s",
            ]
        );
    }

    #[test]
    fn every_form_knows_the_needs() {
        let stack = two();
        let profile = fs::read_to_string(stack.profile()).unwrap();
        assert!(
            profile.contains("  b: {chart: ./b, needs: [a]}\n"),
            "{profile}"
        );
        let helmfile = fs::read_to_string(stack.helmfile()).unwrap();
        assert!(helmfile.contains("needs: [shop/a]\n"), "{helmfile}");
        assert!(!helmfile.contains("trackMode"), "{helmfile}");
        let tracked = fs::read_to_string(stack.tracked_helmfile()).unwrap();
        assert_eq!(
            tracked.matches("trackMode: kubedog\n").count(),
            2,
            "{tracked}"
        );
    }
}
