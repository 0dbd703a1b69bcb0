use crate::folder::{Folder, assert_not_asked};

#[test]
fn a_cluster_that_does_not_answer() {
    insta::assert_snapshot!(Folder::shop().run(&["status"]), @r"
    stderr:
    error: connecting to 127.0.0.1:1 (context `staging`): Connection refused (os error 111)
    hint: is the cluster running, and reachable from here (VPN, proxy, firewall)?
    hint: choose another with `--kube-context`
    exit code 4
    ");
}

#[test]
fn neither_profile_nor_helm_is_needed_to_ask_the_cluster() {
    let ran = Folder::empty().cluster("127.0.0.1:1").run(&["status"]);
    assert!(ran.stderr.contains("connecting to 127.0.0.1:1"), "{ran}");
}

#[test]
fn a_profile_that_is_wrong_is_told_before_the_cluster_is_asked() {
    let (folder, cluster) = Folder::shop_of_a_cluster();
    insta::assert_snapshot!(folder.run(&["status", "--profile", "shup"]), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    exit code 3
    ");
    let folder = folder.variable("STACKCTL_PROFILE", "shup");
    insta::assert_snapshot!(folder.run(&["status"]), @r"
    stderr:
    error: there is no profile `shup`
    hint: did you mean `shop`?
    hint: the name is from `$STACKCTL_PROFILE`
    exit code 3
    ");
    assert_not_asked(&cluster);
}

/// All releases would be missing: what is looked at is not where helm keeps its records.
#[test]
fn records_that_are_kept_elsewhere() {
    let folder = Folder::shop().variable("HELM_DRIVER", "sql");
    insta::assert_snapshot!(folder.run(&["status"]), @r"
    stderr:
    error: `HELM_DRIVER` is `sql`, and stackctl reads releases from Secrets only
    hint: unset `HELM_DRIVER`, unless releases are kept there already
    exit code 4
    ");
}

#[test]
fn a_form_that_there_is_not() {
    insta::assert_snapshot!(Folder::shop().run(&["status", "-o", "xml"]), @r"
    stderr:
    error: invalid value 'xml' for '--output <FORMAT>'
      [possible values: text, json, yaml]

      tip: a similar value exists: 'yaml'

    For more information, try '--help'.
    exit code 2
    ");
}
