use crate::folder::{Folder, assert_not_asked};

/// Nobody can answer in a pipe: that is known before helm and the cluster are asked.
#[test]
fn without_yes_in_a_pipe() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    insta::assert_snapshot!(folder.run(&["down"]), @r"
    stderr:
    error: removing 4 releases of stack `shop` in namespace `shop` has to be confirmed, and nobody can be asked here
    hint: `--yes` removes without asking
    exit code 2
    ");
    insta::assert_snapshot!(folder.run(&["down", "mail"]), @r"
    stderr:
    error: removing 1 release of stack `shop` in namespace `shop` has to be confirmed, and nobody can be asked here
    hint: `--yes` removes without asking
    exit code 2
    ");
    assert_not_asked(&cluster);
    assert_eq!(folder.helm_calls(), [""; 0]);
}

#[test]
fn a_release_that_the_profile_does_not_have() {
    insta::assert_snapshot!(Folder::shop().run(&["down", "--yes", "apu"]), @r"
    stderr:
    error: the profile has no release `apu`
    hint: it has `database`, `api`, `web` and `mail`
    exit code 2
    ");
}

#[test]
fn a_way_of_telling_that_is_not_possible_is_refused_first() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    let tty = folder.run(&["down", "--yes", "--progress", "tty"]);
    assert_eq!(tty.code, Some(2), "{tty}");
    let both = folder.run(&["down", "--yes", "--progress", "json", "-o", "yaml"]);
    assert_eq!(both.code, Some(2), "{both}");
    assert_not_asked(&cluster);
    assert_eq!(folder.helm_calls(), [""; 0]);
}

#[test]
fn records_that_are_kept_elsewhere() {
    let folder = Folder::shop().variable("HELM_DRIVER", "configmap");
    insta::assert_snapshot!(folder.run(&["down", "--yes"]), @r"
    stderr:
    error: `HELM_DRIVER` is `configmap`, and stackctl reads releases from Secrets only
    hint: unset `HELM_DRIVER`, unless releases are kept there already
    exit code 4
    ");
}

#[test]
fn a_cluster_that_does_not_answer() {
    insta::assert_snapshot!(Folder::shop().run(&["down", "--yes"]), @r"
    stderr:
    error: connecting to 127.0.0.1:1 (context `staging`): Connection refused (os error 111)
    hint: is the cluster running, and reachable from here (VPN, proxy, firewall)?
    hint: choose another with `--kube-context`
    exit code 4
    ");
}

/// helm's records say what to take away; a chart that can't be installed is no reason to stay.
#[test]
fn a_chart_that_lacks_a_dependency_does_not_matter() {
    let on =
        "dependencies: [{name: redis, version: 1.x, repository: 'https://charts.example.com'}]\n";
    let ran = Folder::shop().chart("web", on).run(&["down", "--yes"]);
    assert!(ran.stderr.contains("connecting to"), "{ran}");
}
