//! Whether an `up` could work here.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Ended, Stack, deployment, sandbox, stackctl};

const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: gold, resources: {requests: {storage: 1Mi}}}
";

/// What somebody may do who may install everything, and give nothing away.
const INSTALLER: &str = "apiVersion: v1
kind: Namespace
metadata: {name: doctor-escalation}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: doctor-escalation}
rules:
- apiGroups: ['', apps, batch, discovery.k8s.io, coordination.k8s.io, rbac.authorization.k8s.io]
  resources: [pods, pods/log, secrets, events, services, persistentvolumeclaims, deployments, statefulsets, daemonsets,
    replicasets, jobs, endpointslices, leases, roles, rolebindings, namespaces]
  verbs: [get, list, watch, create, update, patch, delete]
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [get], resourceNames: ['system:discovery']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: doctor-escalation}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: doctor-escalation}
subjects: [{kind: ServiceAccount, name: installer, namespace: doctor-escalation}]
";

const MAY_GIVE: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: gives, namespace: doctor-escalation}
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, clusterroles], verbs: [escalate, bind]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gives, namespace: doctor-escalation}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gives}
subjects: [{kind: ServiceAccount, name: installer, namespace: doctor-escalation}]
";

const GIVEN: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: watcher}
rules:
- {apiGroups: [''], resources: [pods], verbs: [get, list]}
- {apiGroups: [''], resources: [configmaps, pods/exec], verbs: [create, get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: watcher}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: watcher}
subjects: [{kind: ServiceAccount, name: default, namespace: doctor-escalation}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:discovery}
subjects: [{kind: ServiceAccount, name: default, namespace: doctor-escalation}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: editor}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:node-proxier}
subjects: [{kind: ServiceAccount, name: default, namespace: doctor-escalation}]
";

/// The sandbox's, in the name of this user.
pub fn kubeconfig_of(user: &str) -> tempfile::NamedTempFile {
    let config = std::fs::read_to_string(sandbox().kubeconfig()).expect("a kubeconfig");
    let mut config: serde_json::Value = serde_saphyr::from_str(&config).expect("YAML");
    config["users"][0]["user"]["as"] = user.into();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let written = file.write_all(config.to_string().as_bytes());
    written.expect("written");
    file
}

/// Applies or deletes objects, as kubectl does.
pub fn kubectl(verb: &str, objects: &str) {
    let mut command = Command::new(sandbox().kubectl());
    let command = command.arg("--kubeconfig").arg(sandbox().kubeconfig());
    let mut kubectl = command
        .args([verb, "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("kubectl starts");
    let mut stdin = kubectl.stdin.take().expect("a pipe");
    stdin.write_all(objects.as_bytes()).expect("it listens");
    drop(stdin);
    assert!(kubectl.wait().expect("it ends").success());
}

fn profile(stack: &Stack) -> String {
    let profile = stack.profile();
    profile.to_str().expect("a path in UTF-8").to_owned()
}

#[test]
fn a_good_place_has_nothing_in_the_way() {
    let stack = Stack::new("doctor-good").release("web", &deployment("web", ""), "");
    let told = Ended::of(&["doctor", "--profile", &profile(&stack)]).expect_code(0);
    for good in ["helm", "cluster", "namespace", "rights"] {
        let mut lines = told.stdout.lines();
        let is_good = lines.any(|line| {
            line.starts_with(&format!("+ {good}")) || line.starts_with(&format!("✔ {good}"))
        });
        assert!(is_good, "{good}\n{}", told.stdout);
    }
    assert!(
        told.stdout.contains("nothing stands in the way"),
        "{}",
        told.stdout
    );
}

/// All that is wrong is told at once.
#[test]
fn what_would_stop_an_up_is_told_with_what_helps() {
    let chart = format!("{}---\n{CLAIM}", deployment("web", ""));
    let stack = Stack::new("doctor-bad").release("web", &chart, "");
    let file = kubeconfig_of("stranger");
    let mut command = stackctl(&["doctor", "-o", "json", "--profile", &profile(&stack)]);
    let output = command
        .env("KUBECONFIG", file.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let checks: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let says: Vec<String> = checks
        .as_array()
        .expect("checks")
        .iter()
        .map(|it| {
            format!(
                "{}: {}",
                it["state"].as_str().unwrap_or_default(),
                it["says"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let all = says.join("\n");
    for wanted in [
        "problem: may not create, delete, get and patch `deployments.apps` in namespace `doctor-bad` (helm, for deployment/web)",
        "warning: may not list and watch `events` in namespace `doctor-bad` (stackctl): causes that only events tell stay unnamed",
        "problem: may not create, delete, get, list, patch, update and watch `secrets` in namespace `doctor-bad` (stackctl)",
    ] {
        assert!(all.contains(wanted), "{wanted}\n{all}");
    }

    // With all rights, what is left is the storage class.
    let told = Ended::of(&["doctor", "--profile", &profile(&stack)]).expect_code(4);
    assert!(
        told.stdout.contains("there is no storage class `gold`"),
        "{}",
        told.stdout
    );
}

/// Nobody may give away what they don't have: said before an `up` fails for it.
#[test]
fn rights_that_may_not_be_given_away() {
    let chart = format!("{}---\n{GIVEN}", deployment("web", ""));
    let stack = Stack::new("doctor-escalation").release("web", &chart, "");
    kubectl("apply", INSTALLER);
    let file = kubeconfig_of("system:serviceaccount:doctor-escalation:installer");
    let (profile, config) = (profile(&stack), file.path().to_str().expect("UTF-8"));
    let as_installer = |verb: &str| {
        let told = Ended::of(&[verb, "--profile", &profile, "--kubeconfig", config]);
        (told.code, told.stdout + &told.stderr)
    };
    let (code, told) = as_installer("doctor");
    assert_eq!(code, 4, "{told}");
    for wanted in [
        "may not create role/watcher in namespace `doctor-escalation`: it gives rights that these credentials don't \
         have: create and get `configmaps`; create and get `pods/exec`\n",
        "hint: let these credentials escalate `roles.rbac.authorization.k8s.io` named `watcher` in namespace \
         `doctor-escalation`, or give them these rights first",
        "may not create rolebinding/watcher in namespace `doctor-escalation`: it gives rights",
        "it is not known whether rolebinding/editor in namespace `doctor-escalation` may be created",
        "2 things would stop an `up`",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
    // Of paths everybody may ask for.
    assert!(!told.contains("rolebinding/viewer in"), "{told}");
    let (code, told) = as_installer("up");
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("may not give away rights"), "{told}");

    kubectl("apply", MAY_GIVE);
    let (code, told) = as_installer("doctor");
    assert_eq!(code, 0, "{told}");
    let (code, told) = as_installer("up");
    assert_eq!(code, 0, "{told}");
    kubectl("delete", INSTALLER);
}
