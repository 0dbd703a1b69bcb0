//! What keeps a run from beginning: each a clear sentence, a hint, its exit code, and nothing
//! changed.

use crate::doctor::{kubeconfig_of, kubectl};
use crate::support::{Cluster, Ended, Stack, deployment, sandbox, stackctl};

#[test]
fn a_cluster_that_does_not_answer() {
    let stack = Stack::new("e2e-refused").release("web", &deployment("web", ""), "");
    let file = stack.folder().join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: gone\n\
        clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:1'}}]\n\
        contexts: [{name: gone, context: {cluster: gone, user: me}}]\n\
        users: [{name: me, user: {token: secret-token}}]\n";
    std::fs::write(&file, text).expect("a kubeconfig");
    let profile = stack.profile();
    let kubeconfig = file.to_str().expect("UTF-8");
    let up = Ended::up(&profile, &["--kubeconfig", kubeconfig]).expect_code(4);
    assert!(up.stderr.contains("127.0.0.1:1"), "{}", up.stderr);
    assert!(up.stderr.contains("hint:"), "{}", up.stderr);
    assert!(!up.stderr.contains("secret-token"), "{}", up.stderr);
}

#[test]
fn a_context_that_is_not_there() {
    let stack = Stack::new("e2e-context").release("web", &deployment("web", ""), "");
    let up = Ended::up(&stack.profile(), &["--kube-context", "stackctl-sandbix"]).expect_code(4);
    assert!(
        up.stderr.contains("did you mean `stackctl-sandbox`?"),
        "{}",
        up.stderr
    );
}

#[test]
fn credentials_that_may_do_nothing() {
    let stack = Stack::new("e2e-denied").release("web", &deployment("web", ""), "");
    let kubeconfig = std::fs::read_to_string(sandbox().kubeconfig()).expect("a kubeconfig");
    let mut own: serde_json::Value = serde_json::from_str(&kubeconfig).expect("JSON");
    assert!(
        own["users"][0]["user"]["token"].is_string(),
        "there is no token to replace"
    );
    own["users"][0]["user"]["token"] = "nobody".into();
    let own = own.to_string();
    let file = stack.folder().join("kubeconfig");
    std::fs::write(&file, own).expect("a kubeconfig");
    let file = file.to_str().expect("UTF-8");
    let up = Ended::up(&stack.profile(), &["--kubeconfig", file]).expect_code(4);
    assert!(up.stderr.contains("hint: log in again"), "{}", up.stderr);
}

#[test]
fn a_namespace_that_may_not_be_made() {
    let stack = Stack::new("e2e-nowhere").release("web", &deployment("web", ""), "");
    let profile = stack.profile();
    let text = std::fs::read_to_string(&profile).expect("the profile");
    std::fs::write(&profile, format!("createNamespace: false\n{text}")).expect("the profile");
    let up = Ended::up(&profile, &[]).expect_code(4);
    assert!(
        up.stderr.contains("there is no namespace `e2e-nowhere`"),
        "{}",
        up.stderr
    );
}

#[test]
fn no_helm_on_the_path() {
    let stack = Stack::new("e2e-helmless").release("web", &deployment("web", ""), "");
    let profile = stack.profile();
    let profile = profile.to_str().expect("UTF-8");
    let mut command = stackctl(&["up", "--profile", profile]);
    command.env_remove("STACKCTL_HELM").env("PATH", "/nowhere");
    let output = command.output().expect("stackctl runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(
        stderr.contains("no `helm` was found on the PATH"),
        "{stderr}"
    );
    assert!(
        Cluster::of(sandbox())
            .release_status("e2e-helmless", "web")
            .is_none()
    );
}

/// Somebody whose helm may go where he himself may not look.
const BLIND: &str = "apiVersion: v1
kind: Namespace
metadata: {name: hidden-there}
---
apiVersion: v1
kind: Namespace
metadata: {name: hidden-here}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: hidden-here}
rules:
- {apiGroups: [''], resources: [namespaces], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: hidden-here}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hidden-here}
subjects: [{kind: ServiceAccount, name: blind, namespace: hidden-here}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: blind, namespace: hidden-here}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: blind, namespace: hidden-here}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: blind, namespace: hidden-there}
rules:
- {apiGroups: [apps], resources: [deployments], verbs: [get, create, patch, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: blind, namespace: hidden-there}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: blind}
subjects: [{kind: ServiceAccount, name: blind, namespace: hidden-here}]
";

#[test]
fn what_may_not_be_watched_is_not_said_to_be_missing() {
    let there = "metadata: {name: web, namespace: hidden-there}";
    let chart = deployment("web", "").replace("metadata: {name: web}", there);
    let stack = Stack::new("hidden-here").release("web", &chart, "timeout: 10s");
    Cluster::of(sandbox()).remove_namespace("hidden-there");
    kubectl("apply", BLIND);
    let file = kubeconfig_of("system:serviceaccount:hidden-here:blind");
    let config = file.path().to_str().expect("UTF-8");
    let profile = stack.profile();
    let profile = profile.to_str().expect("UTF-8");
    let run = |args: &[&str]| {
        let told = Ended::of(&[args, &["--profile", profile, "--kubeconfig", config]].concat());
        (told.code, told.stdout + &told.stderr)
    };
    let (code, told) = run(&["up"]);
    assert_eq!(code, 0, "{told}");
    let (code, told) = run(&["status", "--exit-code"]);
    assert_eq!(code, 4, "{told}");
    let unknown = "the state of deployment/web is not known: these credentials may not list deployments in namespace `hidden-there`";
    assert!(told.contains(unknown), "{told}");
    assert!(!told.contains("not in the cluster"), "{told}");
    let (_, told) = run(&["down", "--yes"]);
    kubectl("delete", BLIND);
    assert!(!told.contains("bug"), "{told}");
}
