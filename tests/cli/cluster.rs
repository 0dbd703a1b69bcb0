//! The way to a cluster, told by the verbs that go it.

use crate::folder::{Folder, Ran};

fn status(folder: &Folder, args: &[&str]) -> Ran {
    folder.run(&[&["status"], args].concat())
}

#[test]
fn no_kubeconfig() {
    insta::assert_snapshot!(status(&Folder::empty(), &[]), @r"
    stderr:
    error: looking for a kubeconfig: `[FOLDER]/.kube/config` does not exist
    hint: name it with `--kubeconfig` or in `KUBECONFIG`
    exit code 4
    ");
    insta::assert_snapshot!(status(&Folder::shop(), &["--kubeconfig", "nowhere"]), @r"
    stderr:
    error: looking for a kubeconfig: `nowhere` does not exist
    hint: name it with `--kubeconfig` or in `KUBECONFIG`
    exit code 4
    ");
    let folder = Folder::shop().variable("KUBECONFIG", "gone:away");
    insta::assert_snapshot!(status(&folder, &[]), @r"
    stderr:
    error: looking for a kubeconfig: `gone` does not exist
    hint: name it with `--kubeconfig` or in `KUBECONFIG`
    exit code 4
    ");
}

#[test]
fn a_kubeconfig_that_is_none() {
    let folder = Folder::shop().file(".kube/config", "token: [never-to-be-shown\n");
    insta::assert_snapshot!(status(&folder, &[]), @r"
    stderr:
    error: reading the kubeconfig: it is not YAML of the expected shape
    hint: `kubectl config view` shows how it is understood
    exit code 4
    ");
    insta::assert_snapshot!(status(&folder, &["--kubeconfig", "profiles"]), @r"
    stderr:
    error: reading the kubeconfig: `profiles`: it is a folder
    hint: `kubectl --kubeconfig profiles config view` shows how it is understood
    exit code 4
    ");
}

#[test]
fn a_context_that_is_not_there() {
    insta::assert_snapshot!(status(&Folder::shop(), &["--kube-context", "stagin"]), @r"
    stderr:
    error: choosing a context: the kubeconfig has no context `stagin`
    hint: did you mean `staging`?
    hint: the contexts are `production`, `staging`
    exit code 4
    ");
    insta::assert_snapshot!(status(&Folder::shop(), &["--kube-context", "dev"]), @r"
    stderr:
    error: choosing a context: the kubeconfig has no context `dev`
    hint: the contexts are `production`, `staging`
    exit code 4
    ");
}

#[test]
fn no_context_is_chosen() {
    let folder = Folder::shop().file(
        ".kube/config",
        "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\n\
         contexts: [{name: production, context: {cluster: c, user: u}}]\n",
    );
    insta::assert_snapshot!(status(&folder, &[]), @r"
    stderr:
    error: choosing a context: the kubeconfig has no current one
    hint: choose one with `--kube-context`
    hint: the only context is `production`
    exit code 4
    ");
}

#[test]
fn every_verb_that_asks_the_cluster_says_the_same() {
    let told = |args: &[&str]| Folder::shop().run(args).to_string();
    let status = told(&["status"]);
    for args in [&["up"][..], &["down", "--yes"], &["logs"]] {
        assert_eq!(told(args), status, "{args:?}");
    }
}

#[test]
fn nothing_of_the_kubeconfig_is_given_away() {
    let token = "never-to-be-shown";
    for args in [&["status"][..], &["status", "-vvv"], &["up", "-vvv"]] {
        let told = Folder::shop().run(args).to_string();
        assert!(told.contains("connecting to"), "{told}");
        assert!(!told.contains(token), "{told}");
    }
}
