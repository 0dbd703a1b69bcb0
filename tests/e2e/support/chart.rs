use std::fs;
use std::path::{Path, PathBuf};

use stackctl_sandbox::Sandbox;

use super::{Cluster, sandbox};

/// A stack of small charts in a folder and a namespace of its own; both go with it.
pub struct Stack {
    sandbox: &'static Sandbox,
    folder: tempfile::TempDir,
    name: String,
    releases: String,
}

impl Stack {
    /// `name` is the stack's and the namespace's.
    pub fn new(name: &str) -> Stack {
        Stack::on(sandbox(), name)
    }

    /// The same, elsewhere than on the sandbox that all share.
    pub fn on(sandbox: &'static Sandbox, name: &str) -> Stack {
        Cluster::of(sandbox).remove_namespace(name);
        Stack {
            sandbox,
            folder: tempfile::tempdir().expect("a folder"),
            name: name.to_owned(),
            releases: String::new(),
        }
    }

    /// Adds a release whose chart has this one template; `more` is the rest of its entry in the
    /// profile, as `needs: [a], timeout: 20s`.
    pub fn release(mut self, id: &str, template: &str, more: &str) -> Stack {
        let templates = self.folder.path().join(id).join("templates");
        fs::create_dir_all(&templates).expect("a folder");
        fs::write(templates.join("all.yaml"), template).expect("a template");
        let chart = format!("apiVersion: v2\nname: {id}\nversion: 1.0.0\n");
        fs::write(self.folder.path().join(id).join("Chart.yaml"), chart).expect("a chart");
        let comma = if more.is_empty() { "" } else { ", " };
        self.releases += &format!("  {id}: {{chart: ./{id}{comma}{more}}}\n");
        self
    }

    /// The profile, written down.
    pub fn profile(&self) -> PathBuf {
        let file = self.folder.path().join("profile.yaml");
        let Stack { name, releases, .. } = self;
        let text = format!("name: {name}\nnamespace: {name}\nreleases:\n{releases}");
        fs::write(&file, text).expect("a profile");
        file
    }

    pub fn sandbox(&self) -> &'static Sandbox {
        self.sandbox
    }

    pub fn namespace(&self) -> &str {
        &self.name
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        Cluster::of(self.sandbox).remove_namespace(&self.name);
    }
}

/// A Deployment of one pod that sleeps, with `more` of the pod's spec: `initContainers: [...]`.
pub fn deployment(name: &str, more: &str) -> String {
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
      {more}
      containers:
        - name: main
          image: docker.io/library/busybox:1.36
          command: [sh, -c, 'trap exit TERM; echo up; while :; do sleep 1; done']
"
    )
}

/// For a pod's spec: an init container that takes so many seconds.
pub fn moment(seconds: u32) -> String {
    format!(
        "initContainers: [{{name: moment, image: 'docker.io/library/busybox:1.36', command: [sleep, '{seconds}']}}]"
    )
}

/// A hook Job whose container runs this shell script.
pub fn hook_job(name: &str, event: &str, script: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  annotations: {{helm.sh/hook: {event}}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - name: hook
          image: docker.io/library/busybox:1.36
          command: [sh, -c, '{script}']
"
    )
}
